"""im-calibrate: make a model whose scores are probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from .app import start, tool
from .judging import unlisted

if TYPE_CHECKING:
    from ..choices import Unlisted
    from ..run import Run


@tool(
    "im-calibrate",
    output="The model directory to make (required).",
    per_item=False,
    own_output=True,
    content={"model": "model.json"},
    epilog="""
im-predict -m model/ --held-out features/ | im-calibrate -m model/ -o calibrated/
im-calibrate -m model/ --unlisted absent -o calibrated/ predictions.jsonl > calibration.json""",
)
@click.option("-m", "--model", required=True, metavar="DIR", help="The model that made the predictions.")
@unlisted
def command(run: Run, model: str, unlisted: Unlisted) -> None:
    """Make a model whose scores are probabilities, from labelled predictions of a model.

    Of all items with a score of 0.7 for an instrument, about seven in ten will then have it. A slope and an
    offset of the logits are fitted for each class (Platt 1999) and become part of the output layer: for
    items of one window, the new model keeps the order of scores and, at its thresholds, the decisions of
    the old one.

    The INPUT has predictions of the model for records that it was not trained on, such as those of
    im-predict --held-out; what was fitted is printed as JSON and added to the model card. For polyphonic
    music, mixes are a better INPUT than solos. 'im-plot reliability' shows the effect.
    """
    from ..stages.calibrate import calibrate

    calibrate(run, model, unlisted=unlisted)


def main() -> NoReturn:
    """Run ``im-calibrate``."""
    start(command)
