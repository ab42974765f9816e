"""The nets (one module for each paper), and the directory in which a trained model lives.

Importing this package does not load torch: a net's module loads when it is built.
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
