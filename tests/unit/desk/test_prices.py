"""Prices that are too fine, too early, too old or of another market's bars, and what may be decided on them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from shared.desk import ledger
from shared.desk.market import AHEAD_BARS
from shared.errors import Invalid
from tests.unit.desk.bench import DAY, LIMITS, T0, Bench, candle, opening, proposal, quote, run

FINE = ("100.000000000000000001", "100.000000000000000002")
FAR_MS = 2**53 - 1


def test_a_quote_finer_than_the_tick_does_not_end_the_desk(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "desk.sqlite")
    bench.held("AAA", 0, stop_price="95")
    bench.clock.advance(20_000)
    bench.call("heartbeat", quotes=[quote("AAA", *FINE, T0 + 3 * DAY)])
    assert bench.reborn().call("view")["status"] == "active"
    assert bench.desk.engine.market.marks["us:AAA"].price == Decimal(FINE[1])


def test_an_order_decided_on_a_fine_mark_can_be_read_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "desk.sqlite")
    bench.held("AAA", 0, stop_price="95")
    bench.call("heartbeat", quotes=[quote("AAA", *FINE, T0 + 3 * DAY)])
    bench.place("AAA", "sell", "5", reduce_only=True)
    bench.sql.rows("DELETE FROM marks")
    assert bench.reborn().call("view")["status"] == "active"


def test_a_stored_price_that_cannot_be_read_takes_no_other_with_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "desk.sqlite")
    bench.bars(candle("AAA", 0, "100"), candle("BBB", 0, "50"))
    bench.sql.rows("""UPDATE marks SET body = replace(body, '"50"', '"50.0000000000000000001"')""")
    marks = bench.reborn().state and bench.desk.engine.market.marks
    assert marks.keys() == {"us:AAA"}
    bench.bars(candle("BBB", 1, "51"))
    assert marks["us:BBB"].price == 51


def test_a_quote_from_the_far_future_does_not_freeze_the_price() -> None:
    bench = Bench()
    bench.held("AAA", 0, stop_price="95")
    (level,) = bench.call("heartbeat", quotes=[quote("AAA", "89", "91", FAR_MS)])["levels"]
    assert bench.call("trigger", level=level, quote=quote("AAA", "89", "91", FAR_MS))["outcome"] == "stale_data"
    assert "level_triggered" not in bench.kinds()
    bench.bars(candle("AAA", 2, "98"))
    assert bench.call("positions")["items"][0]["mark"] == "98"


def test_a_quote_is_believed_up_to_a_year_of_daily_bars_ahead() -> None:
    bench = Bench()
    bench.held("AAA", 0)
    most_ms = bench.desk.engine.market.market_ms + AHEAD_BARS * DAY
    bench.call("heartbeat", quotes=[quote("AAA", "98", "100", most_ms + 1)])
    assert bench.call("positions")["items"][0]["mark"] == "100"
    bench.call("heartbeat", quotes=[quote("AAA", "98", "100", most_ms)])
    assert bench.call("positions")["items"][0]["mark"] == "99"


def test_a_quote_of_an_impossible_time_before_the_first_bar_is_forgotten_at_that_bar() -> None:
    bench = Bench()
    bench.call("heartbeat", quotes=[quote("AAA", "99", "101", FAR_MS), quote("BBB", "49", "51", FAR_MS)])
    bench.bars(candle("AAA", 0, "50"))
    marks = bench.desk.engine.market.marks
    assert {name: mark.price for name, mark in marks.items()} == {"us:AAA": 50}


def test_a_way_out_by_hand_fills_after_a_quote_from_the_far_future() -> None:
    bench = Bench()
    bench.held("AAA", 0)
    bench.call("heartbeat", quotes=[quote("AAA", "99", "101", FAR_MS)])
    bench.place("AAA", "sell", "10", reduce_only=True)
    bench.bars(candle("AAA", 2, "90"))
    assert bench.call("positions")["items"] == []


def test_what_was_priced_on_a_later_quote_never_fills_on_an_earlier_bar() -> None:
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"))
    bench.call("heartbeat", quotes=[quote("AAA", "109.99", "110.01", T0 + 4 * DAY)])
    bench.propose(proposal("AAA", 0, "100"))
    for day in (1, 2, 3):
        assert bench.bars(candle("AAA", day, "100"))["fills"] == 0
    assert bench.bars(candle("AAA", 4, "100"))["fills"] == 1


def test_what_was_priced_on_the_bars_own_quotes_fills_on_the_next_bar() -> None:
    """As in a replay: the quotes along a bar come before the bar does, the last of them at its close."""
    bench = Bench()
    for day in (0, 1):
        for quarter in range(1, 5):
            bench.call("heartbeat", quotes=[quote("AAA", "99.99", "100.01", T0 + day * DAY + quarter * DAY // 4)])
        bench.bars(candle("AAA", day, "100"))
        bench.propose(proposal("AAA", day, "100", action="exit" if day else "enter", side="sell" if day else "buy"))
        assert bench.bars()["fills"] == 0
    assert bench.bars(candle("AAA", 2, "100"))["fills"] == 1
    assert bench.kinds().count("order_filled") == 2


def test_bars_of_another_length_are_invalid() -> None:
    bench = Bench()
    with pytest.raises(Invalid, match="1h"):
        bench.bars({**candle("AAA", 0, "100"), "interval": "1h"})


def test_an_entry_is_not_sized_on_what_an_old_price_says_was_won() -> None:
    wide = {**LIMITS, **dict.fromkeys(("max_order_notional", "max_symbol_notional", "max_total_notional"), "900000")}
    quantities = []
    for fresh in (True, False):
        bench = Bench(opened=False)
        run(bench.desk.open(opening(limits=wide)))
        bench.held("AAA", 0, qty="100")
        bench.bars(candle("AAA", 2, "200"))
        bench.clock.advance(60_001)
        bench.bars(candle("BBB", 3, "100"), *([candle("AAA", 3, "200")] if fresh else []))
        (result,) = bench.propose(proposal("BBB", 3, "100"))
        quantities.append(bench.order(result["client_id"])["qty"])
        assert ledger.equity(bench.state, bench.desk.engine.market.marks) == Decimal("109984.995")
    # 1 % of 109,984 and of 99,989 at risk over 5 a share
    assert quantities == ["219", "199"]
