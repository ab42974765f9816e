"""Front ends (from waveforms to time-frequency representations), their presets, and the store of features.

Importing this package loads neither torch nor numpy: the front ends load when one is built.
"""

from __future__ import annotations

from .presets import (
    DEFAULT_PRESET,
    KINDS,
    PRESETS,
    Kind,
    from_config,
    front_end,
)

__all__ = ["DEFAULT_PRESET", "KINDS", "PRESETS", "Kind", "from_config", "front_end"]
