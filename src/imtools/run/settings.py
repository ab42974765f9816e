"""The settings of a run: its fingerprint and its ``run.json``."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import UsageError
from ..hashing import file_sha256, text_sha256

RUN_SCHEMA = "imtools/run/1"

_LIBRARIES = ("numpy", "scipy", "soundfile", "soxr", "librosa", "scikit-learn", "torch", "safetensors")


def fingerprint(tool: str, params: dict[str, Any]) -> str:
    """Return ``"sha256:..."`` of a tool, its version and the parameters that shape its output.

    Parameters
    ----------
    tool : str
        ``"im-features"``.
    params : dict
        The parameters.
    """
    text = json.dumps([tool, __version__, params], sort_keys=True, default=str)
    return f"sha256:{text_sha256(text)}"


def content_digest(path: str, name: str) -> str:
    """Return a hash of a file inside a directory that a setting names, or the path if there is no file.

    It stands for the path in the fingerprint: another model under the same name is another model.

    Parameters
    ----------
    path : str
        The directory.
    name : str
        The file's name.
    """
    try:
        return file_sha256(Path(path) / name)
    except OSError:
        return path


def run_json(tool: str, arguments: dict[str, Any], params: str) -> dict[str, Any]:
    """Return the content of ``run.json``: no times, so that equal runs leave equal files.

    Parameters
    ----------
    tool : str
        ``"im-features"``.
    arguments : dict
        All its arguments.
    params : str
        From `fingerprint`.
    """
    versions = {"python": platform.python_version(), "imtools": __version__}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "schema": RUN_SCHEMA,
        "tool": tool,
        "arguments": arguments,
        "params": params,
        "versions": versions,
    }


def read_arguments(path: str, tool: str) -> dict[str, Any]:
    """Return the arguments that a ``run.json`` holds, to be used as defaults.

    Parameters
    ----------
    path : str
        The ``run.json``.
    tool : str
        The tool that reads it.

    Raises
    ------
    UsageError
        If the file is not a ``run.json`` of this tool.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        arguments = data["arguments"]
        written = data["tool"]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{path}: is not a run.json", "give the run.json of an earlier run's output"
        ) from None
    if written != tool:
        raise UsageError(f"{path}: was written by {written}, not by {tool}")
    if not isinstance(arguments, dict):
        raise UsageError(f"{path}: is not a run.json", "give the run.json of an earlier run's output")
    return arguments
