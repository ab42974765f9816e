"""The description of a trained model: the content of ``model.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ..choices import AGGREGATIONS, STRATEGIES, Aggregation, Strategy
from ..errors import ModelError, UsageError
from ..features import from_config
from ..manifest.values import Json
from ..units import seconds_to_samples

if TYPE_CHECKING:
    from ..features.front_ends.base import FrontEnd

SCHEMA = "imtools/model/1"


@dataclass(frozen=True)
class Member:
    """One net of a model.

    Attributes
    ----------
    prefix : str
        Prefix of the names of its tensors in the weights file, before a dot: ``"fold0"`` or ``"model"``; for
        a net for one class ``"fold0.3"``, with the index of the class.
    fold : int or None
        The fold that it was validated, and not trained, on.
    label : str or None
        The class of a net for one class (one-vs-all); ``None``: all.
    epoch : int
        The epoch (from 0) of its weights.
    mean, std : float
        Of all values of its training features; it standardises features by these.
    validation : dict of str to float
        Loss and metrics on its validation records, after that epoch.
    degenerate : bool
        Whether its scores were nearly the same for all of them.
    """

    prefix: str
    fold: int | None
    label: str | None
    epoch: int
    mean: float
    std: float
    validation: dict[str, float | None] = field(default_factory=dict)
    degenerate: bool = False


@dataclass(frozen=True, kw_only=True)
class Description:
    """Everything that is needed to apply a model, and how it was trained.

    Attributes
    ----------
    name : str
        Without the hash of the weights, which `imtools.models.bundle.TrainedModel.name` adds.
    architecture : str
        A key of ``imtools.models.ARCHITECTURES``.
    width : float
        Factor on channels and units.
    strategy : {"multi-label", "single-label", "one-vs-all", "svm"}
        How it was trained; see `imtools.models.scoring.ScoringModule` for the scores.
    labels : list of str
        The classes, in the order of the scores.
    front_end : dict
        ``FrontEnd.config``.
    front_end_hash : str
        ``FrontEnd.config_hash``: features that carry it can be scored as they are.
    shape : tuple of int
        ``(bins, frames)`` of one window.
    window, hop : float
        Length of a window and distance between windows, in seconds.
    thresholds : list of float
        The score from which each class counts as present.
    members : list of Member
        The nets; for each class, the scores of those that know it are averaged.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}
        How the scores of windows are combined; see `imtools.aggregation`. (Those of members are averaged.)
    stereo : bool
        Whether left, right, middle and side of a recording are scored separately; see
        `imtools.sound.stereo`.
    training : dict
        Settings, device and processes, hashes of the records, licences, validation metrics.
    versions : dict of str to str
        Of imtools and of the packages that it was trained with.
    weights : str
        ``"sha256:..."`` of the weights file.
    """

    name: str
    architecture: str
    width: float
    strategy: Strategy
    labels: list[str]
    front_end: dict[str, Json]
    front_end_hash: str
    shape: tuple[int, int]
    window: float
    hop: float
    thresholds: list[float]
    members: list[Member]
    aggregation: Aggregation = "mean"
    stereo: bool = False
    training: dict[str, Json] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    weights: str = ""

    @property
    def degenerate(self) -> bool:
        """Whether any member gives nearly the same scores for every input."""
        return any(member.degenerate for member in self.members)

    @property
    def nets_know_all(self) -> bool:
        """Whether each member is a net that knows all classes."""
        return self.strategy in ("multi-label", "single-label")

    @property
    def sampling_rate(self) -> int:
        """Rate of the windows, in Hz."""
        return int(self.front_end["sampling_rate"])

    @property
    def window_samples(self) -> int:
        """Length of a window in samples."""
        return seconds_to_samples(self.window, self.sampling_rate)

    @property
    def hop_samples(self) -> int:
        """Distance between windows in samples, at least 1."""
        return max(1, seconds_to_samples(self.hop, self.sampling_rate))

    def build_front_end(self) -> FrontEnd:
        """Return the front end of the model, on the CPU.

        Raises
        ------
        ModelError
            If this version of imtools computes its features differently, or not at all.
        """
        hint = "use the version of imtools that trained the model, or train it again"
        try:
            front_end = from_config(self.front_end)
        except UsageError as error:
            raise ModelError(f"model {self.name}: {error.message}", hint) from None
        if front_end.config_hash != self.front_end_hash:
            raise ModelError(f"model {self.name}: this version computes its features differently", hint)
        return front_end

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of ``model.json``."""
        content = asdict(self)
        front_end = {"config": content.pop("front_end"), "hash": content.pop("front_end_hash")}
        return {"schema": SCHEMA, "degenerate": self.degenerate} | content | {"front_end": front_end}

    @classmethod
    def from_json(cls, content: Mapping[str, Json]) -> Description:
        """Return the description that the JSON object of ``model.json`` holds.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it does not hold one; `imtools.models.bundle.read_description` adds the name of the file.
        """
        data = dict(content)
        if (schema := data.pop("schema", None)) != SCHEMA:
            raise ValueError(f"its schema is {schema!r}, this version reads {SCHEMA!r}")
        data.pop("degenerate")
        front_end = data.pop("front_end")
        bins, frames = data.pop("shape")
        description = cls(
            **data
            | {
                "front_end": dict(front_end["config"]),
                "front_end_hash": front_end["hash"],
                "shape": (int(bins), int(frames)),
                "members": [Member(**member) for member in data.pop("members")],
            }
        )
        if not description.members or not description.labels:
            raise ValueError("it has no members or no labels")
        if len(description.thresholds) != len(description.labels):
            raise ValueError("it does not have one threshold for each label")
        for value, choices in ((description.aggregation, AGGREGATIONS), (description.strategy, STRATEGIES)):
            if value not in choices:
                raise ValueError(f"this version does not know {value!r}")
        known = {member.label for member in description.members}
        if missing := [label for label in description.labels if not known & {None, label}]:
            raise ValueError(f"no member knows {missing[0]!r}")
        return description
