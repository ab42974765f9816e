"""Training: records in, a model directory out.

The names below are loaded when they are first used, so that the history of a training can be read without
torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .monitor import Monitor
    from .plan import Plan
    from .protocol.config import TrainConfig
    from .protocol.settings import TrainSettings
    from .training import plan_training, train_model

__all__ = ["Monitor", "Plan", "TrainConfig", "TrainSettings", "plan_training", "train_model"]

_MODULES = {
    "Monitor": "monitor",
    "Plan": "plan",
    "TrainConfig": "protocol.config",
    "TrainSettings": "protocol.settings",
    "plan_training": "training",
    "train_model": "training",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
