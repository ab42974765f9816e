"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def lock(descriptor: int, *, wait: bool) -> None:
    """Lock an open file for this process; closing the file unlocks it. Without effect on Windows.

    Parameters
    ----------
    descriptor : int
        The open file.
    wait : bool
        Whether to wait until no other process has it locked.

    Raises
    ------
    OSError
        If another process has it locked and ``wait`` is false, or the file system has no locks.
    """
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Give an OSError inside the ``with`` block the name of the file, which a failed write leaves out."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(path)
        raise


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary sibling to write to; on success it replaces ``path``.

    The data reach the disk before the name does, so that a crash leaves either the old file or the new
    one. On any error the temporary file is removed and ``path`` is untouched.

    Parameters
    ----------
    path : path
        The file to make or replace. Its folder is made if it does not exist.

    Yields
    ------
    Path
        The sibling to write: same suffix, so that encoders which check it accept it.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A fixed name: what a killed run left behind is overwritten by the next one instead of piling up. Locked,
    # since a worker whose scheduler was lost may still be writing the file when the next run gets to it.
    temporary = target.with_name(f".{target.stem}.tmp{target.suffix}")
    with naming(target):
        held = _locked(temporary)
    try:
        with naming(target):
            yield temporary
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    finally:
        os.close(held)


def _locked(path: Path) -> int:
    """Open a file, created if missing, once no other process has it locked; closing it unlocks it."""
    while True:
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        with suppress(OSError):  # file systems without locks
            lock(held, wait=True)
        try:
            if os.fstat(held).st_ino == os.stat(path).st_ino:
                return held
        except FileNotFoundError:
            pass  # its previous owner has moved it into place
        os.close(held)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 text file atomically.

    Parameters
    ----------
    path : path
        The file.
    text : str
        Its content.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
