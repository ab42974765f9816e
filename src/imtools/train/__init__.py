"""Training: records in, a model directory out. Importing it loads torch."""

from .protocol.config import TrainConfig

__all__ = ["TrainConfig"]
