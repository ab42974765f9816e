"""The nets (one module for each paper), and the directory of a trained model.

Importing this package does not load torch: the module of a net is loaded when the net is built.
"""

from ..choices import Strategy
from .registry import ARCHITECTURES, DEFAULT_ARCHITECTURE, Architecture, build
from .table import ArchitectureRow, format_listing, listing

__all__ = [
    "ARCHITECTURES",
    "DEFAULT_ARCHITECTURE",
    "Architecture",
    "ArchitectureRow",
    "Strategy",
    "build",
    "format_listing",
    "listing",
]
