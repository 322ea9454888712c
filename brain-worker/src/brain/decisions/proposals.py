"""A signal -> the proposal that the desk judges."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from brain.decisions import explain
from brain.decisions.signals import PLACES, decimal_of
from brain.series import Refusal
from shared.model import Action, Proposal, Side, Signal
from shared.model.proposal import Size


def proposal_of(
    signal: Signal, why: Mapping[str, JsonValue] | None = None, size: Size | None = None
) -> Proposal | Refusal:
    """The signal with exact prices; refused where ten digits cannot hold a distance, or a stop or target would lie at
    or below 0. Without a `why` it is that of the strategy alone.
    """
    price = decimal_of(signal.price)
    stop = None if signal.stop_distance is None else decimal_of(signal.stop_distance)
    target = None if signal.target_distance is None else decimal_of(signal.target_distance)
    trail = None if signal.trail_distance is None else decimal_of(signal.trail_distance)
    below = stop if signal.side is Side.BUY else target
    for name, distance in (("stop", stop), ("target", target), ("trail", trail)):
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
        trail_distance=trail,
        kind=signal.kind,
        limit_price=None if signal.limit_price is None else decimal_of(signal.limit_price),
        trigger_price=None if signal.trigger_price is None else decimal_of(signal.trigger_price),
        good_till_ms=signal.good_till_ms,
        size=size,
        reason=f"{signal.reason} {numbers}"[:200],
        why=explain.alone(signal) if why is None else dict(why),
    )
