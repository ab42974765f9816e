"""Training: records in, a model directory out. Importing it loads torch."""

from .monitor import Monitor
from .plan import Plan
from .protocol.config import TrainConfig
from .protocol.settings import TrainSettings
from .training import plan_training, train_model

__all__ = ["Monitor", "Plan", "TrainConfig", "TrainSettings", "plan_training", "train_model"]
