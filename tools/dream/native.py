"""The panel without workerd."""

from __future__ import annotations

import time

from brain.dream.panel import panel
from brain.dream.plain import Plain


def plain_ms(prices: list[float]) -> float:
    """Milliseconds of one panel here, in pure Python."""
    began = time.perf_counter()
    panel(prices, Plain())
    return (time.perf_counter() - began) * 1000
