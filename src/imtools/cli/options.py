"""The options that several commands share. Only click is imported, so that ``--help`` answers at once."""

from __future__ import annotations

from typing import Any

import click

from .. import __version__
from ..choices import AUDIO_FORMATS, ENGINES, PRECISIONS, STRETCHERS


def _load_config(context: click.Context, _: click.Parameter, path: str | None) -> str | None:
    """Use the arguments of an earlier run as defaults (flags and environment still win)."""
    if path is not None:
        from ..run.settings import read_arguments

        context.default_map = read_arguments(path, context.command.name or "")
    return path


def common_options(
    *, output: str | None, inputs: bool, per_item: bool, seed: bool, device: bool, shard: bool, spread: bool
) -> list[Any]:
    """Return the shared options that a command offers, with the same letters everywhere.

    Parameters
    ----------
    output : str or None
        Help of ``-o``; ``None``: the command has none.
    inputs : bool
        Whether it takes records.
    per_item : bool
        Whether it can take NUL-separated paths on standard input.
    seed, device, shard, spread : bool
        Whether it offers ``--seed``; ``--device`` with ``--precision``; ``--shard``; ``--engine`` with
        ``--scheduler``.

    Returns
    -------
    list
        Click's decorators, in the order of the help.
    """
    options: list[Any] = []
    if output is not None:
        options += [
            click.option("-o", "--output", metavar="DIR", help=output),
            click.option("--resume", is_flag=True, help="Continue from what an interrupted run left in DIR."),
            click.option(
                "--force", is_flag=True, help="Start over in DIR; files that are not made again stay."
            ),
        ]
    if inputs:
        options += [
            click.option(
                "--failures", metavar="FILE", help="Write a failure record for each bad item to FILE."
            ),
            click.option("--strict", is_flag=True, help="Stop at the first bad item."),
            click.option(
                "-j",
                "--jobs",
                type=click.IntRange(1),
                metavar="N",
                help="Worker threads (default: one per processor).",
            ),
        ]
    if seed:
        options.append(
            click.option("--seed", type=int, default=0, show_default=True, help="Seed of all random choices.")
        )
    if device:
        options += [
            click.option(
                "--device",
                default="auto",
                show_default=True,
                metavar="auto|cpu|cuda[:N]",
                help="Where to compute.",
            ),
            click.option(
                "--precision",
                type=click.Choice(PRECISIONS),
                default="auto",
                show_default=True,
                help="Arithmetic of the net; auto is fp32 on a CPU (but for im-train where the CPU has bf16 "
                "instructions), and bf16 on a GPU that has it.",
            ),
        ]
    options += [
        click.option("-n", "--dry-run", is_flag=True, help="Show what would be done; write nothing."),
        click.option(
            "--config",
            metavar="FILE",
            is_eager=True,
            expose_value=False,
            callback=_load_config,
            help="Take defaults from the run.json of an earlier run.",
        ),
    ]
    if inputs:
        options.append(
            click.option(
                "--where",
                multiple=True,
                metavar="KEY=VALUE",
                help="Use only records with this value (repeatable).",
            )
        )
    if shard:
        options.append(
            click.option(
                "--shard",
                metavar="I/N",
                help="Process every N-th item from the I-th on: N jobs, each with its own DIR, cover all.",
            )
        )
    if spread:
        options += [
            click.option(
                "--engine",
                type=click.Choice(ENGINES),
                default="local",
                show_default=True,
                help="Work on this machine, or on the workers of a dask cluster that see the same files.",
            ),
            click.option(
                "--scheduler",
                metavar="ADDRESS",
                help="The cluster's scheduler, such as tcp://HOST:8786, or the file that it wrote.",
            ),
        ]
    if per_item:
        options.append(
            click.option("-0", "--null", is_flag=True, help="Standard input holds NUL-separated paths.")
        )
    options += [
        click.option("-q", "--quiet", is_flag=True, help="No progress, no final line, no warnings."),
        click.option("-v", "--verbose", is_flag=True, help="Trace errors of the program itself."),
        click.option(
            "--color/--no-color", default=None, help="Force or forbid colour (NO_COLOR forbids it too)."
        ),
        click.version_option(__version__, message="%(prog)s %(version)s"),
    ]
    return options


audio_format = click.option(
    "--format",
    "fmt",
    type=click.Choice(AUDIO_FORMATS),
    default="flac",
    show_default=True,
    help="Audio format under -o: 24-bit FLAC (nothing above full scale), or 32-bit float WAV.",
)
"""The option of commands that write audio files."""

stretcher = click.option(
    "--stretcher",
    type=click.Choice(["auto", *STRETCHERS]),
    default="auto",
    show_default=True,
    help="Engine that stretches and shifts; auto shifts with rubberband if it is installed.",
)
"""The option of commands that stretch time or shift pitch."""

windows_at_once = click.option(
    "--batch",
    "batch_size",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    metavar="N",
    help="Windows computed at once.",
)
"""The option of commands that score windows."""
