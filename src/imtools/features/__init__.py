"""Front ends (waveform to time-frequency picture), their presets, and the store of what they computed.

Importing this package loads neither torch nor numpy: the front ends load when one is built.
"""

from .presets import (
    DEFAULT_PRESET,
    KINDS,
    PRESETS,
    Kind,
    from_config,
    front_end,
)

__all__ = ["DEFAULT_PRESET", "KINDS", "PRESETS", "Kind", "from_config", "front_end"]
