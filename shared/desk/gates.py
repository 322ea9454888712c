"""The gates that every order passes: each a pure function that answers None, or a coded refusal.

Here stand those that follow from what a spot desk is; the others are the protections, which take their place in the same line.
The codes stand in docs/desk.md and docs/protections.md. A reduce-only order can only lower the risk and is not held back by
the desk's status, old prices, rates, limits or the balance.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from shared.desk import guards, modes
from shared.desk.context import Context
from shared.desk.guards import Guards
from shared.desk.intent import Intent, Refusal
from shared.desk.state import DeskState, DeskStatus
from shared.model import Side, exact

__all__ = ["BEFORE_SIZE", "MAX_OPEN_ORDERS", "WHOLE", "WITH_SIZE", "Intent", "Refusal", "check", "proposed_at"]

MAX_OPEN_ORDERS = 1000
"""Above what any desk may be set to, so that there is always room to get out; a snapshot has to fit in one row of 2 MB."""

Gate = Callable[[DeskState, Intent, Context], Refusal | None]


def halted(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    if not intent.is_entry or state.status is DeskStatus.ACTIVE:
        return None
    if state.status is DeskStatus.HALTED:
        return Refusal("halted", f"the desk is halted: {state.halt_reason}; only reduce-only orders pass")
    why = "; ".join(f"{code}: {reduction.reason}" for code, reduction in state.reductions.items())
    return Refusal("reducing", f"the desk takes no entries: {why}; only reduce-only orders pass")


def armed(state: DeskState, intent: Intent, context: Context) -> Refusal | None:
    why = modes.shut(state, context) if intent.is_entry else ""
    return Refusal("live_gate", f"{why}; only reduce-only orders pass") if why else None


def reconciled(_state: DeskState, intent: Intent, context: Context) -> Refusal | None:
    if intent.is_entry and not context.reconciled:
        return Refusal("not_reconciled", "ledger and venue are not known to agree; only reduce-only orders pass")
    return None


def listed(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    if intent.is_entry and intent.instrument.id in state.delisted:
        return Refusal("unknown_instrument", f"{intent.instrument.id} is not listed any more")
    return None


def convertible(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    if intent.is_entry and intent.instrument.quote != state.currency:
        return Refusal("no_conversion", f"{intent.instrument.quote} cannot be counted in {state.currency}")
    return None


def levels_sane(_state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    """A stop lies on the losing side of the price and a target on the winning one."""
    sign = Decimal(intent.side.sign)
    for name, level, way in (("stop", intent.stop_price, -1), ("target", intent.target_price, 1)):
        if level is not None and exact.multiply(sign * way, exact.subtract(level, intent.price)) <= 0:
            return Refusal(
                f"{name}_absurd", f"{name} {exact.text(level)} is on the wrong side of {exact.text(intent.price)}"
            )
    return None


def reduces(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    if not intent.reduce_only:
        return None
    position = state.position(intent.instrument.id)
    if position.is_flat:
        return Refusal("no_position", f"nothing of {intent.instrument.id} is held")
    free = state.free_qty(intent.instrument.id)
    if intent.side is not Side.SELL or intent.qty > free:
        return Refusal("reduce_only", f"would not only reduce: {exact.text(free)} can be sold")
    return None


def covered(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    """Spot, long only: nothing is sold that is not held and free."""
    if intent.reduce_only or intent.side is Side.BUY:
        return None
    free = state.free_qty(intent.instrument.id)
    if intent.qty > free:
        return Refusal("short_not_allowed", f"{exact.text(free)} can be sold; the desk does not sell short")
    return None


def order_count(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    most = state.limits.max_open_orders if intent.is_entry else MAX_OPEN_ORDERS
    if len(state.orders) >= most:
        return Refusal("max_open_orders", f"{len(state.orders)} orders are open")
    return None


class Placed(NamedTuple):
    """A gate and where it stands in the line; what `sized` ones answer depends on the order's quantity or its levels."""

    place: int
    gate: Gate
    sized: bool = False


STRUCTURE = (
    Placed(10, halted),
    Placed(12, armed),
    Placed(14, reconciled),
    Placed(20, listed),
    Placed(30, convertible),
    Placed(60, levels_sane, sized=True),
    Placed(80, reduces, sized=True),
    Placed(90, covered, sized=True),
    # asked late, since what is too many is counted position by position first
    Placed(210, order_count, sized=True),
)
"""Between them stand the protections, each at its own place."""


class Stage(Enum):
    """A proposal is asked about in two halves, since the desk finds its quantity in between; an order by hand at once."""

    BEFORE_SIZE = "what does not depend on the quantity"
    WITH_SIZE = "what depends on it"
    WHOLE = "everything"


BEFORE_SIZE, WITH_SIZE, WHOLE = Stage.BEFORE_SIZE, Stage.WITH_SIZE, Stage.WHOLE


@lru_cache(maxsize=guards.MOST_KEPT)
def line(acting: Guards, stage: Stage) -> tuple[Gate, ...]:
    """The gates of a stage in their fixed order: by place, and at one place by name."""
    theirs = [Placed(each.place, each.refuse, each.sized) for each in acting.acting if each.can_refuse]
    placed = sorted([*STRUCTURE, *theirs], key=lambda each: each.place)
    return tuple(each.gate for each in placed if stage is WHOLE or each.sized is (stage is WITH_SIZE))


def check(state: DeskState, intent: Intent, context: Context, stage: Stage = WHOLE) -> Refusal | None:
    """The first gate that refuses, in a fixed order; None when all let it pass."""
    for gate in line(guards.of(state), stage):
        refusal = gate(state, intent, context)
        if refusal is not None:
            return refusal
    return None


def proposed_at(state: DeskState, proposed: Decimal, mark: Decimal) -> Refusal | None:
    """A proposal made on a price far from the desk's own was made on something else."""
    if not guards.of(state).price_band.is_beyond(proposed, mark):
        return None
    return Refusal("price_absurd", f"proposed at {exact.text(proposed)}, the desk sees {exact.text(mark)}")
