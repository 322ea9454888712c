"""Orders: the open ones from the desk, the closed ones from the history, and the commands that a person has."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from fastapi import Depends, Query, Request
from pydantic import StringConstraints, model_validator
from starlette.responses import Response

from router.answers import answer, page, text_of
from router.auth import caller_of
from router.bodies import Empty, body_of
from router.idempotency import own
from router.paging import PageQuery, Position, cut, read_cursor, write_cursor
from router.resources.common import DeskPath, OrderPath, Reason, RequiredKey, TheCaller, ThePorts, told
from router.routes import Routes
from router.select import Select
from shared.apikey import Role
from shared.errors import Invalid
from shared.model import Model, Positive, Ticket
from shared.ports import Statement

ROUTES = Routes()
_AS_OF = "SELECT as_of_seq FROM desks WHERE desk = ?"


class OrdersQuery(PageQuery):
    """Which orders."""

    state: Literal["open", "closed", "all"] = "all"


class Change(Model):
    """What an open order shall become; `qty` is the new total, what is filled already included."""

    qty: Positive | None = None
    limit_price: Positive | None = None
    trigger_price: Positive | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.qty is None and self.limit_price is None and self.trigger_price is None:
            raise ValueError("give a qty, a limit_price or a trigger_price")
        return self


class Verdict(Model):
    """A person's word on an order that the venue cannot be asked about; `venue_order_id` is what the venue calls it."""

    placed: bool
    reason: Reason
    venue_order_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None

    @model_validator(mode="after")
    def _placed_somewhere(self) -> Self:
        if self.venue_order_id is not None and not self.placed:
            raise ValueError("venue_order_id belongs to an order that was placed, and only to it")
        return self


@ROUTES.get("/v1/desks/{desk}/orders")
async def list_orders(caller: TheCaller, desk: DeskPath, query: Annotated[OrdersQuery, Query()]) -> Response:
    """Open orders first, newest first, then the history, newest first, as the outbox has brought it: `as_of_seq`."""
    open_after, history_after = _position(query)
    live = await caller.ask_desk(desk, "orders", {})
    items: list[str] = []
    last: Position | None = None
    more_open = False
    if query.state != "closed" and history_after is None:
        waiting = [order for order in sorted(live["items"], key=_newness, reverse=True) if _is_after(order, open_after)]
        shown = waiting[: query.limit]
        items = [text_of(order) for order in shown]
        more_open = len(waiting) > query.limit
        last = _newness(shown[-1]) if shown else open_after
    if query.state == "open" or more_open:
        next_cursor = write_cursor("orders-open", last) if more_open and last else None
        return page(items, next_cursor, seq=live["seq"])
    room = query.limit - len(items)
    rows, as_of = await caller.read(_history(desk, live["items"], history_after, room), Statement(_AS_OF, (desk,)))
    found = cut(rows, room, "orders", lambda row: (row["intended_seq"],)) if room else None
    next_cursor = found.next_cursor if found else (write_cursor("orders-open", last) if rows and last else None)
    history = [row["body"] for row in found.rows] if found else []
    return page([*items, *history], next_cursor, seq=live["seq"], as_of_seq=as_of[0]["as_of_seq"] if as_of else 0)


def _history(desk: str, live: list[dict[str, Any]], after: Position | None, room: int) -> Statement:
    """What the outbox has brought, without the orders that are still open: those were shown as they are now."""
    select = Select("SELECT client_id, intended_seq, body FROM orders").where("desk = ?", desk)
    if live:
        ids = text_of([order["client_id"] for order in live])
        select.where("client_id NOT IN (SELECT value FROM json_each(?))", ids)
    return select.page(("intended_seq",), after, room, newest_first=True)


def _position(query: OrdersQuery) -> tuple[Position | None, Position | None]:
    """Where to go on: after an open order, or after one of the history."""
    if query.cursor is None:
        return None, None
    try:
        return read_cursor(query.cursor, "orders-open", (int, str)), None
    except Invalid:
        return None, read_cursor(query.cursor, "orders", (int,))


def _newness(order: dict[str, Any]) -> tuple[int, str]:
    return int(order["intended_ms"]), str(order["client_id"])


def _is_after(order: dict[str, Any], position: Position | None) -> bool:
    return position is None or _newness(order) < position


@ROUTES.get("/v1/desks/{desk}/orders/{client_id}")
async def get_order(caller: TheCaller, desk: DeskPath, client_id: OrderPath) -> Response:
    """One order, open or closed, as the desk has it now."""
    return answer(await caller.ask_desk(desk, "order", {"client_id": client_id}))


@ROUTES.post("/v1/desks/{desk}/orders", Role.TRADER, Ticket, status=201)
async def place_order(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    key: RequiredKey,
    order: Annotated[Ticket, Depends(body_of(Ticket))],
) -> Response:
    """Places an order by hand; the desk checks it like any other."""
    body = {"order": told(order), "by": caller_of(request).prefix, "idempotency_key": own(request, key)}
    return answer(await ports.desks.named(desk).call("place", body), 201)


@ROUTES.post("/v1/desks/{desk}/orders/{client_id}/cancel", Role.TRADER, Empty)
async def cancel_order(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    client_id: OrderPath,
    key: RequiredKey,
    _: Annotated[Empty, Depends(body_of(Empty))],
) -> Response:
    """Asks the venue to cancel what is not filled yet."""
    body = {"client_id": client_id, "by": caller_of(request).prefix, "idempotency_key": own(request, key)}
    return answer(await ports.desks.named(desk).call("cancel", body))


@ROUTES.patch("/v1/desks/{desk}/orders/{client_id}", Role.TRADER, Change)
async def replace_order(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    client_id: OrderPath,
    key: RequiredKey,
    change: Annotated[Change, Depends(body_of(Change))],
) -> Response:
    """Another quantity or price: the order is cancelled, and a new one takes its place for what is left."""
    who = {"client_id": client_id, "by": caller_of(request).prefix, "idempotency_key": own(request, key)}
    return answer(await ports.desks.named(desk).call("replace", {**who, **told(change)}))


@ROUTES.post("/v1/desks/{desk}/orders/{client_id}/resolve", Role.ADMIN, Verdict)
async def resolve_order(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    client_id: OrderPath,
    key: RequiredKey,
    verdict: Annotated[Verdict, Depends(body_of(Verdict))],
) -> Response:
    """Settles an order whose fate is unknown, where the venue itself cannot tell."""
    who = {"client_id": client_id, "by": caller_of(request).prefix, "idempotency_key": own(request, key)}
    return answer(await ports.desks.named(desk).call("resolve", {**who, **told(verdict)}))
