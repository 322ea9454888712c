"""The core alone, with prices and a clock that a test moves by hand: no store, no venue, no shell."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from shared.desk import commands, upkeep
from shared.desk import events as ev
from shared.desk.apply import apply
from shared.desk.context import Context, Mark
from shared.desk.decide import decide
from shared.desk.orders import client_id_of, project
from shared.desk.state import DeskState
from shared.model import Fill, Money, Order, OrderKind, OrderStatus, Side, exact, ids
from shared.venues.venue import Offers, OrderReport
from tests.unit.desk.bench import DAY, LIMITS, NOW, T0, opening

START = T0 + 10 * DAY
"""A midnight of market time: here every desk begins."""
MINUTE = 60_000
HOUR = 3_600_000


class Core:
    """A desk of 100000 USD that trades AAA to DDD at 100 for no fee. `events` are all that it ever led to."""

    def __init__(self, protections: dict[str, Any] | None = None, **limits: Any) -> None:
        self.now_ms = NOW
        self.market_ms = START
        self.marks: dict[str, Mark] = {}
        self.state: DeskState | None = None
        self.offers = Offers()
        self.events: list[ev.Event] = []
        self._closed: dict[str, Order] = {}
        self._numbers = itertools.count(1)
        body = opening(
            protections=protections or {},
            limits={**LIMITS, "max_data_age_ms": 10 * DAY, **limits},
            paper={"fee_bps": "0", "slippage_bps": "0", "volume_share_bps": 1000},
        )
        self.open(body)
        for symbol in ("AAA", "BBB", "CCC", "DDD"):
            self.mark(symbol, "100")

    def open(self, body: dict[str, Any]) -> list[ev.Event]:
        from shared.desk.bodies import OpenBody

        asked = OpenBody.read(body)
        return self.run(commands.Open(**{name: getattr(asked, name) for name in type(asked).model_fields}))

    @property
    def known(self) -> DeskState:
        assert self.state is not None
        return self.state

    @property
    def context(self) -> Context:
        return Context(now_ms=self.now_ms, marks=dict(self.marks), market_ms=self.market_ms)

    def run(
        self, command: commands.Command, client_id: str = "", known: frozenset[str] = frozenset()
    ) -> list[ev.Event]:
        """Like a draft of the session: what came before, the rule, and what follows."""
        begun = len(self.events)
        prior = (self.state.orders.get(client_id) if self.state else None) or self._closed.get(client_id)
        context = Context(
            now_ms=self.now_ms,
            marks=dict(self.marks),
            market_ms=self.market_ms,
            prior=prior,
            known_fills=known,
            offers=self.offers,
        )
        self._take(upkeep.before(self.state, command, context))
        self._take(decide(self.state, command, context))
        for _ in range(50):
            found = upkeep.after(self.known, context)
            self._take(found)
            if not found:
                break
        else:
            raise AssertionError("what follows does not settle")
        return self.events[begun:]

    def _take(self, found: list[ev.Event]) -> None:
        for event in found:
            client_id = client_id_of(event)
            if client_id is not None:
                before = (self.state.orders.get(client_id) if self.state else None) or self._closed.get(client_id)
                self._closed[client_id] = project(before, event)
            self.state = apply(self.state, event, self.now_ms)
            self.events.append(event)

    def review(self) -> list[str]:
        """The kinds of what a review leads to."""
        return [event.kind for event in self.run(commands.Review())]

    def mark(self, symbol: str, price: str, **changes: Any) -> None:
        """A bar that closed at the market's time; `bid`, `ask` and `before` if they are given."""
        for name in ("bid", "ask", "before"):
            if changes.get(name) is not None:
                changes[name] = Decimal(changes[name])
        fields = {"market_ms": self.market_ms, "received_ms": self.now_ms, "bar_close_ms": self.market_ms}
        self.marks[f"us:{symbol}"] = Mark(price=Decimal(price), **{**fields, **changes})

    def later(self, ms: int) -> None:
        """Both clocks go on."""
        self.now_ms += ms
        self.market_ms += ms

    def place(self, symbol: str, side: str = "buy", qty: str = "1", **terms: Any) -> str:
        """The code of the refusal, or the order's id."""
        client_id = ids.manual_order_id("alpha", str(next(self._numbers)))
        terms = {"kind": "market", **terms}
        for name in ("limit_price", "stop_price", "target_price", "trigger_price"):
            if name in terms:
                terms[name] = Decimal(terms[name])
        command = commands.Place(
            client_id=client_id,
            by="me",
            instrument=f"us:{symbol}",
            side=Side(side),
            qty=Decimal(qty),
            **{**terms, "kind": OrderKind(terms["kind"])},
        )
        for event in self.run(command, client_id):
            if isinstance(event, ev.OrderRefused):
                return event.code
        return client_id

    def order(self, client_id: str) -> Order:
        return self._closed[client_id]

    def fill(self, client_id: str, price: str, qty: str | None = None) -> list[ev.Event]:
        order = self.order(client_id)
        fill = Fill(
            fill_id=f"f{next(self._numbers)}",
            client_id=client_id,
            instrument=order.instrument,
            side=order.side,
            qty=Decimal(qty) if qty else order.remaining_qty,
            price=Decimal(price),
            fee=Money(amount=exact.ZERO, asset="USD"),
            ts_ms=self.market_ms,
        )
        status = OrderStatus.FILLED if fill.qty == order.remaining_qty else OrderStatus.PARTLY_FILLED
        return self.run(commands.Reported(OrderReport(client_id, "v1", status, (fill,))), client_id)

    def hold(self, symbol: str, qty: str = "10", price: str = "100", **terms: Any) -> None:
        """Buys at the price, filled at once."""
        self.fill(self.place(symbol, "buy", qty, **terms), price)

    def leave(self, symbol: str, price: str) -> list[ev.Event]:
        """Sells all of it that is free, at the price."""
        qty = exact.text(self.known.free_qty(f"us:{symbol}"))
        return self.fill(self.place(symbol, "sell", qty, reduce_only=True), price)

    def stopped(self, symbol: str, price: str) -> list[ev.Event]:
        """The position's stop is crossed at the price, and its exit filled there."""
        from shared.desk.levels import levels

        level = next(each for each in levels(self.known) if each.instrument == f"us:{symbol}")
        found = self.run(commands.Trigger(level, Decimal(price), self.market_ms, self.now_ms))
        client_id = next(event.order.client_id for event in found if isinstance(event, ev.OrderIntended))
        return found + self.fill(client_id, price)

    def trip(self, symbol: str, gain: str, qty: str = "10") -> None:
        """A round trip, at 100 and at 100 plus the gain, within a minute of market time."""
        self.hold(symbol, qty)
        self.later(MINUTE)
        self.leave(symbol, exact.text(Decimal(100) + Decimal(gain)))

    @property
    def status(self) -> str:
        return self.known.status.value

    @property
    def reductions(self) -> set[str]:
        return set(self.known.reductions)
