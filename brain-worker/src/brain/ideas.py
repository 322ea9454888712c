"""Ideas as most strategies have them: long only, stop and target in average true ranges."""

from __future__ import annotations

from pydantic import Field

from brain.bar import Idea
from shared.model import Action, Model, Side

SAME = 1e-12
"""Prices closer than this, relative to one of them, are equal: rounding must not look like a cross."""


class AtrStops(Model):
    """Where stop and target of an entry stand."""

    atr_period: int = Field(default=14, ge=1, le=200, description="bars of the average true range")
    stop_atr: float = Field(default=2.0, ge=0.1, le=20.0, description="distance of the stop, in average true ranges")
    target_atr: float = Field(
        default=0.0, ge=0.0, le=50.0, description="distance of the target, in average true ranges; 0: none"
    )


def enter(stops: AtrStops, atr: float, score: float, reason: str, evidence: dict[str, float]) -> Idea | None:
    """Buy; None without a range to measure a stop by (a market that never moved). `score` is cut to 0..1."""
    if not atr > 0.0:
        return None
    return Idea(
        Action.ENTER,
        Side.BUY,
        unit(score),
        reason,
        {**evidence, "atr": atr},
        stops.stop_atr * atr,
        stops.target_atr * atr or None,
    )


def leave(score: float, reason: str, evidence: dict[str, float]) -> Idea:
    """Sell what is held. `score` is cut to 0..1."""
    return Idea(Action.EXIT, Side.SELL, unit(score), reason, evidence)


def unit(score: float) -> float:
    """`score`, at least 0 and at most 1."""
    return max(0.0, min(1.0, score))
