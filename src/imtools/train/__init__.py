"""Training: records in, a model directory out. Importing it loads no torch before `TrainConfig` is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .protocol.config import TrainConfig

__all__ = ["TrainConfig"]


def __getattr__(name: str) -> Any:
    if name != "TrainConfig":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .protocol.config import TrainConfig

    return TrainConfig
