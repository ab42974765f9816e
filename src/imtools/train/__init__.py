"""Training: records in, a model directory out. Importing it loads torch."""

from .config import TrainConfig

__all__ = ["TrainConfig"]
