"""im-features: compute time-frequency representations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from ..choices import CHROMA_NORMS, FEATURE_DTYPES, LEVELS, SCALES, FeatureDtype
from ..errors import UsageError
from ..features import DEFAULT_PRESET, KINDS, PRESETS
from .app import start, tool

if TYPE_CHECKING:
    from ..features.front_ends.base import FrontEnd
    from ..run import Run

F = TypeVar("F", bound=Callable[..., Any])

_NUMBER_OR_WORD = {"ref": "max", "top_db": "none", "fmax": "none"}
"""Parameters that take a number or this word (``none`` stands for the lack of a number)."""

_HERTZ = {"type": float, "metavar": "HZ"}
_COUNT = {"type": int, "metavar": "N"}
_SAMPLES = {"type": int, "metavar": "SAMPLES"}
_VALUE = {"type": float, "metavar": "VALUE"}

_PARAMETERS: list[tuple[str, dict[str, Any], str]] = [
    ("--rate", {"type": int, "metavar": "HZ"}, "Sampling rate; records are resampled to it."),
    (
        "--normalize",
        {"type": click.Choice([*LEVELS, "none"])},
        "Divide waveforms by their RMS or peak.",
    ),
    ("--hop-length", _SAMPLES, "Distance between frames (all kinds except fft and waveform)."),
    ("--frame-length", _SAMPLES, "modgd: length of a frame."),
    (
        "--n-fft",
        _SAMPLES,
        "mel, stft, contrast, rolloff, descriptors: a frame's length; modgd, fft: the transform's.",
    ),
    ("--n-bins", _COUNT, "cqt: number of bins; modgd: number of bins kept."),
    ("--bins-per-octave", _COUNT, "cqt, chroma: bins per octave."),
    ("--n-mels", _COUNT, "mel, descriptors: number of bands."),
    ("--n-mfcc", _COUNT, "descriptors: cepstral coefficients of the bands."),
    ("--n-chroma", _COUNT, "chroma: number of pitch classes."),
    ("--n-octaves", _COUNT, "chroma: number of octaves folded."),
    ("--n-bands", _COUNT, "contrast, descriptors: octaves above the lowest band."),
    ("--n-ceps", _COUNT, "modgd: cepstral coefficients of the smoothed spectrum."),
    ("--fmin", _HERTZ, "cqt, chroma, mel: lowest frequency; contrast, descriptors: end of the lowest band."),
    ("--fmax", {"metavar": "HZ|none"}, "mel: highest frequency; none: half the rate."),
    ("--tuning", _VALUE, "chroma: deviation from A4 = 440 Hz, in bins."),
    ("--alpha", _VALUE, "modgd: exponent of the group delay."),
    ("--gamma", _VALUE, "modgd: exponent of the smoothed spectrum."),
    ("--quantile", _VALUE, "contrast, descriptors: share of a band that peak and valley average."),
    ("--roll-percent", _VALUE, "rolloff, descriptors: share of the magnitude below the frequency, 0 to 1."),
    ("--threshold", _VALUE, "chroma: sums below it become 0."),
    (
        "--norm",
        {"type": click.Choice(CHROMA_NORMS)},
        "chroma: divisor of a frame.",
    ),
    ("--power", {"type": int, "metavar": "1|2"}, "mel, stft, fft: magnitudes (1) or powers (2)."),
    ("--scale", {"type": click.Choice(SCALES)}, "Decibels, natural logarithm, or neither."),
    ("--ref", {"metavar": "VALUE|max"}, "The magnitude that is 0 dB."),
    ("--amin", _VALUE, "Floor below which amplitudes are raised to it."),
    ("--top-db", {"metavar": "DB|none"}, "Range kept below the clip's maximum."),
    ("--crop", {"metavar": "LOW:HIGH|none"}, "Keep only these bins (cqt, mel, stft, fft)."),
]
"""Every parameter of every kind: option, type, meaning."""


def _parameter_options(command: F) -> F:
    for flag, settings, text in reversed(_PARAMETERS):
        names = (flag, "sampling_rate") if flag == "--rate" else (flag,)
        # Variables of their own: other commands have options of the same names (--rate, --threshold).
        variable = "IMTOOLS_FEATURES_" + flag[2:].replace("-", "_").upper()
        command = click.option(*names, help=text, envvar=variable, **settings)(command)
    return command


def _parsed(name: str, value: Any) -> Any:
    """Return the value of a parameter as the front ends take it."""
    flag = f"--{name.replace('_', '-')} {value}"
    if name == "crop":
        low, _separator, high = value.partition(":")
        try:
            return None if value == "none" else [int(low), int(high)]
        except ValueError:
            raise UsageError(f"{flag}: is not LOW:HIGH", "write it as 0:123") from None
    if name in _NUMBER_OR_WORD:
        word = _NUMBER_OR_WORD[name]
        try:
            return {"max": "max", "none": None}[word] if value == word else float(value)
        except ValueError:
            raise UsageError(f"{flag}: is not a number", f"give a number, or {word}") from None
    return value


def _front_end(
    preset: str | None, kind: str | None, like: str | None, parameters: dict[str, Any]
) -> FrontEnd:
    from ..features import front_end

    if like is None:
        return front_end(preset, **parameters | ({} if kind is None else {"kind": kind}))
    if preset or kind or parameters:
        raise UsageError("--like sets the whole front end", "leave out presets, kinds and parameters")
    from ..models.bundle import read_description

    return read_description(like).build_front_end()


@tool(
    "im-features",
    output="Where to write the arrays and the manifest (required).",
    device=True,
    content={"like": "model.json"},
    shard=True,
    spread=True,
    epilog="""
im-features -o features/ segments.jsonl
im-features --preset han2017 --dtype float16 -o mel/ segments.jsonl
im-features --like model/ -o input/ segments.jsonl
im-segment music/ | im-features --kind chroma --n-chroma 36 -o chroma/ > features.jsonl""",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help=f"A paper's whole front end (default: {DEFAULT_PRESET}).",
)
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    help="A kind of front end with its own defaults, instead of a preset.",
)
@click.option(
    "--like", metavar="MODEL", help="The front end of a model (a directory, or bundled), instead of a preset."
)
@_parameter_options
@click.option(
    "--dtype",
    type=click.Choice(FEATURE_DTYPES),
    default="float32",
    show_default=True,
    help="How numbers are stored.",
)
@click.option(
    "--batch",
    "batch_size",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Records computed at once.",
)
def command(
    run: Run,
    preset: str | None,
    kind: str | None,
    like: str | None,
    dtype: FeatureDtype,
    batch_size: int,
    **others: Any,
) -> None:
    """Compute a time-frequency representation of each record.

    The values go to memory-mapped NumPy arrays in DIR, pointers to them into the manifest. Mix recipes are
    rendered on the fly; files of any length pass through in slices.
    """
    from ..device import resolve_device, wait_passively

    wait_passively()
    from ..run import execute
    from ..stages.features import FeatureStage

    if run.folder is None:
        raise UsageError("there is no directory for the arrays", "name a directory with -o")
    parameters = {name: _parsed(name, value) for name, value in others.items() if value is not None}
    module = _front_end(preset, kind, like, parameters).to(resolve_device(run.options.device))
    execute(run, FeatureStage(module, run.folder, dtype, batch_size, run.options.jobs), run.items())


def main() -> NoReturn:
    """Run ``im-features``."""
    start(command)
