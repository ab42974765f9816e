"""im-plot: draw sounds, training and scores."""

from __future__ import annotations

from typing import NoReturn

import click

from ... import __version__
from ..app import start
from ..kinds import KindGroup, add_kinds
from .records import activity, reliability, spectrogram, threshold, waveform
from .results import confusion, difference, polyphony, training


@click.group(
    cls=KindGroup,
    name="im-plot",
    subcommand_metavar="KIND [OPTIONS] [INPUT]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  im-plot spectrogram -o tones.png --where labels=vio segments.jsonl
  im-plot training -o losses.svg model/
  im-predict -m model/ --windows song.flac | im-plot activity -o song.pdf
  im-score --format jsonl predictions.jsonl | im-plot confusion --level all > matrices.png""",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def command() -> None:
    """Draw sounds, training and scores, in sizes and colours for a paper.

    Each kind of picture has its own input and options: see 'im-plot KIND --help'. A picture goes to the file
    that -o names, as PNG, SVG or PDF, or to standard output if that is redirected. The same input
    gives the same bytes.
    """


KINDS = {
    "spectrogram": (spectrogram, "time-frequency representations, side by side"),
    "waveform": (waveform, "waveforms with the labels below"),
    "activity": (activity, "which instruments a model recognizes over time"),
    "threshold": (threshold, "F1 against the threshold, class by class"),
    "reliability": (reliability, "how often a class with a given score is present"),
    "training": (training, "losses and metrics by epoch"),
    "difference": (difference, "differences of models from a baseline, class by class"),
    "polyphony": (polyphony, "scores against the number of instruments"),
    "confusion": (confusion, "which class is taken for which"),
}
"""The kinds of pictures: first those of records, then those of trainings and scores."""

add_kinds(command, KINDS)


def main() -> NoReturn:
    """Run ``im-plot``."""
    start(command)
