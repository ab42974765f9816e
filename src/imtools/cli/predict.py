"""im-predict: tell which instruments sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from .app import start, tool

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-predict",
    output="Write the manifest with predictions into DIR as well.",
    device=True,
    content={"model": "model.json"},
    epilog="""
im-predict -m model/ song.flac
im-predict -m model/ music/ > predictions.jsonl
im-predict -m model/ --held-out features/ | im-score""",
)
@click.option("-m", "--model", required=True, metavar="DIR", help="The model directory.")
@click.option(
    "--hop",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Distance between windows (default: the model's).",
)
@click.option(
    "--stereo/--mono",
    default=None,
    help="Hear left, right, middle and side apart, the surest counts; or their mean (default: the model's).",
)
@click.option("--windows", is_flag=True, help="Give the scores of each window too, with start and duration.")
@click.option(
    "--held-out", is_flag=True, help="Score each record with the members that were not trained on its fold."
)
@click.option(
    "--members",
    is_flag=True,
    help="Give what the members of each fold say too, as NAME@HASH#fold0 and so on.",
)
@click.option(
    "--batch",
    "batch_size",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    metavar="N",
    help="Windows computed at once.",
)
def command(run: Run, model: str, stereo: bool | None, **settings: Any) -> None:
    """Tell which instruments sound in each record.

    Records that carry the model's features are scored from them; all others from their audio, in windows
    whose scores become one as the model says: their mean, or S2.
    """
    from ..stages.predict import predict

    predict(run, model, stereo=stereo, **settings)


def main() -> NoReturn:
    """Run ``im-predict``."""
    start(command)
