"""The commands. ``im NAME ...`` runs ``im-NAME ...``."""

from __future__ import annotations

import importlib
from typing import NoReturn

import click

from .. import __version__
from .app import start

COMMANDS = {
    "index": "make a manifest of audio files or of a data set",
    "segment": "cut recordings into segments",
    "split": "assign recordings to folds and splits",
    "mix": "mix recordings of different instruments",
    "augment": "make changed copies of recordings",
    "features": "compute time-frequency representations",
    "train": "train a net",
    "predict": "predict which instruments sound",
    "calibrate": "make a model whose scores are probabilities",
    "threshold": "choose the scores at which instruments count as present",
    "fuse": "combine the predictions of several models",
    "score": "compare predictions with labels",
    "plot": "plot sounds, training and scores",
    "report": "compare scores with the figures of a paper",
    "export": "convert predictions and models for other programs",
    "serve": "serve predictions over HTTP, with a web page",
}
"""The commands in the order in which data pass through them."""


def command(name: str) -> click.Command:
    """Return the click command called ``im-NAME``."""
    return importlib.import_module(f".{name}", __package__).command  # type: ignore[no-any-return]


class _Umbrella(click.Group):
    """Lists the pipeline without importing it, and hands over to the command that is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("The pipeline, in order"):
            formatter.write_dl([(f"{name}", help_) for name, help_ in COMMANDS.items()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return command(cmd_name) if cmd_name in COMMANDS else None


@click.command(
    cls=_Umbrella,
    name="im",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="'im NAME --help' describes each; 'im NAME' and 'im-NAME' are the same.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def umbrella() -> None:
    """Recognize the musical instruments that sound in polyphonic music.

    Every command reads and writes manifests (one JSON object a line), so they chain with pipes.
    """


def main() -> NoReturn:
    """Run ``im``."""
    import sys

    if len(sys.argv) > 1 and sys.argv[1] in COMMANDS:
        name = sys.argv[1]
        start(command(name), sys.argv[2:], f"im-{name}")
    start(umbrella)
