"""Records in, files for other programs out, in an output directory that can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ...atomic import replacing
from ...audio import AudioInfo, probe
from ...choices import AudioFormat, Origin
from ...errors import UsageError
from ...export.records.audacity import audacity_labels
from ...export.records.audiofolder import metadata, place_audio, write_metadata
from ...export.records.files import audio_of
from ...export.records.jams import jams_text
from ...export.records.lhotse import cut, write_manifests
from ...export.records.text import to_bytes
from ...manifest import Record, read_manifest
from ...run import RecordStage, Run, execute
from ...run.items import PART_NAME


class TextFiles(RecordStage):
    """Writes a file of text for each record, and hands the records on.

    Parameters
    ----------
    text : callable
        Returns the content for a record.
    folder : Path
        The file becomes ``folder/<id><suffix>``.
    suffix : str
        ``".jams"``, for instance.
    """

    prepare_step = "write"

    def __init__(self, text: Callable[[Record], str], folder: Path, suffix: str) -> None:
        self._text, self._folder, self._suffix = text, folder, suffix

    def prepare(self, record: Record) -> list[Record]:
        """Write the file of one record."""
        path = self._folder / f"{record.id}{self._suffix}"
        data = to_bytes(self._text(record))
        with replacing(path) as temporary:
            temporary.write_bytes(data)
        return [record]


class AudioFolder(RecordStage):
    """Places the audio in the folders of its splits, and the metadata beside it at the end.

    Parameters
    ----------
    folder : Path
        The data set.
    origin, model
        As for `imtools.export.records.annotations.record_annotations`.
    fmt, copy
        As for `imtools.export.records.audiofolder.place_audio`.
    """

    prepare_step = "audio"

    def __init__(
        self, folder: Path, origin: Origin | None, model: str | None, *, fmt: AudioFormat, copy: bool
    ) -> None:
        self._folder, self._origin, self._model = folder, origin, model
        self._fmt, self._copy = fmt, copy

    def prepare(self, record: Record) -> list[Record]:
        """Place the audio of one record."""
        metadata(record.replace(audio=""), self._folder, self._origin, self._model)  # to fail now, if at all
        return [place_audio(record, self._folder, self._fmt, copy=self._copy)]

    def end(self) -> None:
        """Write the metadata of all records, those of an earlier run too."""
        write_metadata(self._folder, _committed(self._folder), self._origin, self._model)


class Lhotse(RecordStage):
    """Reads the headers of the files of the records, and writes the three manifests at the end.

    Parameters
    ----------
    folder : Path
        For the manifests.
    origin, model, everything
        As for `imtools.export.records.annotations.timed_annotations`.
    """

    prepare_step = "read"

    def __init__(self, folder: Path, origin: Origin | None, model: str | None, *, everything: bool) -> None:
        self._folder, self._origin, self._model, self._everything = folder, origin, model, everything
        self._files: dict[str, AudioInfo] = {}

    def prepare(self, record: Record) -> list[Record]:
        """Check that a record can be a cut."""
        info = self._info(audio_of(record))
        cut(record, info, self._origin, self._model, everything=self._everything)
        return [record]

    def end(self) -> None:
        """Write the manifests of all records, those of an earlier run too."""
        records = _committed(self._folder)
        write_manifests(
            self._folder, records, self._info, self._origin, self._model, everything=self._everything
        )

    def _info(self, path: str) -> AudioInfo:
        if path not in self._files:
            self._files[path] = probe(path)
        return self._files[path]


def _committed(folder: Path) -> Iterator[Record]:
    """Yield the records in the manifest of a run that has not ended yet."""
    return read_manifest(folder / PART_NAME)


def _folder(run: Run) -> Path:
    if run.folder is None:
        raise UsageError("exported files need a place", "name a directory with -o")
    return run.folder


def export_jams(run: Run, origin: Origin | None, model: str | None, *, everything: bool) -> None:
    """Write a JAMS file for each record; see `imtools.export.records.jams.jams`.

    Parameters
    ----------
    run : Run
        The harness.
    origin, model, everything
        As for `imtools.export.records.annotations.timed_annotations`.
    """

    def text(record: Record) -> str:
        return jams_text(record, origin, model, everything=everything)

    execute(run, TextFiles(text, _folder(run), ".jams"), run.items())


def export_audacity(run: Run, origin: Origin | None, model: str | None, *, everything: bool) -> None:
    """Write a label track for each record; see `imtools.export.records.audacity.audacity_labels`.

    Parameters
    ----------
    run, origin, model, everything
        As for `export_jams`.
    """

    def text(record: Record) -> str:
        return audacity_labels(record, origin, model, everything=everything)

    execute(run, TextFiles(text, _folder(run), ".txt"), run.items())


def export_audiofolder(
    run: Run, origin: Origin | None, model: str | None, *, fmt: AudioFormat, copy: bool
) -> None:
    """Make an audiofolder of the records; see `imtools.export.records.audiofolder`.

    Parameters
    ----------
    run, origin, model
        As for `export_jams`.
    fmt, copy
        As for `imtools.export.records.audiofolder.place_audio`.
    """
    execute(run, AudioFolder(_folder(run), origin, model, fmt=fmt, copy=copy), run.items())


def export_lhotse(run: Run, origin: Origin | None, model: str | None, *, everything: bool) -> None:
    """Write the manifests of lhotse; see `imtools.export.records.lhotse`.

    Parameters
    ----------
    run, origin, model, everything
        As for `export_jams`.
    """
    execute(run, Lhotse(_folder(run), origin, model, everything=everything), run.items())
