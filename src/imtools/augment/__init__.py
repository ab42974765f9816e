"""Augmentation: changed copies of records as recipes, with every random choice made by a hash."""

from .augmentation import Augmentation
from .limit import choose_copies
from .values import VARIED, Values

__all__ = ["VARIED", "Augmentation", "Values", "choose_copies"]
