"""im-features: compute time-frequency representations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..errors import UsageError
from ..features import DEFAULT_PRESET, KINDS, PRESETS
from .app import start, tool

if TYPE_CHECKING:
    from ..run import Run


def _crop(text: str) -> list[int]:
    low, _separator, high = text.partition(":")
    try:
        return [int(low), int(high)]
    except ValueError:
        raise UsageError(f"--crop {text}: is not LOW:HIGH", "write it as 0:123") from None


@tool(
    "im-features",
    output="Where to write the arrays and the manifest (required).",
    device=True,
    epilog="""
im-features -o features/ segments.jsonl
im-features --preset han2017 --dtype float16 -o mel/ segments.jsonl
im-segment music/ | im-features --kind cqt --hop-length 512 -o cqt/ > features.jsonl""",
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
    "--rate", "sampling_rate", type=int, metavar="HZ", help="Sampling rate; records are resampled to it."
)
@click.option(
    "--normalize", type=click.Choice(["rms", "peak", "none"]), help="Divide each waveform by its RMS or peak."
)
@click.option("--hop-length", type=int, metavar="SAMPLES", help="Distance between frames.")
@click.option("--n-bins", type=int, metavar="N", help="cqt: number of bins.")
@click.option("--bins-per-octave", type=int, metavar="N", help="cqt: bins per octave.")
@click.option("--n-fft", type=int, metavar="SAMPLES", help="mel: length of a frame.")
@click.option("--n-mels", type=int, metavar="N", help="mel: number of bands.")
@click.option("--power", type=int, metavar="1|2", help="mel: sum magnitudes (1) or powers (2).")
@click.option("--fmin", type=float, metavar="HZ", help="Lowest frequency.")
@click.option("--fmax", type=float, metavar="HZ", help="mel: highest frequency.")
@click.option(
    "--scale", type=click.Choice(["db", "log", "linear"]), help="Decibels, natural logarithm, or neither."
)
@click.option("--ref", metavar="VALUE|max", help="What 0 dB stands for.")
@click.option("--amin", type=float, metavar="VALUE", help="Floor below which amplitudes are raised to it.")
@click.option("--top-db", type=float, metavar="DB", help="Range kept below the clip's maximum.")
@click.option("--crop", metavar="LOW:HIGH", help="Keep only these bins.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16"]),
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
    dtype: str,
    batch_size: int,
    ref: str | None,
    **others: Any,
) -> None:
    """Compute a time-frequency representation of each record.

    The numbers go to memory-mapped NumPy arrays in DIR, pointers to them into the manifest. Mix recipes
    are rendered on the fly.
    """
    from ..device import resolve_device
    from ..features import front_end
    from ..run import execute
    from ..stages.features import FeatureStage

    if run.folder is None:
        raise UsageError("arrays need a place", "name a directory with -o")
    parameters = {name: value for name, value in others.items() if value is not None}
    if "crop" in parameters:
        parameters["crop"] = _crop(parameters["crop"])
    if kind is not None:
        parameters["kind"] = kind
    if ref is not None:
        parameters["ref"] = ref if ref == "max" else float(ref)
    module = front_end(preset, **parameters).to(resolve_device(run.options.device))
    execute(run, FeatureStage(module, run.folder, dtype, batch_size), run.items())


def main() -> NoReturn:
    """Run ``im-features``."""
    start(command)
