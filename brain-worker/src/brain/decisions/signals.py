"""An idea on a bar -> the signal that is recorded."""

from __future__ import annotations

from decimal import Decimal

from brain.bar import Bar, Idea
from brain.request import Choice
from shared.model import Interval, Signal
from shared.model.exact import ROUNDED
from shared.model.ids import signal_id

PLACES = 10
_STEP = Decimal(1).scaleb(-PLACES)


def decimal_of(value: float) -> Decimal:
    """`value` as it prints (the shortest text that reads back as the same float), rounded half-even to ten digits
    after the point.
    """
    return Decimal(repr(value)).quantize(_STEP, context=ROUNDED)


def signal_of(choice: Choice, instrument: str, interval: Interval, bar: Bar, idea: Idea) -> Signal:
    """`Invalid` where a strategy gave what no signal may hold, such as a NaN or a score above 1."""
    strategy, close_ms = choice.strategy, bar.open_time_ms + interval.ms
    return Signal.of(
        id=signal_id(
            strategy.name, strategy.version, choice.params_id, instrument, close_ms, idea.action.value, idea.side.value
        ),
        strategy=strategy.name,
        version=strategy.version,
        params=choice.params_id,
        instrument=instrument,
        interval=interval,
        bar_close_ms=close_ms,
        action=idea.action,
        side=idea.side,
        score=idea.score,
        reason=idea.reason,
        evidence=idea.evidence,
        price=bar.close,
        stop_distance=idea.stop_distance,
        target_distance=idea.target_distance,
        trail_distance=idea.trail_distance,
        kind=idea.kind,
        limit_price=idea.limit_price,
        trigger_price=idea.trigger_price,
        good_bars=idea.good_bars,
    )
