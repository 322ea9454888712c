"""What the desk's pure core takes for a command, natively: no log, no store, no venue. A backtest drives it like this."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from bench.commands import BAR_MS, CLOSE_MS, candle, instrument, proposal
from bench.places import LIMITS, PAPER
from bench.report import Row, Verdict
from shared.desk import commands, levels
from shared.desk import events as ev
from shared.desk.bodies import OpenBody
from shared.desk.course import Course
from shared.desk.market import Market
from shared.desk.orders import client_id_of, project
from shared.desk.state import DeskState
from shared.desk.trading import client_id_for
from shared.model import Candle, Fill, Model, Money, Order, OrderStatus, Proposal
from shared.ports import Value
from shared.venues.venue import Offers, OrderReport
from tools.failure import ToolError

T = TypeVar("T")
M = TypeVar("M", bound=Model)
NAMES = [f"B{number:03d}" for number in range(100)]
QUIET_US, GUARDED_US = 15.0, 60.0
"""Goals: a bar on which nothing can happen, and one that leaves a position and its guards alone."""
ROUNDS = 5


class Sight:
    """Prices that are kept nowhere, and a venue where stops and groups may rest."""

    offers = Offers(resting_stops=True, oco=True)
    reconciled = True
    live_open: bool | None = True

    def __init__(self) -> None:
        self.market = Market(self)

    def rows(self, sql: str, *params: Value) -> list[tuple[Any, ...]]:
        """There are none."""
        return []

    def transaction(self, work: Callable[[], T]) -> T:
        """Nothing to take back."""
        return work()


class Desk(Course):
    """A desk on a hundred instruments that closed at 100, and all its orders."""

    def __init__(self) -> None:
        self.sight = Sight()
        super().__init__(None, self.sight, CLOSE_MS)
        self.orders: dict[str, Order] = {}
        self.decide(opening())
        self.bar([bar(name, 0) for name in NAMES])

    def order(self, client_id: str) -> Order | None:
        """Open or closed."""
        return self.orders.get(client_id)

    def add(self, event: ev.Event) -> None:
        """Into the state, and its order with it."""
        client_id = client_id_of(event)
        if client_id is not None:
            self.orders[client_id] = project(self.orders.get(client_id), event)
        super().add(event)

    @property
    def open(self) -> list[str]:
        """The ids of the open orders."""
        return list(self.known.orders)

    @property
    def known(self) -> DeskState:
        """The state of the open desk."""
        if self.state is None:
            raise ToolError("the desk was never opened")
        return self.state

    def bar(self, bars: Sequence[Candle]) -> None:
        """Prices, the levels that they may cross, and what follows; what they fill is told before."""
        self.sight.market.on_bars(bars, self._now_ms)
        for level in levels.levels(self.known):
            for each in bars:
                if each.instrument == level.instrument and levels.crossed(level, each.low):
                    raise ToolError("a bar of this measure crosses no level")
        self.decide(commands.Review())

    def propose(self, asked: Proposal) -> None:
        """Becomes an order."""
        client_id = client_id_for("bench", asked)
        self.decide(commands.Propose(asked), client_id)
        if client_id not in self.known.orders:
            raise ToolError(f"the proposal was refused: {self.known.refused}")

    def taken(self, client_id: str) -> None:
        """The order leaves, and the venue has it."""
        self.decide(commands.Sending(client_id), client_id)
        self.told(client_id, OrderStatus.ACKNOWLEDGED)

    def filled(self, client_id: str, by: Candle) -> None:
        """All of it at the bar's open; then the bar is over."""
        order = self.orders[client_id]
        fee = Money(amount=Decimal("0.1"), asset="USD")
        fill = Fill(
            fill_id=client_id,
            client_id=client_id,
            instrument=order.instrument,
            side=order.side,
            qty=order.qty,
            price=by.open,
            fee=fee,
            ts_ms=by.open_time_ms,
        )
        self.told(client_id, OrderStatus.FILLED, fill)
        self.bar([by])

    def told(self, client_id: str, status: OrderStatus, *fills: Fill) -> None:
        """The venue's word."""
        self.decide(commands.Reported(OrderReport(client_id, f"paper-{client_id[:16]}", status, fills)), client_id)

    def cancel(self, client_id: str) -> None:
        """A person's wish, and the venue's answer to it."""
        self.decide(commands.Cancel(client_id, "bench"), client_id)
        self.told(client_id, OrderStatus.CANCELLED)


def opening() -> commands.Open:
    """Wide limits, every default protection."""
    limits = {**LIMITS, "max_open_positions": 1000, "max_orders_per_minute": 10_000, "max_open_orders": 500}
    who = {"desk": "bench", "mode": "paper", "venue": "bench", "interval_ms": BAR_MS, "currency": "USD"}
    body = {
        **who,
        "cash": "100000000",
        "limits": {**limits, "max_total_notional": "100000000", "max_data_age_ms": 600_000},
        "paper": {**PAPER, "resting_stops": True},
        "instruments": [instrument(name) for name in NAMES],
    }
    asked = OpenBody.read(body)
    return commands.Open(**{name: getattr(asked, name) for name in OpenBody.model_fields})


def read(kind: type[M], body: dict[str, Any]) -> M:
    """One noun from its JSON."""
    return kind.parse(json.dumps(body))


def bar(name: str, number: int) -> Candle:
    """The bar so many after the first."""
    body = candle(name)
    return read(Candle, {**body, "open_time_ms": body["open_time_ms"] + number * BAR_MS})


def measure(quick: bool) -> list[Row]:
    """The best of some rounds of each; a command's time is what it takes with all that follows from it."""
    rounds = 2 if quick else ROUNDS
    took = [once(100 if quick else 1000) for _ in range(rounds)]
    best = {what: min(each[what] for each in took) for what in took[0]}
    goals = {"quiet bar": QUIET_US, "bar, a position with its guards": GUARDED_US}
    return [row(what, us, goals.get(what)) for what, us in best.items()]


def row(what: str, us: float, goal: float | None) -> Row:
    """Microseconds, and how many a second that is."""
    wanted, verdict = ("", Verdict.SAID) if goal is None else (f"<= {goal:g} us", Verdict.of(us <= goal))
    return Row(f"core: {what}", f"{us:,.1f} us", f"{1e6 / us:,.0f} /s", "", wanted, verdict)


def once(bars: int) -> dict[str, float]:
    """Microseconds for one of each."""
    desk, found = Desk(), {}
    first = [bar(NAMES[0], number) for number in range(1, bars + 2)]
    found["quiet bar"] = each(desk.bar, [[one] for one in first])
    desk = bought()
    found["bar, a position with its guards"] = each(desk.bar, [[one] for one in first[1:]])
    desk = Desk()
    found["proposal, a hundred in a row"] = each(desk.propose, [asked(name) for name in NAMES])
    found["sent and acknowledged"] = each(desk.taken, desk.open)
    found["cancel, and the venue's answer"] = each(desk.cancel, desk.open[50:])
    fills = [(name, bar(NAMES[number], 1)) for number, name in enumerate(desk.open)]
    found["fill, its bar, and the guards placed"] = each(lambda fill: desk.filled(*fill), fills)
    return found


def bought() -> Desk:
    """A desk that holds the first instrument, with a stop and a target for it at the venue."""
    desk = Desk()
    desk.propose(asked(NAMES[0]))
    desk.taken(desk.open[0])
    desk.filled(desk.open[0], bar(NAMES[0], 1))
    for name in desk.open:
        desk.taken(name)
    return desk


def asked(name: str) -> Proposal:
    """To buy, with a stop and a target."""
    return read(Proposal, {**proposal(name), "target_distance": "10.00"})


def each(work: Callable[[T], None], these: Sequence[T]) -> float:
    """Microseconds of the processor for one of them: what else the machine does does not count."""
    began = time.process_time()
    for this in these:
        work(this)
    return (time.process_time() - began) * 1e6 / len(these)
