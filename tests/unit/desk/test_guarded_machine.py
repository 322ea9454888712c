"""The desk under everything at once, where stops rest at the venue: guards, trailing stops, terms and replacements as well."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, rule

import tests.unit.desk.test_machine as machine
from tests.unit.desk.bench import DAY, PAPER, T0, opening, run

symbols, steps = machine.symbols, machine.steps
CLOSED = ("filled", "cancelled", "rejected", "expired")


class GuardedMachine(machine.DeskMachine):
    @initialize()
    def opens(self) -> None:
        paper = {**PAPER, "resting_stops": True}
        run(self.desk.open(opening(*machine.SYMBOLS, limits=machine.TIGHT, paper=paper)))
        self._bars({})

    def _below(self, symbol: str, cents: int) -> str:
        return f"{max(100, self.price[symbol] - cents) / 100:.2f}"

    @rule(symbol=symbols, qty=st.integers(1, 60), trail=st.integers(1, 500), moves=st.lists(steps, max_size=3))
    def a_stop_trails(self, symbol: str, qty: int, trail: int, moves: list[int]) -> None:
        ticket = {"instrument": f"us:{symbol}", "side": "buy", "kind": "market", "qty": str(qty)}
        ticket["trail_distance"] = f"{trail / 100:.2f}"
        self._do("place", order=ticket, by="me", idempotency_key=self._key())
        for move in moves:
            self._bars({symbol: move}, "1000")

    @rule(
        symbol=symbols,
        qty=st.integers(1, 60),
        below=st.integers(1, 500),
        force=st.sampled_from(["gtc", "gtd", "ioc", "fok"]),
    )
    def terms_are_given(self, symbol: str, qty: int, below: int, force: str) -> None:
        ticket: dict[str, object] = {"instrument": f"us:{symbol}", "side": "buy", "kind": "limit", "qty": str(qty)}
        ticket |= {"limit_price": self._below(symbol, below), "time_in_force": force}
        if force == "gtd":
            ticket |= {"good_till_ms": T0 + (self.day + 1) * DAY, "post_only": True}
        self._do("place", order=ticket, by="me", idempotency_key=self._key())

    @rule(data=st.data(), qty=st.integers(1, 90), more=st.booleans())
    def an_order_is_replaced(self, data: st.DataObject, qty: int, more: bool) -> None:
        rows = self.sql.rows("SELECT client_id, status FROM orders ORDER BY rowid DESC LIMIT 30")
        known = [name for name, status in rows if status not in CLOSED]
        if known:
            old = data.draw(st.sampled_from(known))
            self._do("replace", client_id=old, qty=str(qty), by="me", idempotency_key=self._key())
        if more:
            self._bars({}, "300")

    @rule(symbol=symbols, below=st.integers(1, 800), above=st.integers(1, 800))
    def levels_are_moved(self, symbol: str, below: int, above: int) -> None:
        prices = {"stop_price": self._below(symbol, below), "target_price": self._below(symbol, -above)}
        self._do("set_levels", instrument=f"us:{symbol}", by="me", idempotency_key=self._key(), **prices)


TestGuardedDesk = GuardedMachine.TestCase
TestGuardedDesk.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
