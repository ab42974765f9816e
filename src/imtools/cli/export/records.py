"""The kinds of export of records: text on standard output, or files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..app import audio_format, tool
from .options import DIRECTORY, everything, model_name, origin

if TYPE_CHECKING:
    from ...choices import AudioFormat, Origin
    from ...run import Run


@tool(
    "im-export csv",
    epilog="""
im-export csv predictions.jsonl > predictions.csv
im-export csv --from labels segments.jsonl > labels.csv""",
)
@origin
@model_name
def csv(run: Run, origin: Origin | None, model: str | None) -> None:
    """Write a line of CSV for each label, or for each score of each model.

    The columns are id, audio, model, label, score, present, start and duration; the last two are empty for
    labels and scores of the whole record. Names of files are written byte for byte.
    """
    from ...stages.export.streams import export_csv

    export_csv(run, origin, model)


@tool(
    "im-export jams",
    output=DIRECTORY,
    epilog="""
im-export jams -o jams/ segments.jsonl
im-predict -m model/ --timeline song.flac | im-export jams -o jams/""",
)
@origin
@model_name
@everything
def jams(run: Run, origin: Origin | None, model: str | None, everything: bool) -> None:
    """Write a JAMS file for each record, with an annotation (tag_open) for its labels or for each model.

    Predictions with times are taken where there are any, else those for the whole record. Times count from
    the beginning of the record.
    """
    from ...stages.export.files import export_jams

    export_jams(run, origin, model, everything=everything)


@tool(
    "im-export audacity",
    output=DIRECTORY,
    epilog="""
im-predict -m model/ --timeline song.flac | im-export audacity -o labels/
im-export audacity --from labels -o labels/ segments.jsonl""",
)
@origin
@model_name
@everything
def audacity(run: Run, origin: Origin | None, model: str | None, everything: bool) -> None:
    """Write a label track for Audacity for each record: start, end and text of each label.

    Times count from the beginning of the audio file. Open the file in Audacity, then import the track with
    File > Import > Labels.
    """
    from ...stages.export.files import export_audacity

    export_audacity(run, origin, model, everything=everything)


@tool(
    "im-export audiofolder",
    output="Make the data set in DIR (required).",
    epilog="""
im-export audiofolder -o dataset/ folds.jsonl
im-export audiofolder --copy -o dataset/ music/""",
)
@origin
@model_name
@click.option("--copy", is_flag=True, help="Copy whole files; otherwise they are hard links where possible.")
@audio_format
def audiofolder(run: Run, origin: Origin | None, model: str | None, copy: bool, fmt: AudioFormat) -> None:
    """Make a data set that Hugging Face's 'audiofolder' loads: a folder for each split, with metadata.jsonl.

    Records without a split go to 'train'. Segments, mixes and resampled sounds are written anew; whole files
    are taken as they are.
    """
    from ...stages.export.files import export_audiofolder

    export_audiofolder(run, origin, model, fmt=fmt, copy=copy)


@tool(
    "im-export lhotse",
    output=DIRECTORY,
    epilog="""
im-export lhotse -o lhotse/ segments.jsonl
im-export lhotse --from predictions --all -o lhotse/ predictions.jsonl""",
)
@origin
@model_name
@everything
def lhotse(run: Run, origin: Origin | None, model: str | None, everything: bool) -> None:
    """Write recordings, supervisions and cuts for lhotse, each a gzipped file of JSON lines.

    Each record is a cut, each file a recording with an absolute path; classes and scores are under 'custom'.
    Cuts have the sampling rate of the files, without padding.
    """
    from ...stages.export.files import export_lhotse

    export_lhotse(run, origin, model, everything=everything)
