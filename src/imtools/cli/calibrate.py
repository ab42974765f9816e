"""im-calibrate: make a model whose scores are probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from .app import start, tool
from .judging import unlisted

if TYPE_CHECKING:
    from ..labels import Unlisted
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
@click.option("-m", "--model", required=True, metavar="DIR", help="The model that the predictions are of.")
@unlisted
def command(run: Run, model: str, unlisted: Unlisted) -> None:
    """Make a model whose scores are probabilities, from labelled predictions of one whose are not.

    Of all items with a score of 0.7 for an instrument, seven in ten are then to have it. A slope and an
    offset of the logits are fitted for each class (Platt 1999) and become part of the output layer: the new
    model has the order of scores, and at its thresholds the decisions, of the old one, for items of one
    window.

    Predictions of one model for records that it was not trained on are the INPUT, such as im-predict
    --held-out gives; what was fitted is printed as JSON and stands in the card. Mixes make better material
    than solos if music is to be judged. 'im-plot reliability' shows what it has done.
    """
    from ..stages.calibrate import calibrate

    calibrate(run, model, unlisted=unlisted)


def main() -> NoReturn:
    """Run ``im-calibrate``."""
    start(command)
