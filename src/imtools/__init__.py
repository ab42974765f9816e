"""Recognize which musical instruments sound in polyphonic music.

>>> import imtools
>>> imtools.recognize("song.mp3").present  # doctest: +SKIP
['pia', 'voi']

The names below are loaded when they are first used: ``import imtools`` loads neither NumPy nor torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import metrics
    from .api.features import extract_features
    from .api.model import Model, load_model, recognize
    from .errors import (
        AudioError,
        FeatureError,
        ImtoolsError,
        ImtoolsWarning,
        ManifestError,
        ModelError,
        UsageError,
    )
    from .manifest import Label, Prediction, Record, read_manifest, write_manifest
    from .mix import MixSettings, mix_records
    from .predict.recognition import Recognition
    from .score import score_records
    from .segment import segment_records
    from .sound.excerpt import Excerpt
    from .train import TrainSettings, train_model

_MODULES = {
    "AudioError": "errors",
    "Excerpt": "sound.excerpt",
    "FeatureError": "errors",
    "ImtoolsError": "errors",
    "ImtoolsWarning": "errors",
    "Label": "manifest",
    "ManifestError": "errors",
    "MixSettings": "mix",
    "Model": "api.model",
    "ModelError": "errors",
    "Prediction": "manifest",
    "Recognition": "predict.recognition",
    "Record": "manifest",
    "TrainSettings": "train",
    "UsageError": "errors",
    "extract_features": "api.features",
    "load_model": "api.model",
    "metrics": "",
    "mix_records": "mix",
    "read_manifest": "manifest",
    "recognize": "api.model",
    "score_records": "score",
    "segment_records": "segment",
    "train_model": "train",
    "write_manifest": "manifest",
}
"""The module of each public name; a module of its own has none."""

__all__ = [
    "AudioError",
    "Excerpt",
    "FeatureError",
    "ImtoolsError",
    "ImtoolsWarning",
    "Label",
    "ManifestError",
    "MixSettings",
    "Model",
    "ModelError",
    "Prediction",
    "Recognition",
    "Record",
    "TrainSettings",
    "UsageError",
    "__version__",
    "extract_features",
    "load_model",
    "metrics",
    "mix_records",
    "read_manifest",
    "recognize",
    "score_records",
    "segment_records",
    "train_model",
    "write_manifest",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not _MODULES[name]:
        return importlib.import_module(f".{name}", __name__)
    value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
