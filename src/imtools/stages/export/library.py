"""Records in, changes to a music library out: commands for beets, or tags of the files themselves."""

from __future__ import annotations

import os

from ...choices import Origin
from ...errors import AudioError
from ...export.records.annotations import present_instruments
from ...export.records.beets import HEADER, beets_command
from ...export.records.tags import FIELD, check_mutagen, check_whole, read_field, write_field
from ...manifest import Record, dump_line
from ...run import Item, Run
from .streams import stream


def export_beets(run: Run, origin: Origin | None, model: str | None) -> None:
    """Write a shell script of ``beet modify``; see `imtools.export.records.beets.beets_command`.

    Parameters
    ----------
    run : Run
        The harness.
    origin, model
        As for `imtools.export.records.annotations.record_annotations`.
    """
    stream(run, lambda record: beets_command(record, origin, model), step="beets", head=HEADER)


def export_tags(
    run: Run, origin: Origin | None, model: str | None, *, write: bool, clear: bool, keep_time: bool
) -> None:
    """Show how the field of each file would change, and with ``write`` change it.

    A line goes to standard output for each file: ``audio``, ``field``, and its values ``old`` and ``new``,
    in the order of their names.

    Parameters
    ----------
    run : Run
        The harness; the records must be whole files, each once.
    origin, model
        As for `imtools.export.records.annotations.record_annotations`.
    write : bool
        Write into the files.
    clear : bool
        Remove the field, whatever the records contain.
    keep_time : bool
        See `imtools.export.records.tags.write_field`.

    Raises
    ------
    ImtoolsError
        If mutagen is not installed.
    """
    check_mutagen()
    seen: set[str] = set()
    repeated: set[str] = set()  # ids

    def inspect(item: Item) -> None:
        if item.audio is not None:
            real = os.path.realpath(item.audio)
            if real in seen:
                repeated.add(item.id)
            seen.add(real)

    def work(record: Record) -> str:
        new = (
            []
            if clear
            else sorted(annotation.label for annotation in present_instruments(record, origin, model))
        )
        path = check_whole(record)
        if record.id in repeated:
            raise AudioError(f"{record.audio}: is given a second time", "name each file once")
        old = read_field(path)
        if write and old != new:
            write_field(path, new, keep_time=keep_time)
        return dump_line({"audio": record.audio, "field": FIELD, "old": old, "new": new})

    stream(run, work, step="tags", inspect=inspect)
