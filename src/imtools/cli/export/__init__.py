"""im-export: export models and predictions for other programs."""

from __future__ import annotations

from typing import NoReturn

import click

from ... import __version__
from ..app import start
from ..kinds import KindGroup, add_kinds
from .library import beets, tags
from .model import onnx
from .records import audacity, audiofolder, csv, jams, lhotse


@click.group(
    cls=KindGroup,
    name="im-export",
    subcommand_metavar="KIND [OPTIONS] [INPUT]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  im-export onnx -m model/ -o exported/
  im-export csv predictions.jsonl > predictions.csv
  im-predict -m model/ --timeline song.flac | im-export audacity -o labels/
  im-predict -m model/ music/ | im-export tags
  im-export audiofolder -o dataset/ folds.jsonl""",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def command() -> None:
    """Export models, labels and predictions for other programs.

    Each kind has its own options: see 'im-export KIND --help'. Kinds that are a single text go to standard
    output; the others write into the directory that -o names, and pass the records on.
    """


KINDS = {
    "onnx": (onnx, "a model as one file, which needs neither Python nor imtools"),
    "csv": (csv, "a line for each label or score, for tables and statistics"),
    "jams": (jams, "JAMS, annotations of music as JSON"),
    "audacity": (audacity, "label tracks for Audacity"),
    "audiofolder": (audiofolder, "a data set for Hugging Face's datasets"),
    "lhotse": (lhotse, "recordings, supervisions and cuts for lhotse"),
    "beets": (beets, "a shell script that fills a field of a beets library"),
    "tags": (tags, "the field INSTRUMENT_ML in the tags of audio files"),
}
"""The kinds of export: of models, of records, and to a music library."""

add_kinds(command, KINDS)


def main() -> NoReturn:
    """Run ``im-export``."""
    start(command)
