"""The kinds of export to a music library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..app import tool
from .options import model_name, origin

if TYPE_CHECKING:
    from ...choices import Origin
    from ...run import Run


@tool(
    "im-export beets",
    epilog="""
im-predict -m model/ music/ | im-export beets > instruments.sh
im-export beets --from labels music/ > instruments.sh""",
)
@origin
@model_name
def beets(run: Run, origin: Origin | None, model: str | None) -> None:
    """Write a shell script that sets the field 'instruments' of the files in a beets library.

    There is a 'beet modify' for each file; where nothing is present, it removes the field. Only whole files
    are taken.
    """
    from ...stages.export.library import export_beets

    export_beets(run, origin, model)


@tool(
    "im-export tags",
    epilog="""
im-predict -m model/ music/ | im-export tags
im-predict -m model/ music/ | im-export tags --write --keep-time
im-export tags --clear --write music/""",
)
@origin
@model_name
@click.option("--write", is_flag=True, help="Change the files; otherwise only show what would change.")
@click.option("--clear", is_flag=True, help="Remove the field.")
@click.option("--keep-time", is_flag=True, help="Keep the modification times of the files.")
def tags(
    run: Run, origin: Origin | None, model: str | None, write: bool, clear: bool, keep_time: bool
) -> None:
    """Show, and with --write make, the changes to the field INSTRUMENT_ML in the tags of audio files.

    Prints a JSON line for each file with the old values and the new. Files are FLAC, Ogg (Vorbis, Opus,
    FLAC, Speex), MP3, WAV, AIFF and MP4. No other tag and no sound is touched; each file is replaced by a
    finished copy, or not at all. Only whole files are taken. This needs mutagen: pip install
    'imtools[tags]'.
    """
    from ...stages.export.library import export_tags

    export_tags(run, origin, model, write=write, clear=clear, keep_time=keep_time)
