"""A person's word on an order that the venue cannot be asked about."""

from __future__ import annotations

from shared.desk import commands
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.state import DeskState, DeskStatus, survives_halt
from shared.errors import Conflict, Invalid, NotFound
from shared.model import OrderStatus

NEVER_PLACED = "resolved_never_placed"


def resolve(state: DeskState, command: commands.Resolve, context: Context) -> list[ev.Event]:
    """Placed: it is the venue's order `venue_order_id`, which is asked about next. Never placed: it is cancelled here.

    Should the word be wrong, the fills of the order are booked all the same, and the next look shows what differs.
    """
    order = context.prior
    if order is None:
        raise NotFound(f"no order {command.client_id}", code="order_not_found")
    if order.status is not OrderStatus.UNKNOWN:
        raise Conflict(
            f"the order is {order.status}, not unknown: what it is, the desk knows", code="order_not_unknown"
        )
    if not command.placed:
        return [ev.OrderCancelled(client_id=order.client_id, reason=NEVER_PLACED, by=command.by, note=command.reason)]
    venue_order_id = command.venue_order_id or order.venue_order_id
    if venue_order_id is None and not context.offers.client_ids:
        raise Invalid.field(
            "venue_order_id", None, "must be given: this venue is asked by it", "take it from the venue's own list"
        )
    found: list[ev.Event] = [
        ev.OrderAcknowledged(
            client_id=order.client_id, venue_order_id=venue_order_id, by=command.by, note=command.reason
        )
    ]
    if state.status is DeskStatus.HALTED and not survives_halt(order):
        # the halt could not take it away while nobody knew of it
        found.append(ev.OrderCancelRequested(client_id=order.client_id, by="desk", reason="halted"))
    return found
