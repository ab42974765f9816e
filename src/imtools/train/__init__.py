"""Training: records in, a model directory out. Loads torch only when it works."""

from .config import TrainConfig

__all__ = ["TrainConfig"]
