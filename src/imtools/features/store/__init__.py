"""Storage of features: append-only ``.npy`` files (shards), and the reader that finds rows in them."""

from .reader import FeatureReader
from .writer import ShardWriter

__all__ = ["FeatureReader", "ShardWriter"]
