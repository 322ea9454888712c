"""What a strategy looks at, and what it may answer: plain tuples, because they are made for every bar."""

from __future__ import annotations

from typing import NamedTuple

from shared.model import Action, OrderKind, Side


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
    units from the entry price, above 0, or None. An entry is a market order unless `kind` says otherwise: then it rests at
    `limit_price`, or sets off at `trigger_price`, for `good_bars` bars or until it is cancelled.
    """

    action: Action
    side: Side
    score: float
    reason: str
    evidence: dict[str, float]
    stop_distance: float | None = None
    target_distance: float | None = None
    trail_distance: float | None = None
    kind: OrderKind = OrderKind.MARKET
    limit_price: float | None = None
    trigger_price: float | None = None
    good_bars: int | None = None
