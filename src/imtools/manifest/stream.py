"""Reading and writing manifests: files, gzip files and standard input, with paths re-based.

In memory every relative path of a record is relative to the working directory (or absolute), so that
records of several manifests can be mixed; on disk it is relative to the manifest's own folder. Through a
pipe, paths are relative to the working directory. Standard input that the shell has redirected is a manifest
in its file's folder; a manifest that standard output writes into a file elsewhere has absolute paths, so that
it can be read by its name as well as through a pipe.
"""

from __future__ import annotations

import gzip
import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, cast

from ..atomic import replacing
from ..errors import ManifestError
from .record import Record
from .values import Json, load_json

STDIN = "-"

_PATH_KEYS = ("audio", "path")


def parse_line(line: str | bytes, where: str) -> Record:
    """Parse one line of a manifest.

    Parameters
    ----------
    line : str or bytes
        One JSON object.
    where : str
        ``"file:line"``, named in errors.

    Raises
    ------
    ManifestError
        If the line is not a JSON object or not a valid record.
    """
    try:
        value = load_json(line)
    except ValueError as error:
        raise ManifestError(
            f"{where}: not valid JSON ({error})", "each line must hold one JSON object"
        ) from None
    return Record.from_json(value, where)


_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def dump_line(value: Record | dict[str, Json]) -> str:
    """Return the line of a record or another JSON object, newline included: ASCII, no NaN."""
    data = value.to_json() if isinstance(value, Record) else value
    try:
        return _ENCODER.encode(data) + "\n"
    except ValueError as error:
        raise ManifestError(f"record {data.get('id')}: cannot be written as JSON ({error})") from None


def rebase(record: Record, from_dir: str | os.PathLike[str], to_dir: str | os.PathLike[str]) -> Record:
    """Return the record with its relative paths rewritten from one folder to another.

    Parameters
    ----------
    record : Record
        A record whose relative paths hold in ``from_dir``.
    from_dir, to_dir : path
        Folders; ``""`` is the working directory.

    Returns
    -------
    Record
        The same record with ``audio``, ``features.*.path`` and ``mix.tracks[].audio`` re-based. Paths
        inside the target folder become relative, so that a folder can be moved with its content; absolute
        and relative paths elsewhere stay, except that from the working directory paths outside of it are
        absolute. ``source``, with the file's name in the original data set, is left alone.
    """
    base, target = os.path.abspath(from_dir or os.curdir), os.path.abspath(to_dir or os.curdir)
    if to_dir and base == target:
        return record
    inside = os.path.join(target, "")

    def move(path: str) -> str:
        whole = os.path.normpath(os.path.join(base, path))
        if whole.startswith(inside):
            return whole[len(inside) :]
        return os.path.relpath(whole, target) if to_dir and not os.path.isabs(path) else whole

    return moved(record, move)


def absolute(record: Record) -> Record:
    """Return the record with all paths absolute, except those in ``source``."""
    return moved(record, os.path.abspath)


def moved(record: Record, move: Callable[[str], str]) -> Record:
    """Return the record with a function applied to all its paths, except those in ``source``.

    Parameters
    ----------
    record : Record
        The record; it stays as it is.
    move : callable
        Returns the new path for a path.
    """
    changes: dict[str, Any] = {}
    if record.audio is not None:
        changes["audio"] = move(record.audio)
    if record.features:
        changes["features"] = {k: _moved_feature(ref, move) for k, ref in record.features.items()}
    if record.mix:
        changes["mix"] = _moved_paths(record.mix, move)
    return record.replace(**changes)


def _moved_feature(ref: Any, move: Any) -> Any:
    return type(ref)(move(ref.path), ref.row, ref.shape, ref.dtype, ref.config, ref.extra)


def _moved_paths(value: Json, move: Any) -> Json:
    """Rewrite every path in a nested block (a mix recipe's tracks may themselves be mixes)."""
    if isinstance(value, list):
        return [_moved_paths(item, move) for item in value]
    if isinstance(value, dict):
        return {
            key: move(item) if key in _PATH_KEYS and isinstance(item, str) else _moved_paths(item, move)
            for key, item in value.items()
        }
    return value


def read_manifest(path: str | os.PathLike[str]) -> Iterator[Record]:
    """Yield the records of a manifest, with paths made relative to the working directory.

    Parameters
    ----------
    path : path
        A ``.jsonl`` or ``.jsonl.gz`` file, or ``-`` for standard input. Blank lines are skipped.

    Raises
    ------
    ManifestError
        If the file cannot be read, or a line is wrong: named as ``file:line``.
    """
    for _, record in read_lines(path):
        if isinstance(record, ManifestError):
            raise record
        yield record


def read_lines(path: str | os.PathLike[str]) -> Iterator[tuple[str, Record | ManifestError]]:
    """Yield ``(where, record)`` for each line; a torn last line is yielded as an error instead of a record.

    A last line without a newline that is not JSON is left by an interrupted writer: the lines before it are
    valid, so it is passed on as a failed item. Any other bad line raises.
    """
    name = os.fspath(path)
    folder = stream_folder(sys.stdin.fileno()) if name == STDIN else os.path.dirname(name)
    shown = "standard input" if name == STDIN else name
    try:
        with _open(name) as stream:
            for number, line in enumerate(stream, 1):
                where = f"{shown}:{number}"
                if not line.strip():
                    continue
                try:
                    record = parse_line(line, where)
                except ManifestError:
                    if line.endswith(b"\n") or _is_json(line):
                        raise
                    hint = "its writer was interrupted: make the manifest again, or delete that line"
                    yield where, ManifestError(f"{where}: torn last line", hint)
                    return
                yield where, rebase(record, folder, "")
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ManifestError(
            f"{shown}: cannot be read ({reason})", "check the path and its permissions"
        ) from None


def stream_folder(descriptor: int) -> str:
    """Return the folder of the regular file that a descriptor is redirected to; ``""`` for a pipe.

    Also ``""`` if the system does not give the name of an open file.
    """
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        if sys.platform == "darwin":
            import fcntl

            get_path = 50  # F_GETPATH, which the module does not define in Python 3.11
            name = fcntl.fcntl(descriptor, get_path, bytes(1024)).rstrip(b"\0")
            link = os.fsdecode(name)
        else:
            link = os.readlink(f"/proc/self/fd/{descriptor}")
        folder = os.path.relpath(os.path.dirname(link))
    except OSError:
        return ""
    return "" if folder == os.curdir else folder


def _is_json(line: bytes) -> bool:
    try:
        load_json(line)
    except ValueError:
        return False
    return True


def _open(name: str) -> AbstractContextManager[IO[bytes]]:
    if name == STDIN:
        return nullcontext(sys.stdin.buffer)
    if name.endswith(".gz"):
        return cast("IO[bytes]", gzip.open(name, "rb"))
    return open(name, "rb")


def write_manifest(path: str | os.PathLike[str], records: Iterable[Record]) -> int:
    """Write records to a ``.jsonl`` or ``.jsonl.gz`` file, atomically, and return how many.

    Relative paths are rewritten from the working directory to the manifest's folder.

    Parameters
    ----------
    path : path
        The file, or one ending in ``.gz``.
    records : iterable of Record
        Its content.
    """
    target, count = Path(path), 0
    # mtime=0: the same records give the same bytes
    with replacing(target) as temporary, open(temporary, "wb") as raw:
        packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if target.suffix == ".gz" else None
        stream = packed or raw
        for record in records:
            count += 1
            stream.write(dump_line(rebase(record, "", target.parent)).encode("ascii"))
        if packed:
            packed.close()
    return count
