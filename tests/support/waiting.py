"""Waiting for what other processes and threads do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Call a condition until its result is true, and return that result.

    After ``seconds`` its last result is returned, whatever it is: ``assert wait_until(...)``.
    """
    deadline = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return result
