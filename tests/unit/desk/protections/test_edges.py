"""Each protection at its very limit: what it says, until when, and what it does with prices and trades that are not there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands, guards
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import Breaker, Finding, Protection
from shared.desk.state import Equity
from shared.model import Cause, OrderKind, Side, Trade
from tests.unit.desk.bench import DAY, T0
from tests.unit.desk.protections.core import HOUR, MINUTE, START, Core

D = Decimal
AAA = "us:AAA"
SECOND = 1000


def only(core: Core, name: str) -> Any:
    return next(each for each in guards.of(core.known).acting if each.name == name)


def finding(core: Core, name: str) -> Finding | None:
    breaker: Breaker = only(core, name)
    return breaker.finds(core.known, core.context)


def intent(core: Core, symbol: str = "AAA", **changes: Any) -> Intent:
    terms = {"side": Side.BUY, "kind": OrderKind.LIMIT, "qty": D(10), "price": D(100), **changes}
    return Intent(instrument=core.known.instruments[f"us:{symbol}"], **terms)


def says(core: Core, name: str, asked: Intent, context: Context | None = None) -> Refusal | None:
    protection: Protection = only(core, name)
    return protection.refuse(core.known, asked, context or core.context)


def trades(core: Core, *ends: tuple[int, str], symbol: str = "AAA", cause: Cause = Cause.STOP) -> None:
    """Round trips that ended so many seconds after the start, with what they made."""
    made = tuple(
        Trade(
            instrument=f"us:{symbol}", opened_ms=0, closed_ms=START + s * SECOND, net=D(net), cost=D(1000), cause=cause
        )
        for s, net in ends
    )
    core.state = core.known.but(trades=core.known.trades + made)


def told(core: Core) -> dict[str, tuple[int | None, str]]:
    """Of each reduction until when it stands, and on which clock."""
    return {code: (each.until_ms, each.clock.value) for code, each in core.known.reductions.items()}


def test_losses_in_a_row_are_over_for_s_after_the_last() -> None:
    core = Core({"consecutive_losses": {"losses": 2, "for_s": 60}})
    trades(core, (-50, "-1"), (0, "-0.01"))
    found = finding(core, "consecutive_losses")
    assert found == ("consecutive_losses", "the last 2 round trips lost", START + 60 * SECOND)
    core.review()
    assert told(core) == {"consecutive_losses": (START + 60 * SECOND, "market")}
    core.market_ms += 60 * SECOND - 1
    assert finding(core, "consecutive_losses") is not None
    core.market_ms += 1
    assert finding(core, "consecutive_losses") is None


def test_losses_in_a_row_without_for_s_have_no_end() -> None:
    core = Core({"consecutive_losses": {"losses": 1, "for_s": 0}})
    trades(core, (-9_999_999, "-1"))
    assert finding(core, "consecutive_losses") == ("consecutive_losses", "the last 1 round trips lost", None)
    trades(core, (0, "0"))
    assert finding(core, "consecutive_losses") is None


@pytest.mark.parametrize(("for_s", "until_s"), [(300, 340), (0, 60)])
def test_failures_count_from_the_last_or_while_they_lie_in_the_window(for_s: int, until_s: int) -> None:
    core = Core({"error_rate": {"errors": 3, "within_s": 60, "for_s": for_s}})
    at = [core.now_ms + s * SECOND for s in (-500, 0, 20, 40)]
    core.state = core.known.but(recent_error_ms=tuple(at))
    core.now_ms = at[-1]
    until_ms = at[1] + until_s * SECOND
    assert finding(core, "error_rate") == ("error_rate", "3 orders failed within 60 s", until_ms)
    core.review()
    assert told(core) == {"error_rate": (until_ms, "wall")}
    core.now_ms = until_ms - 1
    assert finding(core, "error_rate") is not None
    core.now_ms = until_ms
    assert finding(core, "error_rate") is None


@pytest.mark.parametrize(("for_s", "until_s"), [(7200, 7230), (0, 3600)])
def test_stops_count_from_the_last_or_while_they_lie_in_the_window(for_s: int, until_s: int) -> None:
    core = Core({"stoploss_guard": {"stops": 2, "within_s": 3600, "for_s": for_s}})
    trades(core, (-5000, "-1"), (0, "-1"), (30, "-1"))
    trades(core, (31, "-1"), cause=Cause.TARGET)
    trades(core, (32, "0"))
    core.market_ms += 40 * SECOND
    until_ms = START + until_s * SECOND
    assert finding(core, "stoploss_guard") == ("stoploss_guard", "2 stops were hit within 3600 s", until_ms)
    core.market_ms = until_ms - 1
    assert finding(core, "stoploss_guard") is not None
    core.market_ms = until_ms
    assert finding(core, "stoploss_guard") is None


def test_stops_of_one_instrument_are_told_to_it_alone() -> None:
    core = Core({"stoploss_guard": {"stops": 2, "within_s": 60, "for_s": 60, "per_symbol": True}})
    trades(core, (0, "-1"), (1, "-1"))
    assert finding(core, "stoploss_guard") is None
    assert says(core, "stoploss_guard", intent(core)) == ("stoploss_guard", "2 stops were hit within 60 s")
    assert says(core, "stoploss_guard", intent(core, "BBB")) is None
    assert says(core, "stoploss_guard", intent(core, reduce_only=True)) is None
    core.mark("AAA", "100", market_ms=START + 61 * SECOND)
    assert says(core, "stoploss_guard", intent(core)) is None


@pytest.mark.parametrize(("for_s", "until_s"), [(120, 120), (0, None)])
def test_orders_count_from_the_last_of_them(for_s: int, until_s: int | None) -> None:
    core = Core({"order_rate": {"calls_for": "reducing", "for_s": for_s}}, max_orders_per_minute=2)
    last_ms = core.now_ms - 5 * SECOND
    core.state = core.known.but(recent_order_ms=(last_ms - 1, last_ms))
    until_ms = None if until_s is None else last_ms + until_s * SECOND
    assert finding(core, "order_rate") == ("order_rate", "2 orders in the last minute", until_ms)
    assert says(core, "order_rate", intent(core)) == ("order_rate", "2 orders in the last minute")
    core.now_ms = last_ms - 1 + MINUTE
    assert finding(core, "order_rate") is None
    assert says(core, "order_rate", intent(core)) is None


def test_a_pause_tells_how_long_ago_it_began() -> None:
    core = Core({"cooldown": {"for_s": 60}})
    trades(core, (-100, "1"), (-10, "1"))
    trades(core, (-5, "1"), symbol="BBB")
    assert says(core, "cooldown", intent(core)) == ("cooldown", "us:AAA was left 10000 ms ago, less than 60 s")
    assert says(core, "cooldown", intent(core, "CCC")) is None


def test_an_instrument_is_judged_by_its_newest_trades_within_the_window() -> None:
    core = Core({"low_profit_symbol": {"trades": 2, "within_s": 60, "min_profit_bps": 50, "for_s": 90}})
    trades(core, (-500, "1000"), (-60, "4"), (0, "5.99"))
    trades(core, (0, "1000"), symbol="BBB")
    low = ("low_profit_symbol", "the last 2 of us:AAA made less than 50 bps")
    assert says(core, "low_profit_symbol", intent(core)) == low
    core.market_ms += 90 * SECOND - 1
    assert says(core, "low_profit_symbol", intent(core)) == low
    core.market_ms += 1
    assert says(core, "low_profit_symbol", intent(core)) is None


def test_a_day_and_a_peak_are_judged_at_exactly_the_limit() -> None:
    core = Core({"daily_loss": {"limit_bps": 100}, "max_drawdown": {"limit_bps": 200}})
    day, peak = only(core, "daily_loss"), only(core, "max_drawdown")
    marked = Equity(peak=D(1000), day_ms=T0, day_start=D(500))
    assert day.judge(core.known, marked, D("495.01")) is None
    reason = "5 of 500 was lost since the day began, 100 bps or more"
    assert day.judge(core.known, marked, D(495)) == ("daily_loss", reason, T0 + DAY)
    assert only(Core({"daily_loss": {"for_s": 9}}), "daily_loss").judge(core.known, marked, D(1)).until_ms is None
    assert peak.judge(core.known, marked, D("980.01")) is None
    reason = "equity is 20 below its peak of 1000, 200 bps or more"
    assert peak.judge(core.known, marked, D(980)) == ("max_drawdown", reason, None)
    reduced = core.known.but(reductions={"max_drawdown": Core().known})
    assert peak.judge(reduced, marked, D("982.01")) is None
    assert peak.judge(reduced, marked, D(982)) is not None


def test_equity_that_is_not_known_is_a_finding_while_something_is_held() -> None:
    core = Core({"daily_loss": {}})
    core.hold("AAA")
    core.marks.clear()
    reason = "a price or a conversion of what is held is missing"
    assert finding(core, "daily_loss") == ("equity_unknown", reason, None)
    core.review()
    assert (core.status, told(core)) == ("reducing", {"equity_unknown": (None, "wall")})


def test_an_old_price_of_what_is_held_is_told_by_name() -> None:
    core = Core({"stale_data": {"calls_for": "reducing", "after_s": 100}})
    core.hold("AAA")
    core.now_ms += 100 * SECOND
    assert finding(core, "stale_data") is None
    core.now_ms += 1
    reason = "no price of us:AAA, which is held, for more than 100 s"
    assert finding(core, "stale_data") == ("stale_data", reason, None)
    core.marks.clear()
    assert finding(core, "stale_data") == ("stale_data", reason, None)
    assert says(core, "stale_data", intent(core)) == ("stale_data", "no price of us:AAA yet")


def test_an_old_price_is_told_with_its_age() -> None:
    core = Core(max_data_age_ms=5000)
    core.now_ms += 5001
    assert says(core, "stale_data", intent(core)) == ("stale_data", "the price is 5001 ms old, more than 5000")
    assert says(core, "stale_data", intent(core, reduce_only=True)) is None


@pytest.mark.parametrize(
    ("quote", "said"),
    [
        ({}, "no_quote"),
        ({"bid": "99"}, "no_quote"),
        ({"ask": "101"}, "no_quote"),
        ({"bid": "99.75", "ask": "100.25", "received_ms": -60_000}, None),
        ({"bid": "99.75", "ask": "100.25", "received_ms": -60_001}, "no_quote"),
        ({"bid": "99.75", "ask": "100.25"}, None),
        ({"bid": "99.74", "ask": "100.25"}, "spread_too_wide"),
    ],
)
def test_a_spread_is_one_of_a_whole_and_fresh_quote(quote: dict[str, Any], said: str | None) -> None:
    core = Core({"spread_too_wide": {"require_quote": True}}, max_data_age_ms=60_000)
    if "received_ms" in quote:
        quote = {**quote, "received_ms": core.now_ms + quote["received_ms"]}
    core.mark("AAA", "100", **quote)
    found = says(core, "spread_too_wide", intent(core))
    assert (found and found.code) == said
    if said == "spread_too_wide":
        assert found is not None
        assert found.detail == "99.74 to 100.25 is above 50 bps"
    core.marks.clear()
    assert says(core, "spread_too_wide", intent(core)) == ("no_quote", "no fresh quote of us:AAA")
    relaxed = Core({"spread_too_wide": {}})
    relaxed.marks.clear()
    assert says(relaxed, "spread_too_wide", intent(relaxed)) is None


def test_a_venue_that_is_lost_is_told_so() -> None:
    core = Core({"venue_down": {"after_s": 9}})
    assert finding(core, "venue_down") is None
    core.run(commands.VenueSilent(core.now_ms - 9001, "time-out"))
    assert finding(core, "venue_down") == ("venue_down", "the venue has not answered for more than 9 s", None)


def test_hours_are_told_as_they_are() -> None:
    windows = [{"days": ["tue"], "from": "09:30", "to": "16:05"}]
    core = Core({"trading_hours": {"windows": windows}})
    monday = 4 * DAY
    core.marks.clear()
    for at_ms, said in (
        (monday + DAY + 9 * HOUR + 30 * MINUTE, None),
        (monday + DAY + 9 * HOUR + 30 * MINUTE - 1, "tue 09:29"),
        (monday + DAY + 16 * HOUR + 5 * MINUTE - 1, None),
        (monday + DAY + 16 * HOUR + 5 * MINUTE, "tue 16:05"),
        (monday + 12 * HOUR, "mon 12:00"),
        (monday + 2 * DAY + 12 * HOUR, "wed 12:00"),
        (3 * DAY + HOUR, "sun 01:00"),
        (0, "thu 00:00"),
    ):
        core.market_ms = at_ms
        found = says(core, "trading_hours", intent(core))
        assert found == (None if said is None else ("trading_hours", f"{said} UTC is outside of the desk's hours"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stop_price": D("95.005")}, "price 95.005 is not a multiple of the tick 0.01"),
        ({"trigger_price": D("95.005")}, "price 95.005 is not a multiple of the tick 0.01"),
        ({"price": D("95.005"), "kind": OrderKind.MARKET}, None),
        ({"price": D("95.005"), "kind": OrderKind.STOP}, None),
        ({"price": D("95.005"), "kind": OrderKind.STOP_LIMIT}, "price 95.005 is not a multiple of the tick 0.01"),
        ({"qty": D("1.5")}, "qty 1.5 is not a multiple of the lot 1"),
        ({"qty": D("1.5"), "reduce_only": True}, "qty 1.5 is not a multiple of the lot 1"),
        ({"qty": D(0), "price": D(100)}, "qty 0 is below the smallest, 1"),
        ({"qty": D(1), "price": D("9.99")}, "notional 9.99 is below the smallest, 10"),
        ({"qty": D(1), "price": D(10)}, None),
        ({"qty": D(1), "price": D("9.99"), "reduce_only": True}, None),
    ],
)
def test_the_venues_steps_are_told(changes: dict[str, Any], said: str | None) -> None:
    core = Core()
    found = says(core, "min_notional_and_precision", intent(core, **changes))
    assert (found and found.detail) == said


def test_all_that_is_free_may_be_sold_off_the_lot_and_only_to_reduce() -> None:
    core = Core()
    core.state = core.known.but(
        positions={AAA: core.known.position(AAA).model_copy(update={"qty": D("1.5"), "cost": D(150)})}
    )
    whole = {"side": Side.SELL, "qty": D("1.5")}
    assert says(core, "min_notional_and_precision", intent(core, **whole, reduce_only=True)) is None
    assert says(core, "min_notional_and_precision", intent(core, **whole)) is not None


def test_a_limit_of_a_group_is_told_with_its_name() -> None:
    groups = {"few": {"symbols": ["AAA"], "max_positions": 1}, "tech": {"symbols": ["AAA", "BBB"]}}
    groups["tech"] |= {"max_notional": "1000", "max_positions": 1}
    core = Core({"exposure": {"groups": groups}})
    above = ("max_group_notional", "1001 would be above 1000 in the group tech")
    assert says(core, "exposure", intent(core, qty=D("10.01"))) == above
    assert says(core, "exposure", intent(core)) is None
    core.hold("BBB", "1")
    many = ("max_group_positions", "1 positions are open or being opened in the group tech")
    assert says(core, "exposure", intent(core, qty=D(9))) == many
    assert says(core, "exposure", intent(core, "BBB", qty=D(9))) is None
    assert says(core, "exposure", intent(core, "CCC")) is None


def test_a_limit_of_the_desk_is_told_without_a_group() -> None:
    core = Core(max_order_notional="999", max_open_positions=1)
    assert says(core, "exposure", intent(core)) == ("max_order_notional", "1000 would be above 999")
    assert says(core, "exposure", intent(core, side=Side.SELL)) is None
    core.hold("BBB", "1")
    many = ("max_open_positions", "1 positions are open or being opened")
    assert says(core, "exposure", intent(core, qty=D(1))) == many


def test_what_is_free_and_what_leverage_allows_are_told() -> None:
    core = Core({"leverage": {"max": "0.01"}})
    assert says(core, "leverage", intent(core)) is None
    above = ("leverage", "exposure 1000.1 would be above 1000")
    assert says(core, "leverage", intent(core, price=D("100.01"))) == above
    cost = ("free_balance", "may cost 100001 with fee and slippage; 100000 is free")
    assert says(core, "free_balance", intent(core, qty=D("1000.01"))) == cost
    assert says(core, "free_balance", intent(core, qty=D(1000))) is None


def test_a_price_that_nobody_can_mean_is_told() -> None:
    core = Core()
    assert says(core, "price_band", intent(core, qty=D(10) ** 12)) is None
    above = says(core, "price_band", intent(core, qty=D(10) ** 12 + 1))
    assert above == ("qty_absurd", "qty 1000000000001 is above 1000000000000")
    far = says(core, "price_band", intent(core, price=D("120.01")))
    assert far == ("price_absurd", "price 120.01 is too far from 100")
    assert says(core, "price_band", intent(core, price=D(120))) is None
    for price, said in ((D(10), None), (D(1000), None), (D("9.99"), "price_absurd"), (D("1000.01"), "price_absurd")):
        found = says(core, "price_band", intent(core, kind=OrderKind.STOP, price=price))
        assert (found and found.code) == said
    core.mark("AAA", "150", before="100")
    jump = says(core, "price_band", intent(core, price=D(150)))
    assert jump == ("price_jump", "150 is 5000 bps or more from the close before it")


def test_the_band_lies_on_either_side_of_the_market() -> None:
    band = only(Core(), "price_band")
    assert [band.is_beyond(D(price), D(100)) for price in ("80", "120", "79.99", "120.01")] == [
        False,
        False,
        True,
        True,
    ]


def test_what_an_order_would_meet_is_told() -> None:
    core = Core()
    core.hold("AAA", "20")
    resting = core.place("AAA", "sell", "5", kind="limit", limit_price="105")
    met = ("self_trade", f"would trade with the desk's own order {resting}")
    assert says(core, "self_trade", intent(core, price=D(105))) == met
    assert says(core, "self_trade", intent(core, price=D(105), kind=OrderKind.STOP_LIMIT)) is None
    assert says(core, "self_trade", intent(core, price=D("104.99"))) is None
    core.mark("AAA", "104", bid="103", ask="105")
    assert says(core, "self_trade", intent(core, kind=OrderKind.MARKET, price=D(1))) == met
    core.marks.clear()
    assert says(core, "self_trade", intent(core, kind=OrderKind.MARKET, price=D(105))) == met


def test_a_reduction_tells_its_code_its_reason_and_its_clock() -> None:
    core = Core({"venue_down": {"for_s": 60}})
    core.run(commands.VenueSilent(core.now_ms - 30_001, "x"))
    (event,) = [each for each in core.events if isinstance(each, ev.Reduced)]
    assert (event.code, event.by, event.clock.value) == ("venue_down", "desk", "wall")
    assert event.reason == "the venue has not answered for more than 30 s"
    assert event.until_ms == core.now_ms + 60_000
