"""Thresholds of one or more models, and the JSON file that stores them."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..atomic import write_text
from ..errors import ImtoolsError, ImtoolsWarning, UsageError
from ..manifest.values import (
    Json,
    WrongKeyError,
    boolean,
    integer,
    load_json,
    mapping,
    number,
    optional,
    string,
)
from ..score.model_names import base_name, member_of
from .sketch import Overlap, Seen

THRESHOLDS_SCHEMA = "imtools/thresholds/1"
"""Schema of the JSON object in a thresholds file."""

_PathLike = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The scores from which each class counts as present, for one model.

    Attributes
    ----------
    model : str
        Name of the model, ``"name@hash"``.
    classes : dict of str to float
        The threshold of each class, 0 to 1; a score that equals it counts as present.
    objective : str
        What they are optimal for; see `imtools.thresholds.fit`.
    items : int
        How many items they were fitted on.
    seen : Seen
        Which items these were.
    common : bool
        Whether one threshold was fitted for all classes.
    target : float or None
        The precision to reach, if that was the objective.
    """

    model: str
    classes: dict[str, float]
    objective: str
    items: int
    seen: Seen = field(default_factory=Seen)
    common: bool = False
    target: float | None = None

    def overlap(self, ids: Iterable[str], groups: Iterable[str] = ()) -> Overlap:
        """Return how many of some items, and of their recordings, these were fitted on.

        Parameters
        ----------
        ids, groups : iterable of str
            See `Seen.overlap`.

        Returns
        -------
        Overlap
            The counts.
        """
        return self.seen.overlap(ids, groups)

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object, which does not contain the model's name."""
        head: dict[str, Json] = {"classes": self.classes, "objective": self.objective}
        if self.target is not None:
            head["target"] = self.target
        if self.common:
            head["common"] = True
        return head | {"items": self.items, "seen": self.seen.to_json()}

    @classmethod
    def from_json(cls, model: str, value: Json, key: str) -> Thresholds:
        """Parse the output of `to_json`.

        Parameters
        ----------
        model : str
            Name of the model.
        value : object
            What ``json.loads`` returned.
        key : str
            The place to name in errors.

        Returns
        -------
        Thresholds
            The thresholds.

        Raises
        ------
        WrongKeyError
            If a key is missing or has the wrong type or range.
        """
        data = mapping(value, key)
        classes = mapping(data.get("classes"), f"{key}.classes")
        if not classes:
            raise WrongKeyError(f"{key}.classes", "is empty")
        return cls(
            model,
            {
                label: number(limit, f"{key}.classes.{label}", minimum=0, maximum=1)
                for label, limit in classes.items()
            },
            string(data.get("objective"), f"{key}.objective"),
            integer(data.get("items"), f"{key}.items", minimum=0),
            Seen.from_json(data.get("seen"), f"{key}.seen"),
            boolean(data.get("common", False), f"{key}.common"),
            optional(data.get("target"), f"{key}.target", number),
        )


@dataclass(frozen=True, slots=True)
class ThresholdsFile:
    """The thresholds of one or more models.

    Attributes
    ----------
    models : dict of str to Thresholds
        By the models' names.
    name : str
        What to call them in messages: the file's name.

    Examples
    --------
    >>> file = ThresholdsFile({"net@1f3a": Thresholds("net@1f3a", {"flu": 0.4, "vio": 0.6}, "f1", items=90)})
    >>> file.for_model("net@1f3a#fold0").classes
    {'flu': 0.4, 'vio': 0.6}
    """

    models: dict[str, Thresholds]
    name: str = "thresholds"

    @classmethod
    def load(cls, path: _PathLike) -> ThresholdsFile:
        """Read a file.

        Raises
        ------
        ImtoolsError
            If it cannot be read, or is no thresholds file: the message names the file and the fault.
        """
        name = os.fspath(path)
        hint = "make it with im-threshold"
        try:
            content = load_json(Path(path).read_text(encoding="utf-8"))
            return cls(_models(content), name)
        except OSError as error:
            raise ImtoolsError(f"{name}: cannot be read ({error.strerror})", hint) from None
        except (ValueError, WrongKeyError) as error:
            raise ImtoolsError(f"{name}: is not a thresholds file ({error})", hint) from None

    def save(self, path: _PathLike) -> None:
        """Write a file, atomically."""
        write_text(path, self.dumps())

    def dumps(self) -> str:
        """Return the JSON with one class on a line, and a newline at the end."""
        models = {model: thresholds.to_json() for model, thresholds in self.models.items()}
        content = {"schema": THRESHOLDS_SCHEMA, "models": models}
        return json.dumps(content, indent=1, allow_nan=False) + "\n"

    def find(self, model: str) -> Thresholds | None:
        """Return the thresholds of a model, or ``None`` if there are none; see `for_model`."""
        whole, _ = member_of(model)
        for name in (model, whole):
            if name in self.models:
                return self.models[name]
        alike = [name for name in self.models if base_name(name) == base_name(whole)]
        if len(alike) != 1:
            return None
        message = f"{self.name}: the thresholds of {alike[0]} are used for {whole}, a model of other weights"
        warnings.warn(ImtoolsWarning(message), stacklevel=3)
        return self.models[alike[0]]

    def for_model(self, model: str) -> Thresholds:
        """Return the thresholds of a model.

        Parameters
        ----------
        model : str
            Its full name, ``"name@hash"``. A member, ``"name@hash#fold0"``, has those of its model unless
            it has its own.

        Returns
        -------
        Thresholds
            Its thresholds.

        Raises
        ------
        UsageError
            If there are none.

        Warns
        -----
        ImtoolsWarning
            If the only ones are of a model of the same name with other weights: these are returned.
        """
        found = self.find(model)
        if found is None:
            what = f"{self.name}: has no thresholds of model {model}, only of {', '.join(self.models)}"
            raise UsageError(what, "fit them with im-threshold on its predictions")
        return found


def _models(value: Json) -> dict[str, Thresholds]:
    content = mapping(value, "schema")
    if (schema := content.get("schema")) != THRESHOLDS_SCHEMA:
        raise WrongKeyError("schema", f"is {schema!r}, but this version reads {THRESHOLDS_SCHEMA!r}")
    models = mapping(content.get("models"), "models")
    if not models:
        raise WrongKeyError("models", "is empty")
    return {
        name: Thresholds.from_json(name, thresholds, f"models.{name}") for name, thresholds in models.items()
    }
