"""A desk under everything at once: commands, a bad line, D1 away, evictions, and crashes at every boundary.

Hypothesis drives it; after every step the ledger, the log, the limits and the venue's own view of what it was sent are checked.
A crash kills the process at the n-th write, commit or venue call from now: nothing after it is written, and a new shell wakes
on the same storage.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.clock import FixedClock
from shared.desk import events as ev
from shared.desk import ledger, log
from shared.desk.apply import apply
from shared.desk.shell import Desk
from shared.desk.state import DeskState, DeskStatus
from shared.errors import DeskError
from shared.model import Order, Side
from tests.unit.desk.bench import DAY, LIMITS, NOW, T0, candle, opening, proposal, quote, run
from tests.unit.desk.faulty import Crash, Doom, FaultyVenue
from tests.unit.desk.native_sql import NativeAlarm, NativeD1, NativeSql

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
TIGHT = {
    **LIMITS,
    "max_open_positions": 2,
    "max_orders_per_minute": 4,
    "max_total_notional": "30000",
    "max_symbol_notional": "20000",
    "max_order_notional": "15000",
}
symbols = st.sampled_from(SYMBOLS)
steps = st.integers(-300, 300)


class DeskMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock, self.alarm, self.d1 = FixedClock(NOW), NativeAlarm(), NativeD1()
        self.doom = Doom()
        self.sql = NativeSql(before=self.doom.at)
        self.sent: dict[str, set[tuple[Any, ...]]] = {}
        self.day, self.keys, self.crashes = 0, 0, 0
        self.price = dict.fromkeys(SYMBOLS, 10_000)
        self.checked_seq = 0
        self.prefix: DeskState | None = None
        self._wake()

    def _wake(self) -> None:
        self.venue = FaultyVenue(self.sql, self.doom, self._watch)
        self.venue.sent = self.sent
        self.desk = Desk(self.sql, self.alarm, self.d1, self.clock, self.venue, token=lambda: f"token-{self.keys}")

    def _watch(self, order: Order) -> None:
        state = self.desk.engine.session.state
        assert state is not None
        assert state.status is DeskStatus.ACTIVE or order.reduce_only, "a halted desk sent an entry"
        assert self.sql.rows("SELECT 1 FROM orders WHERE client_id = ?", order.client_id), "sent before it was stored"
        accepted = self.sql.rows("SELECT 1 FROM paper_orders WHERE client_id = ?", order.client_id)
        assert not accepted, "sent again without asking"

    def _do(self, method: str, **body: Any) -> dict[str, Any]:
        return self._run(lambda: run(getattr(self.desk, method)(body)))

    def _run(self, work: Callable[[], Any]) -> dict[str, Any]:
        try:
            return work() or {}
        except DeskError as error:
            return {"refused": error.error_code}
        except Crash:
            self._rise()
            return {"crashed": True}

    def _rise(self) -> None:
        self.crashes += 1
        self.doom = Doom()
        self.sql = NativeSql(before=self.doom.at, same_as=self.sql)
        self._wake()

    def _key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    @initialize()
    def opens(self) -> None:
        run(self.desk.open(opening(*SYMBOLS, limits=TIGHT)))
        self._bars({})

    def _bars(self, moves: dict[str, int], volume: str = "1000000") -> None:
        self._do("bars", candles=self._next_bars(moves, volume))

    def _next_bars(self, moves: dict[str, int], volume: str) -> list[dict[str, Any]]:
        candles = []
        for symbol in SYMBOLS:
            before = self.price[symbol]
            after = min(max(before + moves.get(symbol, 0), 500), 100_000)
            self.price[symbol] = after
            low, high = min(before, after) - 20, max(before, after) + 20
            opened, top, bottom, closed = (f"{cents / 100:.2f}" for cents in (before, high, low, after))
            candles.append(candle(symbol, self.day, opened, top, bottom, closed, volume))
        self.day += 1
        return candles

    @rule(moves=st.dictionaries(symbols, steps), volume=st.sampled_from(["1000000", "300", "0"]))
    def a_bar_closes(self, moves: dict[str, int], volume: str) -> None:
        self._bars(moves, volume)

    @rule(moves=st.lists(st.dictionaries(symbols, steps), min_size=2, max_size=4))
    def many_bars_come_at_once(self, moves: list[dict[str, int]]) -> None:
        self._do("bars", candles=[bar for each in moves for bar in self._next_bars(each, "1000")])

    @rule(symbol=symbols, qty=st.integers(1, 60), above=st.integers(1, 900), move=steps)
    def a_sell_rests_and_a_bar_closes(self, symbol: str, qty: int, above: int, move: int) -> None:
        price = f"{(self.price[symbol] + above) / 100:.2f}"
        ticket = {"instrument": f"us:{symbol}", "side": "sell", "kind": "limit", "qty": str(qty), "limit_price": price}
        self._do("place", order=ticket, by="me", idempotency_key=self._key())
        self._bars({symbol: move}, "1000")

    @rule(symbol=symbols, qty=st.integers(10, 140), stop=st.integers(1, 400), moves=st.lists(steps, max_size=4))
    def a_position_is_opened_and_held(self, symbol: str, qty: int, stop: int, moves: list[int]) -> None:
        level = f"{(self.price[symbol] - stop) / 100:.2f}"
        order = {"instrument": f"us:{symbol}", "side": "buy", "kind": "market", "qty": str(qty), "stop_price": level}
        self._step(lambda: self._do("place", order=order, by="me", idempotency_key=self._key()))
        for move in moves:
            self._bars({symbol: move}, "1000")

    @rule(symbol=symbols, stop=st.integers(1, 400), goal=st.integers(1, 400), moves=st.lists(steps, max_size=4))
    def a_signal_is_followed(self, symbol: str, stop: int, goal: int, moves: list[int]) -> None:
        distances = {"stop_distance": f"{stop / 100:.2f}", "target_distance": f"{goal / 100:.2f}"}
        made = proposal(symbol, self.day - 1, self._shown(symbol), attempt=5, **distances)
        self._step(lambda: self._do("propose", proposals=[made]))
        for move in moves:
            self._bars({symbol: move}, "10000")

    def _shown(self, symbol: str) -> str:
        return f"{self.price[symbol] / 100:.2f}"

    @rule(symbol=symbols, attempt=st.integers(1, 3), stop=st.integers(1, 900), times=st.integers(1, 2))
    def the_brain_proposes_an_entry(self, symbol: str, attempt: int, stop: int, times: int) -> None:
        made = proposal(symbol, self.day - 1, self._shown(symbol), attempt=attempt, stop_distance=f"{stop / 100:.2f}")
        self._step(lambda: self._do("propose", proposals=[made] * times))

    @rule(some=st.lists(symbols, max_size=4))
    def the_brain_proposes_many(self, some: list[str]) -> None:
        made = [proposal(symbol, self.day - 1, self._shown(symbol), attempt=9) for symbol in some]
        self._step(lambda: self._do("propose", proposals=made))

    @rule(symbol=symbols, attempt=st.integers(1, 3))
    def the_brain_proposes_an_exit(self, symbol: str, attempt: int) -> None:
        made = proposal(symbol, self.day - 1, self._shown(symbol), action="exit", side="sell", attempt=attempt)
        self._do("propose", proposals=[made])

    @rule(
        symbol=symbols,
        side=st.sampled_from(["buy", "sell"]),
        qty=st.integers(1, 200),
        limit=st.none() | steps,
        reduce_only=st.booleans(),
        again=st.booleans(),
    )
    def a_person_orders(
        self, symbol: str, side: str, qty: int, limit: int | None, reduce_only: bool, again: bool
    ) -> None:
        ticket = {
            "instrument": f"us:{symbol}",
            "side": side,
            "kind": "market",
            "qty": str(qty),
            "reduce_only": reduce_only,
        }
        if limit is not None:
            ticket |= {"kind": "limit", "limit_price": f"{(self.price[symbol] + limit) / 100:.2f}"}
        body = {"order": ticket, "by": "me", "idempotency_key": self._key()}
        self._step(lambda: self._do("place", **body))
        if again:
            self._do("place", **body)

    def _step(self, work: Callable[[], Any]) -> None:
        """Runs a step in which no price moves, and checks the limits on what it newly intended."""
        before, marks_before = self.desk.engine.session.head.seq, dict(self.desk.engine.market.marks)
        work()
        engine = self.desk.engine
        state = self._run(lambda: engine.wake()) and engine.session.state
        if state is None or not isinstance(state, DeskState):
            return
        rows = self.sql.rows("SELECT body FROM events WHERE seq > ? AND kind = 'order_intended'", before)
        if self.sql.rows("SELECT 1 FROM events WHERE seq > ? AND kind = 'order_filled'", before):
            # a fill learnt late moved the exposure to another price after the gates had decided
            return
        # a crash after the decision takes the marks back from a quote to the bar before it
        marks = engine.market.marks
        seen = [marks, marks_before] if marks_before.keys() == marks.keys() else [marks]
        entries = [order for (body,) in rows if (order := ev.OrderIntended.parse(body).order).side is Side.BUY]
        for order in entries:
            assert order.qty * order.reference_price <= state.limits.max_order_notional or order.limit_price
            exposure = min(ledger.symbol_exposure(state, each, order.instrument) for each in seen)
            assert exposure <= state.limits.max_symbol_notional
        if entries:
            assert min(ledger.total_exposure(state, each) for each in seen) <= state.limits.max_total_notional
            names = {p.instrument for p in state.held()} | {
                order.instrument for order in state.orders.values() if order.side is Side.BUY
            }
            assert len(names) <= state.limits.max_open_positions
            assert ledger.equity(state, engine.market.marks) is not None

    @rule(data=st.data())
    def somebody_cancels(self, data: st.DataObject) -> None:
        known = [name for (name,) in self.sql.rows("SELECT client_id FROM orders ORDER BY rowid DESC LIMIT 5")]
        if known:
            self._do("cancel", client_id=data.draw(st.sampled_from(known)), by="me", idempotency_key=self._key())

    @rule(really=st.integers(0, 3))
    def somebody_halts(self, really: int) -> None:
        if really:
            return
        self._do("halt", by="me", reason="because", idempotency_key=self._key())

    @rule()
    def somebody_resumes(self) -> None:
        asked = self._do("resume_request", by="me", reason="fine")
        self._do("resume_confirm", by="me", confirm=asked.get("confirm", "x"))

    @rule(symbol=symbols, move=steps)
    def a_quote_comes(self, symbol: str, move: int) -> None:
        cents = max(500, self.price[symbol] + 4 * move)
        ts_ms = T0 + self.day * DAY + 1
        seen = quote(symbol, f"{cents / 100:.2f}", f"{(cents + 1) / 100:.2f}", ts_ms, self.clock.now_ms())
        self._do("heartbeat", quotes=[seen])

    @rule(script=st.lists(st.sampled_from(["before", "after", "no", "ok"]), min_size=1, max_size=4))
    def the_line_goes_bad(self, script: list[str]) -> None:
        self.venue.script.extend(script)

    @rule()
    def d1_goes_or_comes(self) -> None:
        self.d1.down = not self.d1.down

    @rule(wait_ms=st.sampled_from([1, 600, 1_000, 61_000, 400_000]))
    def time_passes(self, wait_ms: int) -> None:
        self.clock.advance(wait_ms)
        if self.alarm.at_ms is not None and self.alarm.at_ms <= self.clock.now_ms():
            self.alarm.at_ms = None
            self._run(lambda: run(self.desk.engine.fire()))

    @rule()
    def the_minute_ticks(self) -> None:
        self._do("tick")

    @rule()
    def the_object_is_evicted(self) -> None:
        self._run(self._wake)

    @precondition(lambda self: self.doom.left is None)
    @rule(symbol=symbols, key=st.integers(1, 14), bar=st.integers(1, 14))
    def a_crash_hits_an_order_and_its_bar(self, symbol: str, key: int, bar: int) -> None:
        order = {"instrument": f"us:{symbol}", "side": "buy", "kind": "market", "qty": "7"}
        body = {"order": order, "by": "me", "idempotency_key": self._key()}
        self.doom.left = key
        self._do("place", **body)
        self.doom.left = None
        self._do("place", **body)
        self.doom.left = bar
        self._bars({})
        self.doom.left = None

    @precondition(lambda self: self.doom.left is None)
    @rule(after=st.integers(1, 12))
    def a_crash_is_near(self, after: int) -> None:
        self.doom.left = after

    @invariant()
    def all_is_well(self) -> None:
        self.the_log_is_a_desk_at_every_prefix()
        self.money_is_conserved()
        self.no_id_was_sent_with_two_bodies()

    def the_log_is_a_desk_at_every_prefix(self) -> None:
        """Goes on from where the last check stood: every prefix since is looked at, each once."""
        rows = self.sql.rows(
            "SELECT seq, v, at_ms, kind, body, prev_hash, hash FROM events WHERE seq > ? ORDER BY seq", self.checked_seq
        )
        for row in rows:
            record = log.Record(*row)
            self.prefix = apply(self.prefix, ev.read(record.kind, record.v, record.body), record.at_ms)
            check_desk(self.prefix)
            self.checked_seq = record.seq
        state = self.desk.engine.session.state
        if state is not None and self.prefix is not None and self.desk.engine._awake:
            assert state == self.prefix
            assert DeskState.parse(state.json_text()) == state

    def money_is_conserved(self) -> None:
        if self.prefix is None:
            return
        cash, fees = Decimal(100_000), Decimal(0)
        fills = [
            ev.OrderFilled.parse(body)
            for (body,) in self.sql.rows("SELECT body FROM events WHERE kind = 'order_filled' ORDER BY seq")
        ]
        for each in fills:
            cash -= each.fill.side.sign * each.fill.qty * each.fill.price + each.fill.fee.amount
            fees += each.fill.fee.amount
        state = self.prefix
        assert state.cash["USD"] == cash
        cost = sum((position.cost for position in state.positions.values()), Decimal(0))
        realised = sum((position.realised for position in state.positions.values()), Decimal(0))
        assert cash + cost == 100_000 + realised - fees
        booked = [each.fill.fill_id for each in fills]
        assert len(set(booked)) == len(booked)
        at_venue = {name for (name,) in self.sql.rows("SELECT fill_id FROM paper_fills")}
        assert set(booked) <= at_venue

    def no_id_was_sent_with_two_bodies(self) -> None:
        assert all(len(bodies) == 1 for bodies in self.sent.values())

    def teardown(self) -> None:
        """Everything heals; then the desk, the venue and D1 must tell the same story."""
        if self.prefix is None:
            return
        self.doom.left, self.d1.down = None, False
        if self.doom.dead:
            self._rise()
        self.venue.script.clear()
        for _ in range(6):
            self.clock.advance(61_000)
            self._do("tick")
            run(self.desk.engine.fire())
        self.the_log_is_a_desk_at_every_prefix()
        self.money_is_conserved()
        state = self.desk.engine.ready()
        assert not self.desk.engine.effects.waiting()
        at_venue = {name for (name,) in self.sql.rows("SELECT client_id FROM paper_orders WHERE is_open = 1")}
        assert at_venue == set(state.orders)
        booked = {name for (name,) in self.sql.rows("SELECT fill_id FROM fills")}
        assert booked == {name for (name,) in self.sql.rows("SELECT fill_id FROM paper_fills")}, "a fill was lost"
        assert run(self.desk.tick({}))["outbox_lag"] == 0
        mine = self.sql.rows("SELECT seq, hash FROM events ORDER BY seq")
        assert [(row["seq"], row["hash"]) for row in run(self.d1.rows("SELECT * FROM journal ORDER BY seq"))] == mine
        orders = dict(self.sql.rows("SELECT client_id, body FROM orders"))
        assert {row["client_id"]: row["body"] for row in run(self.d1.rows("SELECT * FROM orders"))} == orders
        for name, body in orders.items():
            assert Order.parse(body) == state.orders.get(name, Order.parse(body))
        fills = {row["fill_id"] for row in run(self.d1.rows("SELECT * FROM fills"))}
        assert fills == booked
        assert run(self.desk.read.verify({}))["checked"] == len(mine)


def check_desk(state: DeskState) -> None:
    """What holds of a desk after any event."""
    for name, order in state.orders.items():
        assert order.client_id == name
        assert order.status.is_open
        assert 0 <= order.filled_qty <= order.qty
    for position in state.positions.values():
        assert position.qty >= 0, "sold more than was held"
        assert bool(position.qty) or not position.cost
        assert state.free_qty(position.instrument) <= position.qty
    recent = state.recent_order_ms
    assert len([at_ms for at_ms in recent if at_ms > recent[-1] - 60_000] if recent else []) <= 40
    assert (state.status is DeskStatus.HALTED) == bool(state.halt_reason)


TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
