"""Mel spectrograms of IRMAS training clips in a NumPy archive: features whose audio is not available.

The archive holds ``X`` (uint8, clips x 128 bands x 130 frames), ``label``, ``name`` (the clips' file
names without extension), and ``genre``, ``drums``, ``group``, which the names contain too. A value x stands
for -80 + (x + 0.5) 80 / 256 dB relative to the clip's maximum. The bands above `BANDS` went through
another resampler and are empty.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ManifestError
from ..manifest import FeatureRef, Record, make_id
from ..units import samples_to_seconds
from .base import Entry, Layout
from .irmas import LICENSE, Clip

NAME = "irmas-mel"
"""Name of the layout, and of the preset that computes the same features from audio."""

SAMPLING_RATE, NUM_SAMPLES = 22050, 66150
SHAPE = (128, 130)
BANDS = 123

_BATCH = 256
_ARRAYS = ("X", "label", "name")
_HINT = "fetch the archive again"


def matches(root: Path) -> bool:
    """Whether it is an ``.npz`` file with the right arrays, or a folder with one, from their names."""
    path = _archive(root)
    if path.suffix != ".npz" or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{name}.npy" for name in _ARRAYS} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _archive(root: Path) -> Path:
    return root / "train.npz" if root.is_dir() else root


def entries(root: Path) -> Iterator[Entry]:
    """Raise ManifestError: there is no audio to make entries of."""
    hint = "convert it by im-index with `layout=irmas-mel` into a directory"
    raise ManifestError(f"{root}: holds spectrograms, not audio", hint)


def convert(root: Path, folder: Path) -> Iterator[Record]:
    """Write the spectrograms as float16 rows into ``folder`` and yield their records, in the archive's order.

    Parameters
    ----------
    root : Path
        The ``.npz`` file, or the folder that holds it as ``train.npz``; pickled objects in it are refused.
    folder : Path
        Gets ``mel-00000.npy`` and so on, rows of (123, 130) in dB, and ``mel.json``. Existing arrays are
        replaced. A row can be read as soon as its record is yielded.

    Raises
    ------
    ManifestError
        If the archive is damaged, or a clip's name is not of IRMAS or contradicts its label.
    FeatureError
        If the rows cannot be written.
    """
    # The only layout that needs a front end, and with it torch.
    from ..features import front_end
    from ..features.sidecar import describe
    from ..features.store import ShardWriter

    root = _archive(root)
    levels, labels, names = _read(root)
    clips = [_clip(root, label, name) for label, name in zip(labels, names, strict=True)]
    module = front_end(NAME)
    with ShardWriter.resume(folder, module.kind, "float16", None) as writer:
        describe(folder, module)
        for start in range(0, len(names), _BATCH):
            refs = writer.append(decibels(levels[start : start + _BATCH]), module.config_hash)
            writer.flush()
            for index, ref in enumerate(refs, start):
                yield _record(clips[index], names[index], module.kind, ref)


def decibels(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the decibels (n, 123, 130) of the archive's steps (n, 128, 130)."""
    return -80 + (levels[:, :BANDS].astype(np.float32) + np.float32(0.5)) * np.float32(80 / 256)


def _read(path: Path) -> tuple[NDArray[np.uint8], list[str], list[str]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            levels, labels, names = (archive[name] for name in _ARRAYS)
    except (KeyError, TypeError, AttributeError):
        raise ManifestError(f"{path}: lacks one of the arrays {', '.join(_ARRAYS)}", _HINT) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ManifestError(f"{path}: cannot be read as an archive of arrays ({error})", _HINT) from None
    if levels.dtype != np.uint8 or levels.shape[1:] != SHAPE:
        raise ManifestError(f"{path}: X is {levels.dtype} {levels.shape}, not uint8 (n, 128, 130)", _HINT)
    if not len(levels) == len(labels) == len(names):
        counts = f"{len(levels)} spectrograms, {len(labels)} labels and {len(names)} names"
        raise ManifestError(f"{path}: holds {counts}", _HINT)
    return levels, labels.tolist(), names.tolist()


def _clip(path: Path, label: str, name: str) -> Clip:
    clip = Clip.parse(name)
    if clip is None or clip.label != label:
        raise ManifestError(f"{path}: clip {name!r} has the label {label!r}", _HINT)
    return clip


def _record(clip: Clip, name: str, kind: str, ref: FeatureRef) -> Record:
    original = f"{clip.label}/{name}"
    return Record(
        id=f"{NAME}/{make_id(original)}",
        audio=None,
        start=0.0,
        duration=samples_to_seconds(NUM_SAMPLES, SAMPLING_RATE),
        sampling_rate=SAMPLING_RATE,
        num_samples=NUM_SAMPLES,
        groups=clip.groups(),
        genre=clip.genre,
        labels=clip.labels(),
        source={"dataset": "irmas", "audio": f"{original}.wav", "license": LICENSE},
        features={kind: ref},
        extra=clip.extra(),
    )


LAYOUT = Layout(
    NAME,
    "an .npz archive of mel spectrograms of IRMAS training clips (needs an output directory)",
    matches,
    entries,
    convert,
)
