"""An output directory from which an interrupted run can be resumed.

It holds three files besides the data: ``run.json`` (the arguments), ``manifest.jsonl`` (the records;
called ``manifest.jsonl.part`` until the run has ended) and ``journal.jsonl``: a line for each group of
items that is done, with the length of the manifest at that time. A resumed run compares its input with the
journal item by item, truncates manifest and journal after the last group that is still valid, and continues
from there, so that it ends with the same bytes as an uninterrupted run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ..atomic import lock, naming, write_text
from ..errors import ManifestError, UsageError
from ..manifest import Record, dump_line, parse_line, rebase
from ..manifest.values import Json
from .items import JOURNAL_NAME, MANIFEST_NAME, PART_NAME

RUN_NAME = "run.json"
_JOURNAL_SCHEMA = "imtools/journal/1"


@dataclass(slots=True)
class Done:
    """An item that is done.

    Attributes
    ----------
    id, digest : str
        Which item, and the state of its input (`Item.digest`).
    records : int
        How many records it gave.
    failure : dict or None
        Its failure record, if it failed.
    """

    id: str
    digest: str
    records: int = 0
    failure: dict[str, Json] | None = None

    def to_json(self) -> Json:
        """Return the compact form used in the journal."""
        return [self.id, self.digest, self.records, *([self.failure] if self.failure else [])]

    @classmethod
    def from_json(cls, value: Json) -> Done:
        """Parse the result of `to_json`."""
        return cls(value[0], value[1], value[2], value[3] if len(value) > 3 else None)


@dataclass(slots=True)
class Group:
    """Items that were committed together, and the length of the manifest after them in bytes."""

    items: list[Done]
    end: int
    journal_end: int = field(default=0, compare=False)


def write_run(folder: Path, run: dict[str, Json]) -> None:
    """Write ``run.json``.

    Parameters
    ----------
    folder : Path
        The output directory.
    run : dict
        From `imtools.run.settings.run_json`.
    """
    write_text(folder / RUN_NAME, json.dumps(run, indent=1, sort_keys=True) + "\n")


def claim(folder: Path, *, resume: bool, force: bool) -> set[str]:
    """Check that a directory may be written to, create it, and return the names of its entries.

    Parameters
    ----------
    folder : Path
        The directory.
    resume, force : bool
        Whether it may have content: to continue from, or to replace.

    Raises
    ------
    UsageError
        If it is a file, or not empty while neither ``resume`` nor ``force`` is set.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file", "name a directory as `output`")
    content = set(os.listdir(folder)) if folder.exists() else set()
    if content and not (resume or force):
        hint = "add `resume` to continue, `force` to start over, or name another"
        raise UsageError(f"{folder}: is not empty", hint)
    folder.mkdir(parents=True, exist_ok=True)
    return content


def claim_file(path: str, *, force: bool) -> None:
    """Check that a file may be written.

    Parameters
    ----------
    path : str
        The file.
    force : bool
        Whether it may exist.

    Raises
    ------
    UsageError
        If it is a directory, or exists while ``force`` is not set.
    """
    if os.path.isdir(path):
        raise UsageError(f"{path}: is a directory", "name a file")
    if os.path.exists(path) and not force:
        raise UsageError(f"{path}: exists already", "add `force` to overwrite it, or name another")


class OutputDirectory:
    """The directory named by ``-o``, opened for writing.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    run : dict
        Content of ``run.json``.
    params : str
        Fingerprint of the parameters that shape the output.
    resume : bool
        Continue from what an earlier run of the same tool and parameters left here.
    force : bool
        Start over: the output of an earlier run is replaced.

    Raises
    ------
    UsageError
        If the directory is not empty and neither ``resume`` nor ``force`` is set, if the earlier run
        differs, or if another process is writing here.
    """

    def __init__(self, folder: Path, run: dict[str, Json], params: str, *, resume: bool, force: bool) -> None:
        self.folder = folder
        self._params = params
        self._part = folder / PART_NAME
        self._final = folder / MANIFEST_NAME
        content = claim(folder, resume=resume, force=force)
        journal = folder / JOURNAL_NAME
        self.resumed = resume and journal.exists()
        if resume and not journal.exists() and content - {RUN_NAME, PART_NAME}:
            hint = "add `force` to start over, or name another"
            raise UsageError(f"{folder}: holds no journal to resume from", hint)
        self._journal: IO[bytes] = open(journal, "ab+")  # noqa: SIM115 - closed by finish() or close()
        self._lock()
        self.groups: list[Group] = []
        if self.resumed:
            self._load()
        else:
            self._start()
        self._manifest: IO[bytes] = open(self._part, "ab")  # noqa: SIM115
        write_run(folder, run)

    def _lock(self) -> None:
        try:
            lock(self._journal.fileno(), wait=False)
        except OSError:
            self._journal.close()
            raise UsageError(
                f"{self.folder}: another process is writing here", "wait for it, or name another directory"
            ) from None

    def _start(self) -> None:
        self._final.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)
        self._journal.truncate(0)
        head = {"schema": _JOURNAL_SCHEMA, "params": self._params}
        self._journal.write((json.dumps(head) + "\n").encode())
        self._journal.flush()

    def _load(self) -> None:
        """Read the journal up to the first line that is torn or ahead of the manifest."""
        self._journal.seek(0)
        head = self._journal.readline()
        try:
            written = json.loads(head)
        except ValueError:
            self._start()
            return
        if written.get("schema") != _JOURNAL_SCHEMA or written.get("params") != self._params:
            hint = "give the same options, or `force` to start over"
            raise UsageError(f"{self.folder}: was made with other options or another version", hint)
        if self._final.exists():
            os.replace(self._final, self._part)  # a finished run that is resumed
        size = self._part.stat().st_size if self._part.exists() else 0
        position = self._journal.tell()
        for line in self._journal:
            try:
                value = json.loads(line)
            except ValueError:
                break
            if not line.endswith(b"\n") or value["end"] > size:
                break
            position += len(line)
            self.groups.append(Group([Done.from_json(x) for x in value["items"]], value["end"], position))
        self.keep(len(self.groups))

    def keep(self, count: int) -> None:
        """Truncate the journal and the manifest after the first ``count`` groups."""
        if count:
            end, position = self.groups[count - 1].end, self.groups[count - 1].journal_end
        else:
            self._journal.seek(0)
            end, position = 0, len(self._journal.readline())
        del self.groups[count:]
        self._journal.truncate(position)
        if self._part.exists():
            os.truncate(self._part, end)

    def kept_records(self) -> Iterator[Record]:
        """Yield the records that the kept groups left in the manifest, relative to the working directory."""
        if not self.groups or not self._part.exists():
            return
        end, position = self.groups[-1].end, 0
        with open(self._part, "rb") as stream:
            for number, line in enumerate(stream, 1):
                position += len(line)
                if position > end:
                    raise ManifestError(
                        f"{self._part}: does not agree with its journal", "add `force` to start over"
                    )
                yield rebase(parse_line(line, f"{self._part}:{number}"), self.folder, "")

    def commit(self, items: list[Done], records: list[Record]) -> None:
        """Write the records of a group of items, then the journal line that commits them.

        Parameters
        ----------
        items : list of Done
            The items of a group.
        records : list of Record
            Their output.
        """
        self._manifest.seek(0, os.SEEK_END)  # `keep` has truncated the file without this stream
        with naming(self._part):
            for record in records:
                self._manifest.write(dump_line(rebase(record, "", self.folder)).encode("ascii"))
            self._manifest.flush()
        line = {"items": [item.to_json() for item in items], "end": self._manifest.tell()}
        with naming(self.folder / JOURNAL_NAME):
            self._journal.write((json.dumps(line, separators=(",", ":")) + "\n").encode())
            self._journal.flush()

    def finish(self) -> None:
        """Give the manifest its final name: everything is done."""
        for stream in (self._manifest, self._journal):
            os.fsync(stream.fileno())
        self.close()
        os.replace(self._part, self._final)

    def close(self) -> None:
        """Close the files, leaving the directory as it is: a later run can resume."""
        for stream in (self._manifest, self._journal):
            with suppress(OSError):  # errors of a full disk were reported at the time of writing
                stream.close()
