"""Kinds and presets of front ends by name, and the one way to build a front end from them.

A new kind is one module with its :class:`~imtools.features.base.FrontEnd`, its parameters, and one entry
in ``KINDS``. Nothing here loads torch until a front end is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar, cast

from ..errors import UsageError
from .parameters import CqtParameters, Json, MelParameters, Parameters

if TYPE_CHECKING:
    from .base import FrontEnd


_T = TypeVar("_T")


@dataclass(frozen=True)
class Kind:
    """One kind of front end.

    Attributes
    ----------
    parameters : type of Parameters
        Its parameters; ``parameters.defaults()`` lists them.
    module, name : str
        Where its class is.
    """

    parameters: type[Parameters]
    module: str
    name: str


KINDS: dict[str, Kind] = {
    "cqt": Kind(CqtParameters, ".cqt", "ConstantQ"),
    "mel": Kind(MelParameters, ".mel", "MelSpectrogram"),
}
"""Every kind of front end, by name."""

# Han et al. (2016), section III-A; Lumen (2023), section 3.1.1, takes it over unchanged.
_HAN = {"kind": "mel", "normalize": "peak", "scale": "log", "n_fft": 1024, "hop_length": 512, "power": 1}
_LIBROSA = {"kind": "mel", "normalize": "none", "scale": "db", "ref": "max", "n_fft": 2048, "hop_length": 512}

PRESETS: dict[str, dict[str, Json]] = {
    "kratimenos2020": {"kind": "cqt", "normalize": "rms", "hop_length": 256, "n_bins": 96, "scale": "db"},
    "han2017": _HAN,
    "lumen2023-mel": _HAN,
    "librosa-mel": _LIBROSA,
    "irmas-mel": _LIBROSA | {"crop": [0, 123]},
}
"""Parameters that differ from their kind's defaults or that the name stands for, by preset."""

DEFAULT_PRESET = "kratimenos2020"
"""The preset that is built when neither preset nor kind is named."""


def front_end(preset: str | None = None, /, **overrides: Json) -> FrontEnd:
    """Build a front end from a preset or a kind, with some parameters replaced.

    Parameters
    ----------
    preset : str, optional
        A key of ``PRESETS``. Without it, ``kind`` with its defaults; without either, ``DEFAULT_PRESET``.
    **overrides
        Parameters of that kind, and ``kind`` itself.

    Returns
    -------
    FrontEnd
        On the CPU.

    Raises
    ------
    UsageError
        If a name is unknown (the message lists the valid ones), a value is out of range, or ``kind`` is
        not the preset's.

    Examples
    --------
    >>> front_end("kratimenos2020", hop_length=512).frames(22050)
    44
    """
    if preset is None and "kind" not in overrides:
        preset = DEFAULT_PRESET
    base = {} if preset is None else _look_up("preset", preset, PRESETS)
    kind = overrides.get("kind", base.get("kind"))
    if base and kind != base["kind"]:
        raise UsageError(
            f"preset {preset!r} is of kind {base['kind']!r}, not {kind!r}",
            "give a preset or a kind, not both",
        )
    return from_config({**base, **overrides})


def from_config(config: Mapping[str, Json]) -> FrontEnd:
    """Build the front end that has this ``config``; parameters left out take their kind's defaults.

    Raises
    ------
    UsageError
        If the kind or a parameter is unknown, or a value is out of range.
    """
    kind = _look_up("kind of front end", config.get("kind"), KINDS)
    parameters = kind.parameters.parse({name: value for name, value in config.items() if name != "kind"})
    cls = getattr(import_module(kind.module, __package__), kind.name)
    return cast("FrontEnd", cls(parameters))


def _look_up(what: str, name: Json, table: Mapping[str, _T]) -> _T:
    if not isinstance(name, str) or name not in table:
        raise UsageError(f"there is no {what} {name!r}", f"choose from {', '.join(table)}")
    return table[name]
