"""A venue far away, with an account of its own: it fills when a test says so, and holds what others did there as well."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from shared.desk.state import DeskState
from shared.errors import NotFound, Refused, VenueUnavailable
from shared.model import Fill, Money, Order, OrderStatus, Side, exact, ids
from shared.venues.venue import AccountView, Credentials, Offers, OrderReport
from tests.unit.desk.bench import NOW, Bench, candle, run

D = Decimal
FAR: dict[str, Any] = {"mode": "demo", "trading": {"kind": "sandbox"}}


class Remote:
    """`trouble` is what happens to the next looks and calls: an exception, or None. `during` is run within the next look."""

    def __init__(self) -> None:
        self.offers = Offers()
        self.orders: dict[str, OrderReport] = {}
        self.bodies: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.positions: dict[str, Decimal] = {}
        self.balances: dict[str, Decimal] = {"USD": D(100_000)}
        self.trouble: deque[Exception | None] = deque()
        self.during: Callable[[], None] | None = None
        self.hidden: set[str] = set()
        self.rights = Credentials(valid=True, may_trade=True, may_withdraw=False)
        self.since: list[int] = []
        self.calls: list[str] = []

    def _enter(self, what: str) -> None:
        self.calls.append(what)
        trouble = self.trouble.popleft() if self.trouble else None
        if trouble is not None:
            raise trouble

    async def place(self, order: Order) -> OrderReport:
        self._enter("place")
        name = order.client_id
        if name not in self.orders:
            self.bodies[name] = order
            self.orders[name] = OrderReport(name, f"far-{len(self.orders)}", OrderStatus.ACKNOWLEDGED)
        return self.orders[name]

    async def cancel(self, client_id: str, venue_order_id: str | None) -> OrderReport:
        self._enter("cancel")
        held = self.orders.get(client_id)
        if held is None:
            raise NotFound("no such order")
        if held.status.is_open:
            held = self.orders[client_id] = held._replace(status=OrderStatus.CANCELLED)
        return held

    async def order(self, client_id: str, venue_order_id: str | None) -> OrderReport | None:
        self._enter("order")
        by_its_own = (each for each in self.orders.values() if each.venue_order_id == venue_order_id)
        found = self.orders.get(client_id) if self.offers.client_ids else next(by_its_own, None)
        return None if found is None else found._replace(client_id=client_id)

    async def account(self, since_ms: int) -> AccountView:
        self._enter("account")
        self.since.append(since_ms)
        await asyncio.sleep(0)
        opened = tuple(
            each for each in self.orders.values() if each.status.is_open and each.client_id not in self.hidden
        )
        fills = tuple(fill for fill in self.fills if fill.ts_ms >= since_ms)
        view = AccountView(opened, fills, dict(self.positions), dict(self.balances))
        if self.during is not None:
            act, self.during = self.during, None
            act()
        return view

    async def credentials(self) -> Credentials:
        self._enter("credentials")
        return self.rights

    async def keep_alive(self, within_s: int) -> None:
        """It has no such switch."""

    # --- what happens there ---

    def trade(
        self, name: str, symbol: str, side: str, qty: str, price: str, fee: str = "1", ts_ms: int = NOW + 1000
    ) -> Fill:
        """Money and instruments change hands, for whichever order."""
        fill = Fill(
            fill_id=f"fill-{len(self.fills)}",
            client_id=name,
            instrument=f"us:{symbol}",
            side=Side(side),
            qty=D(qty),
            price=D(price),
            fee=Money(amount=D(fee), asset="USD"),
            ts_ms=ts_ms,
        )
        sign = fill.side.sign
        self.fills.append(fill)
        self.positions[fill.instrument] = self.positions.get(fill.instrument, exact.ZERO) + sign * fill.qty
        self.balances["USD"] -= sign * fill.qty * fill.price + fill.fee.amount
        return fill

    def fill(self, name: str, price: str, qty: str = "") -> None:
        """An order of the desk's is filled, in part where `qty` says so."""
        order, held = self.bodies[name], self.orders[name]
        fill = self.trade(name, order.instrument.removeprefix("us:"), order.side.value, qty or str(order.qty), price)
        fills = (*held.fills, fill)
        whole = sum((each.qty for each in fills), exact.ZERO) == order.qty
        status = OrderStatus.FILLED if whole else OrderStatus.PARTLY_FILLED
        self.orders[name] = held._replace(status=status, fills=fills)

    def stranger(self) -> str:
        """An open order that the desk did not place."""
        name = ids.digest("stranger", len(self.orders))
        self.orders[name] = OrderReport(name, f"far-{len(self.orders)}", OrderStatus.ACKNOWLEDGED)
        return name


def far(remote: Remote | None = None, ceiling: str = "live", **changes: Any) -> Bench:
    """A desk that trades at a remote venue, with a price of AAA and BBB; its ledger and the venue agree."""
    remote = remote or Remote()
    bench = Bench(shell={"elsewhere": lambda _: remote, "ceiling": ceiling}, **(FAR | changes))
    bench.remote = remote
    bench.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB")])
    return bench


def down(times: int = 1) -> list[Exception]:
    return [VenueUnavailable("no answer")] * times


def no() -> Refused:
    return Refused("the key is not known", code="bad_key")


def look(bench: Bench) -> bool:
    clean: bool = run(bench.desk.engine.looking.look())
    return clean


def held(bench: Bench, qty: str = "10") -> str:
    """Buys AAA at 100; the order's id."""
    name = str(bench.place("AAA", "buy", qty)["client_id"])
    bench.remote.fill(name, "100")
    assert look(bench)
    return name


def bodies(bench: Bench, kind: str) -> list[dict[str, Any]]:
    """Of every event of the kind, as it stands in the log."""
    return [json.loads(body) for (body,) in bench.sql.rows("SELECT body FROM events WHERE kind = ? ORDER BY seq", kind)]


def conserved(state: DeskState) -> None:
    """Cash and cost are what came in, what was won, what was paid and what a person booked; to the last decimal."""
    cost = sum((each.cost for each in state.positions.values()), exact.ZERO)
    realised = sum((each.realised for each in state.positions.values()), exact.ZERO)
    adjusted = state.adjusted.get("USD", exact.ZERO)
    assert state.cash["USD"] + cost == state.initial_cash + realised - state.fees.get("USD", exact.ZERO) + adjusted
