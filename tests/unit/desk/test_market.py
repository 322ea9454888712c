"""The newest prices: what a bar and a quote make of a mark, when it is stored, and what an object that wakes reads."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from shared.desk.context import Mark
from shared.desk.market import AHEAD_BARS, AHEAD_MS, STORE_EVERY_MS, Market
from shared.desk.schema import migrate
from shared.model import Candle, Quote
from tests.unit.desk import bench
from tests.unit.desk.bench import DAY, NOW, T0
from tests.unit.desk.native_sql import NativeSql

D = Decimal
AAA = "us:AAA"
CLOSE = T0 + DAY


@pytest.fixture
def sql() -> NativeSql:
    made = NativeSql(":memory:")
    migrate(made)
    return made


@pytest.fixture
def market(sql: NativeSql) -> Market:
    made = Market(sql)
    made.step_ms = DAY
    return made


def bar(day: int, close: str, symbol: str = "AAA") -> Candle:
    return Candle.parse(json.dumps(bench.candle(symbol, day, close)))


def quote(ts_ms: int, bid: str = "99", ask: str = "101", **changes: Any) -> Quote:
    return Quote.parse(json.dumps(bench.quote("AAA", bid, ask, ts_ms, **changes)))


def test_a_bar_marks_its_close_and_remembers_the_one_before(market: Market) -> None:
    market.on_bars([bar(0, "100")], NOW)
    assert market.marks == {AAA: Mark(price=D(100), market_ms=CLOSE, received_ms=NOW, bar_close_ms=CLOSE)}
    market.on_bars([bar(1, "105")], NOW + 5)
    close_ms = CLOSE + DAY
    after = Mark(price=D(105), market_ms=close_ms, received_ms=NOW + 5, bar_close_ms=close_ms, before=D(100))
    assert market.marks == {AAA: after}
    assert market.market_ms == close_ms
    # one that is known, or older, changes nothing, and the market's time never runs backwards
    market.on_bars([bar(1, "1"), bar(0, "2")], NOW + 9)
    assert (market.marks, market.market_ms) == ({AAA: after}, close_ms)
    market.on_bars([bar(0, "50", "BBB")], NOW)
    assert market.market_ms == close_ms


def test_a_quote_marks_the_middle_and_keeps_what_stood_before(market: Market) -> None:
    market.on_bars([bar(0, "100")], NOW)
    assert market.on_quote(quote(CLOSE, "99", "102", received_ms=NOW - 3), NOW)
    expected = Mark(
        price=D("100.5"),
        market_ms=CLOSE,
        received_ms=NOW - 3,
        bar_close_ms=CLOSE,
        bid=D(99),
        ask=D(102),
        before=D(100),
    )
    assert market.marks == {AAA: expected}
    # another quote: the close still stands behind it
    market.on_quote(quote(CLOSE + 1, "103", "105"), NOW)
    assert (market.marks[AAA].price, market.marks[AAA].before) == (D(104), D(100))
    # a bar of a later time takes the place of the quote, with the close from before it
    market.on_bars([bar(1, "110")], NOW)
    assert (market.marks[AAA].price, market.marks[AAA].bid, market.marks[AAA].before) == (D(110), None, D(100))


def test_a_quote_before_the_first_bar_has_nothing_behind_it(market: Market) -> None:
    market.on_quote(quote(5), NOW)
    assert (market.marks[AAA].bar_close_ms, market.marks[AAA].before) == (0, None)
    market.on_quote(quote(6), NOW)
    assert market.marks[AAA].before is None


def test_a_quote_older_than_the_mark_is_passed_over_and_one_as_old_is_taken(market: Market) -> None:
    market.on_quote(quote(100, "99", "101"), NOW)
    assert market.on_quote(quote(99, "9", "11"), NOW)
    assert market.marks[AAA].price == 100
    assert market.on_quote(quote(100, "109", "111"), NOW)
    assert market.marks[AAA].price == 110


def test_a_clock_that_runs_ahead_does_not_make_a_price_fresh_for_longer(market: Market) -> None:
    market.on_quote(quote(1, received_ms=NOW + 50), NOW)
    assert market.marks[AAA].received_ms == NOW


def test_a_bar_from_before_a_quote_is_noted_and_leaves_the_price(market: Market) -> None:
    market.on_quote(quote(CLOSE + 1), NOW)
    market.on_bars([bar(0, "90")], NOW + 5)
    mark = market.marks[AAA]
    assert (mark.price, mark.market_ms, mark.received_ms) == (D(100), CLOSE + 1, NOW)
    assert (mark.bar_close_ms, mark.before) == (CLOSE, D(90))
    # at the very moment of the quote the bar is the price
    market.on_quote(quote(CLOSE + DAY), NOW)
    market.on_bars([bar(1, "95")], NOW + 5)
    assert market.marks[AAA].price == 95


def test_only_bars_that_close_later_are_fresh(market: Market) -> None:
    bars = [bar(0, "100"), bar(1, "100"), bar(0, "50", "BBB")]
    assert market.fresh(bars) == bars
    market.on_bars([bar(0, "100")], NOW)
    assert market.fresh(bars) == bars[1:]


@pytest.mark.parametrize(("step_ms", "most_ms"), [(DAY, AHEAD_BARS * DAY), (60_000, AHEAD_MS)])
def test_how_far_ahead_of_the_newest_bar_a_quote_may_be(market: Market, step_ms: int, most_ms: int) -> None:
    assert (AHEAD_BARS, AHEAD_MS) == (400, 31 * DAY)
    market.step_ms = step_ms
    assert market.believes(2**53)
    market.on_bars([bar(0, "100")], NOW)
    assert market.believes(CLOSE + most_ms)
    assert not market.believes(CLOSE + most_ms + 1)
    assert not market.on_quote(quote(CLOSE + most_ms + 1), NOW)
    assert market.marks[AAA].price == 100
    assert market.on_quote(quote(CLOSE + most_ms), NOW)


def test_the_first_bar_forgets_impossible_prices_alone(market: Market) -> None:
    market.on_quote(quote(CLOSE + AHEAD_BARS * DAY), NOW)
    far = Quote.parse(json.dumps(bench.quote("BBB", "1", "2", CLOSE + AHEAD_BARS * DAY + 1)))
    market.on_quote(far, NOW)
    market.on_bars([bar(0, "50", "CCC")], NOW)
    assert market.marks.keys() == {AAA, "us:CCC"}
    # and again, should there be another
    market.market_ms = 0
    market.on_quote(far, NOW)
    market.on_bars([bar(0, "50", "DDD")], NOW)
    assert market.marks.keys() == {AAA, "us:CCC", "us:DDD"}


def test_prices_are_stored_every_ten_seconds_at_most(market: Market, sql: NativeSql) -> None:
    def stored() -> int:
        return len(sql.rows("SELECT body FROM marks"))

    assert STORE_EVERY_MS == 10_000
    market.on_bars([bar(0, "100")], NOW)
    market.store(NOW)
    sql.rows("DELETE FROM marks")
    market.store_if_due(NOW + STORE_EVERY_MS - 1)
    assert stored() == 0
    market.store_if_due(NOW + STORE_EVERY_MS)
    assert stored() == 1
    market.store(NOW + STORE_EVERY_MS)
    assert stored() == 1


def test_an_object_that_wakes_still_knows_what_things_cost(market: Market, sql: NativeSql) -> None:
    market.on_bars([bar(0, "100"), bar(1, "60", "BBB")], NOW)
    market.on_quote(quote(CLOSE + 3 * DAY, "99", "101"), NOW)
    market.store(NOW)
    woken = Market(sql)
    woken.load()
    assert woken.marks == market.marks
    assert woken.market_ms == CLOSE + DAY
    # the newest price is known again, and judged at the next bar
    woken.step_ms = DAY
    woken.market_ms = 0
    woken.on_bars([Candle.parse(json.dumps({**bench.candle("CCC", 0, "5"), "open_time_ms": 0}))], NOW)
    assert woken.marks.keys() == {"us:CCC"}


def test_a_desk_that_was_shown_no_price_knows_none(sql: NativeSql) -> None:
    woken = Market(sql)
    woken.load()
    assert (woken.marks, woken.market_ms) == ({}, 0)
