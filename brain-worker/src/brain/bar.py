"""What a strategy looks at, and what it may answer: plain tuples, because they are made for every bar."""

from __future__ import annotations

from typing import NamedTuple

from shared.model import Action, Side


class Bar(NamedTuple):
    """One closed bar; prices in the quote asset, volume in base units, all finite floats with low <= open, close <=
    high.
    """

    open_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Idea(NamedTuple):
    """What a strategy saw on the bar it was just given.

    `score` is 0..1; `reason` a short code in snake_case; `evidence` the numbers it looked at. The distances are price
    units from the entry price, above 0, or None.
    """

    action: Action
    side: Side
    score: float
    reason: str
    evidence: dict[str, float]
    stop_distance: float | None = None
    target_distance: float | None = None
