"""What a trained model says about itself: the content of ``model.json``."""

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
        What its tensors' names begin with in the weights file, before a dot: ``"fold0"`` or ``"model"``;
        of a net for one class ``"fold0.3"``, with the place of the class.
    fold : int or None
        The fold that it was validated, and not trained, on.
    label : str or None
        The one class that it knows (one-vs-all); ``None``: all.
    epoch : int
        The epoch (from 0) whose weights these are.
    mean, std : float
        The features are standardised by these: of all cells of its training examples.
    validation : dict of str to float
        Loss and metrics on its validation records, after that epoch.
    degenerate : bool
        Whether it gave (nearly) the same answer for all of them.
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
    """Everything that is needed to apply a model, and how it came about.

    Attributes
    ----------
    name : str
        Without the hash of the weights, which `Model.name` adds.
    architecture, width : str, float
        For `imtools.models.build`.
    strategy : {"multi-label", "single-label", "one-vs-all", "svm"}
        What kind of answer its nets give; see `imtools.models.Scorer`.
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
        From what score a class counts as present.
    members : list of Member
        The nets; the scores of those that know a class are averaged.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}
        How the scores of windows become one; see `imtools.aggregation`. (Those of members are averaged.)
    stereo : bool
        Whether left, right, middle and side of a recording are heard apart; see `imtools.sound.stereo`.
    training : dict
        Settings, fingerprint of the records, seed.
    versions : dict of str to str
        Of imtools and of what it was trained with.
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
        """Whether any member gives (nearly) the same answer for every input."""
        return any(member.degenerate for member in self.members)

    @property
    def nets_know_all(self) -> bool:
        """Whether its members are nets that know all classes, and not one each."""
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
        """Return the front end whose features the model takes, on the CPU.

        Raises
        ------
        ModelError
            If this version computes it otherwise than the one that trained the model, or not at all.
        """
        hint = "use the version of imtools that trained the model, or train it again"
        try:
            front_end = from_config(self.front_end)
        except UsageError as error:
            raise ModelError(f"model {self.name}: {error.message}", hint) from None
        if front_end.config_hash != self.front_end_hash:
            raise ModelError(f"model {self.name}: its features are computed otherwise by this version", hint)
        return front_end

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object of ``model.json``."""
        content = asdict(self)
        front_end = {"config": content.pop("front_end"), "hash": content.pop("front_end_hash")}
        return {"schema": SCHEMA, "degenerate": self.degenerate} | content | {"front_end": front_end}

    @classmethod
    def from_json(cls, content: Mapping[str, Json]) -> Description:
        """Parse ``model.json``.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not one: `load` says so by the file's name.
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
            raise ValueError("it has not one threshold for each label")
        for value, choices in ((description.aggregation, AGGREGATIONS), (description.strategy, STRATEGIES)):
            if value not in choices:
                raise ValueError(f"this version knows no {value!r}")
        known = {member.label for member in description.members}
        if bare := [label for label in description.labels if not known & {None, label}]:
            raise ValueError(f"no member knows {bare[0]!r}")
        return description
