"""Kinds and presets of front ends by name, and how to build a front end from them.

A new kind is one module in ``front_ends`` with its `FrontEnd`, its parameters, and one entry in ``KINDS``.
Nothing here loads torch until a front end is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar, cast

from ..errors import UsageError
from .parameters import (
    ChromaParameters,
    ContrastParameters,
    CqtParameters,
    DescriptorsParameters,
    FftParameters,
    MelParameters,
    ModgdParameters,
    Parameters,
    RolloffParameters,
    StftParameters,
    WaveformParameters,
)

if TYPE_CHECKING:
    from ..manifest.values import Json
    from .front_ends.base import FrontEnd


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
    "cqt": Kind(CqtParameters, ".front_ends.cqt", "ConstantQ"),
    "mel": Kind(MelParameters, ".front_ends.mel", "MelSpectrogram"),
    "modgd": Kind(ModgdParameters, ".front_ends.modgd", "ModifiedGroupDelay"),
    "chroma": Kind(ChromaParameters, ".front_ends.chroma", "Chromagram"),
    "stft": Kind(StftParameters, ".front_ends.stft", "ShortTimeFourier"),
    "fft": Kind(FftParameters, ".front_ends.fft", "WholeClipFourier"),
    "waveform": Kind(WaveformParameters, ".front_ends.waveform", "Waveform"),
    "contrast": Kind(ContrastParameters, ".front_ends.contrast", "SpectralContrast"),
    "rolloff": Kind(RolloffParameters, ".front_ends.rolloff", "RollOff"),
    "descriptors": Kind(DescriptorsParameters, ".front_ends.descriptors", "Descriptors"),
}
"""Every kind of front end, by name."""

# Han et al. (2016), section III-A. Lumen (2023), section 3.1.1, repeats it with its hop of 512, but gives #
# every shape with 100 frames a second, which its nets need (four poolings by 3): a hop of 10 ms.
_HAN = {"kind": "mel", "normalize": "peak", "scale": "log", "n_fft": 1024, "hop_length": 512, "power": 1}
_TEN_MS = {"hop_length": 221}
# Vaznonis (2022), section 2.1, names neither rate nor frames: 44.1 kHz is that of the data set, the rest is
# our choice.
_BOSCH = {"kind": "descriptors", "sampling_rate": 44100, "normalize": "rms", "hop_length": 1024, "n_mfcc": 13}
_LIBROSA = {"kind": "mel", "normalize": "none", "scale": "db", "ref": "max", "n_fft": 2048, "hop_length": 512}

PRESETS: dict[str, dict[str, Json]] = {
    "kratimenos2020": {"kind": "cqt", "normalize": "rms", "hop_length": 256, "n_bins": 96, "scale": "db"},
    "han2017": _HAN,
    "lumen2023-mel": _HAN | _TEN_MS,
    "lumen2023-modgd": {"kind": "modgd", "normalize": "peak"} | _TEN_MS,
    "lumen2023-chroma": {"kind": "chroma", "normalize": "peak", "n_chroma": 36} | _TEN_MS,
    "chen2024": {"kind": "stft", "sampling_rate": 16000, "normalize": "peak", "scale": "db", "ref": "max"},
    "avramidis2021": {"kind": "waveform", "sampling_rate": 22050, "normalize": "rms"},
    "vaznonis2022-fft": {"kind": "fft", "sampling_rate": 44100, "n_fft": 884_000},
    "bosch2012": _BOSCH,
    "librosa-mel": _LIBROSA,
    "irmas-mel": _LIBROSA | {"crop": [0, 123]},
}
"""Parameters that differ from their kind's defaults, or that define the preset."""

DEFAULT_PRESET = "kratimenos2020"
"""The preset that is built if neither a preset nor a kind is given."""


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
