"""Random mixing: every record may meet every other (Kratimenos et al. 2020, section III.B.1)."""

from __future__ import annotations

from .base import Sync


class NoSync(Sync):
    """Lay records over each other as chance brings them together."""

    name = "none"
