"""The nets (one module for each paper), and the directory in which a trained model lives.

Importing this package does not load torch: a net's module loads when it is built.
"""

from .registry import ARCHITECTURES, DEFAULT_ARCHITECTURE, Architecture, Strategy, build
from .table import Row, format_listing, listing

__all__ = [
    "ARCHITECTURES",
    "DEFAULT_ARCHITECTURE",
    "Architecture",
    "Row",
    "Strategy",
    "build",
    "format_listing",
    "listing",
]
