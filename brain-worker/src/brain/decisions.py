"""An idea on a bar -> the signal that is recorded, and the proposal that the desk judges."""

from __future__ import annotations

from decimal import Decimal

from brain.bar import Bar, Idea
from brain.request import Choice
from brain.series import Refusal
from shared.model import Action, Interval, Proposal, Side, Signal
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
    )


def proposal_of(signal: Signal) -> Proposal | Refusal:
    """The signal with exact prices; refused where ten digits cannot hold a distance, or a stop or target would lie at
    or below 0.
    """
    price = decimal_of(signal.price)
    stop = None if signal.stop_distance is None else decimal_of(signal.stop_distance)
    target = None if signal.target_distance is None else decimal_of(signal.target_distance)
    below = stop if signal.side is Side.BUY else target
    for name, distance in (("stop", stop), ("target", target)):
        if distance is not None and not distance:
            return Refusal(
                signal.bar_close_ms, f"{name}_too_near", f"the {name} distance rounds to 0 at {PLACES} digits"
            )
    if signal.action is Action.ENTER and below is not None and below >= price:
        name = "stop" if signal.side is Side.BUY else "target"
        return Refusal(signal.bar_close_ms, f"{name}_below_zero", f"the {name} would lie at or below a price of 0")
    numbers = " ".join(f"{name}={value:.6g}" for name, value in signal.evidence.items())
    return Proposal(
        signal_id=signal.id,
        strategy=signal.strategy,
        version=signal.version,
        params=signal.params,
        instrument=signal.instrument,
        bar_close_ms=signal.bar_close_ms,
        action=signal.action,
        side=signal.side,
        price=price,
        stop_distance=stop,
        target_distance=target,
        reason=f"{signal.reason} {numbers}"[:200],
    )
