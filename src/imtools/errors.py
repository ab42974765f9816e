"""The errors that imtools raises: each says which file, what is wrong, and what to do about it.

Messages and hints name parameters in backticks, as a Python caller writes them (```hop```,
```stereo=False```), and those of another step of the pipeline after its command (``run im-predict with
`windows` ``). The commands show the options instead (`imtools.cli.wording`): the library knows none of them.
"""

from __future__ import annotations

import errno


class ImtoolsError(Exception):
    """Root of all errors that a user can do something about.

    Parameters
    ----------
    message : str
        What is wrong, naming the file (and line, key or sample where there is one).
    hint : str, optional
        What to do about it, as an imperative sentence.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(ImtoolsError):
    """Arguments that contradict each other or the files they name (exit code 2)."""


class ManifestError(ImtoolsError):
    """A manifest, a record or a data-set layout that cannot be read as one."""


class AudioError(ImtoolsError):
    """Audio that cannot be decoded, is unfit for use, or cannot be written."""


class FeatureError(ImtoolsError):
    """A feature that cannot be computed, stored or found."""


class ModelError(ImtoolsError):
    """A model that cannot be built, trained, loaded or applied."""


class ImtoolsWarning(UserWarning):
    """Something doubtful that does not stop the work: the commands print it once, on stderr."""


def plain(text: str) -> str:
    """Return a message without the backticks around parameters: for readers who cannot set them."""
    return text.replace("`", "")


def is_fatal(error: Exception) -> bool:
    """Return whether an error concerns the machine rather than one item.

    Parameters
    ----------
    error : Exception
        What was raised while one item was being worked on.

    Returns
    -------
    bool
        True for a full disk, a read-only file system, no memory, too many open files, or a closed pipe.
    """
    if isinstance(error, BrokenPipeError | MemoryError):
        return True
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EMFILE, errno.ENFILE)
    return isinstance(error, OSError) and error.errno in full
