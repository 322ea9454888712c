"""What the desk answers when it is asked: every field of it, on a desk on which something has happened."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.desk import views
from shared.desk.state import Equity
from shared.errors import NotFound
from tests.unit.desk.bench import DAY, LIMITS, NOW, T0, Bench, candle, quote
from tests.unit.desk.protections.core import Core
from tests.unit.desk.remote import far, held, look
from tests.unit.desk.test_state import AAA

D = Decimal


def traded() -> Bench:
    """10 AAA bought at 100.05 and marked at 103; an order for BBB rests."""
    bench = Bench(protections={"max_drawdown": {"limit_bps": 900}})
    bench.held("AAA", 0, stop_price="90")
    bench.bars(candle("BBB", 1, "50"))
    bench.bars(candle("AAA", 2, "103"))
    bench.place("BBB", "buy", "3", kind="limit", limit_price="40")
    bench.clock.advance(700)
    return bench


def test_the_view_tells_everything() -> None:
    bench = traded()
    limits = bench.state.limits.wire()
    assert limits["max_total_notional"] == LIMITS["max_total_notional"]
    found = bench.call("view")
    finds = {each["name"]: each for each in found.pop("protections")}
    assert finds["max_drawdown"]["configured"] is True
    assert finds["max_drawdown"]["settings"]["limit_bps"] == 900
    assert finds["dead_man"]["configured"] is False
    assert found == {
        "desk": "alpha",
        "venue": "us",
        "mode": "paper",
        "status": "active",
        "halt_reason": "",
        "halt_code": "",
        "hold_until_ms": 0,
        "reductions": {},
        "since_ms": NOW,
        "currency": "USD",
        "cash": "98998.4995",
        "equity": "100028.4995",
        "unrealised": "29.5",
        "realised": "0",
        "fees": "1.0005",
        "open_positions": 1,
        "open_orders": 1,
        "exposure": "1030",
        "equity_peak": found["equity_peak"],
        "drawdown_bps": 0,
        "day_loss_bps": 0,
        "limits": limits,
        "unresolved": 0,
        "seq": bench.state.seq,
        "as_of_ms": NOW + 700,
        "market_ms": T0 + 3 * DAY,
        "marks_age_ms": 700,
        "outbox_seq": 0,
    }


def test_an_order_and_a_position_are_told_in_full() -> None:
    bench = traded()
    (order,) = bench.call("orders")["items"]
    assert order == bench.order(order["client_id"])
    assert bench.call("orders")["seq"] == bench.call("positions")["seq"] == bench.state.seq
    (position,) = bench.call("positions")["items"]
    assert position == {
        **bench.state.position(AAA).wire(),
        "average_price": "100.05",
        "mark": "103",
        "unrealised": "29.5",
    }
    with pytest.raises(NotFound) as caught:
        bench.order("0" * 32)
    assert caught.value.error_code == "order_not_found"


def test_a_price_of_a_clock_that_runs_ahead_is_not_younger_than_now() -> None:
    bench = Bench()
    assert bench.call("view")["marks_age_ms"] is None
    bench.bars(candle("AAA", 0, "100"))
    bench.clock.advance(50)
    bench.bars(candle("BBB", 0, "100"))
    bench.clock.advance(30)
    assert bench.call("view")["marks_age_ms"] == 30
    bench.clock.advance(-60)
    assert bench.call("view")["marks_age_ms"] == 0


def test_a_status_that_is_not_active_tells_why() -> None:
    core_codes = {"halt_code": "asked", "halt_reason": "out", "status": "halted"}
    bench = traded()
    bench.call("halt", by="me", reason="out")
    view = bench.call("view")
    assert {name: view[name] for name in core_codes} == core_codes
    assert view["since_ms"] == NOW + 700
    away = far()
    held(away)
    away.remote.positions[AAA] += 1
    look(away)
    view = away.call("view")
    assert (view["status"], view["unresolved"]) == ("reducing", 1)
    (reduction,) = view["reductions"].values()
    assert reduction["reason"].startswith("ledger and venue differ")


def test_the_reconciliation_tells_when_it_looked_and_what_differs() -> None:
    bench = far()
    held(bench)
    assert bench.call("reconciliation") == {
        "looked_ms": NOW,
        "clean": True,
        "failing": None,
        "differences": [],
        "venue_silent_ms": 0,
    }
    bench.remote.positions[AAA] += 1
    bench.clock.advance(9)
    look(bench)
    found = bench.call("reconciliation")
    (name,) = bench.state.differences
    assert found["differences"] == [{"id": name, **bench.state.differences[name].wire()}]
    assert (found["looked_ms"], found["clean"]) == (NOW + 9, False)


def test_the_gate_of_a_paper_desk_is_told_too() -> None:
    found = Bench().call("live_gate")
    assert found["mode"] == "paper"
    assert [set(item) for item in found["items"]] == [{"code", "ok", "detail", "remedy"}] * 7


def test_verifying_tells_how_far_it_went() -> None:
    bench = traded()
    head = bench.desk.engine.session.head
    assert bench.call("verify") == {"seq": head.seq, "hash": head.hash, "checked": head.seq}


# --- sums ---


def test_money_in_another_asset_is_converted_or_not_known() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.mark("AAA", "90")
    state = core.known.but(fees={"USD": D(1), "AAA": D("0.5"), "ZZZ": D(0)})
    assert views.account(state, core.marks)["fees"] == "46"
    assert views.account(state.but(fees={"ZZZ": D(1)}), core.marks)["fees"] is None
    unmarked = views.account(core.known, {})
    assert (unmarked["equity"], unmarked["unrealised"], unmarked["realised"]) == (None, None, "0")
    assert (unmarked["cash"], unmarked["exposure"], unmarked["open_positions"]) == ("99000", "1000", 1)
    core.leave("AAA", "105")
    assert views.account(core.known, core.marks)["realised"] == "50"
    assert views.account(core.known.but(cash={}), core.marks)["cash"] == "0"


@pytest.mark.parametrize(("equity", "drawdown", "day"), [
    ("90000", 2500, 1000), ("99990", 1667, 1), ("99991", 1667, 0), ("100000", 1666, 0), ("130000", 0, 0),
    ("120000", 0, 0), (None, None, None),
])  # fmt: skip
def test_what_was_lost_is_told_in_whole_basis_points(equity: str | None, drawdown: int | None, day: int | None) -> None:
    state = Core().known.but(equity=Equity(peak=D(120_000), day_ms=0, day_start=D(100_000)))
    assert views.lost(state, equity) == {"equity_peak": "120000", "drawdown_bps": drawdown, "day_loss_bps": day}


def test_what_was_lost_is_not_known_before_equity_was_or_of_nothing() -> None:
    core = Core()
    assert views.lost(core.known, "1") == {"equity_peak": None, "drawdown_bps": None, "day_loss_bps": None}
    state = core.known.but(equity=Equity(peak=D(1), day_ms=0, day_start=D(0)))
    assert views.lost(state, "0") == {"equity_peak": "1", "drawdown_bps": 10_000, "day_loss_bps": None}


def test_a_protection_that_would_stop_the_desk_tells_what_it_finds() -> None:
    bench = Bench(protections={"max_drawdown": {"limit_bps": 100}})
    bench.held("AAA", 0, qty="100")
    bench.bars(candle("AAA", 2, "80"))
    found = {each["name"]: each["finds"] for each in bench.call("view")["protections"]}
    assert found["price_band"] is None
    assert found["max_drawdown"] is not None


def test_an_average_price_is_that_of_one_unit_of_the_base() -> None:
    core = Core()
    core.hold("AAA", "10", "101")
    position = core.known.position(AAA)
    listed = core.known.instruments[AAA].model_copy(update={"multiplier": D(4)})
    state = core.known.but(instruments={**core.known.instruments, AAA: listed})
    assert views._average(state, position) == D("25.25")
    assert views._average(state, core.known.position("us:BBB")) is None


def test_a_quote_is_what_a_position_is_told_at() -> None:
    bench = traded()
    bench.call("heartbeat", quotes=[quote("AAA", "104", "106", T0 + 3 * DAY + 1)])
    (position,) = bench.call("positions")["items"]
    assert position["mark"] == "105"
