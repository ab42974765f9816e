"""The parameters of each kind of front end: their defaults and what values they may have.

This package loads without torch, so that a command can list and check parameters before it starts.
"""

from .base import Parameters, SpectralParameters
from .constant_q import ChromaParameters, CqtParameters
from .descriptors import DescriptorsParameters
from .short_time import (
    ContrastParameters,
    MelParameters,
    ModgdParameters,
    RolloffParameters,
    StftParameters,
)
from .whole import FftParameters, WaveformParameters

__all__ = [
    "ChromaParameters",
    "ContrastParameters",
    "CqtParameters",
    "DescriptorsParameters",
    "FftParameters",
    "MelParameters",
    "ModgdParameters",
    "Parameters",
    "RolloffParameters",
    "SpectralParameters",
    "StftParameters",
    "WaveformParameters",
]
