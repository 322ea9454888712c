"""The review as a whole: it settles, whatever happens, and says nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.desk import commands
from shared.desk import events as ev
from shared.desk.apply import apply
from shared.desk.market import Market
from shared.desk.protection import Breaker, Finding
from shared.desk.registry import PROTECTIONS
from shared.desk.state import DeskStatus, Timebase
from shared.desk.totals import totals
from shared.model import Candle, Interval, Proposal, Quote, ids
from tests.unit.desk.bench import DAY, T0, proposal, quote
from tests.unit.desk.native_sql import NativeSql
from tests.unit.desk.protections.core import HOUR, START, Core

BREAKERS = (
    "daily_loss",
    "max_drawdown",
    "consecutive_losses",
    "stoploss_guard",
    "stale_data",
    "order_rate",
    "error_rate",
)
TIGHT: dict[str, dict[str, Any]] = {
    "daily_loss": {"limit_bps": 100},
    "max_drawdown": {"limit_bps": 200},
    "consecutive_losses": {"losses": 2},
    "stoploss_guard": {"stops": 1},
    "stale_data": {"after_s": 7200},
    "order_rate": {},
    "error_rate": {"errors": 2},
}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("price"), st.integers(80, 120)),
        st.tuples(st.just("quote"), st.integers(80, 120)),
        st.tuples(st.just("time"), st.integers(1, 30)),
        st.tuples(st.just("buy"), st.integers(1, 200)),
        st.tuples(st.just("leave"), st.integers(80, 120)),
        st.tuples(st.just("fail"), st.just(0)),
        st.tuples(st.just("resume"), st.just(0)),
    ),
    max_size=15,
)


def step(core: Core, what: str, number: int) -> None:
    if what == "price":
        core.mark("AAA", str(number), before="100")
    elif what == "quote":
        core.mark("AAA", str(number), bid=str(number - 1), ask=str(number + 1), before="100")
    elif what == "time":
        core.later(number * HOUR)
    elif what == "buy" and len(found := core.place("AAA", qty=str(number))) == 32:
        core.fill(found, "100")
    elif what == "leave" and core.known.free_qty("us:AAA"):
        core.leave("AAA", str(number))
    elif what == "fail" and len(found := core.place("BBB")) == 32:
        core.run(commands.TurnedDown(found, "no", ""), found)
    elif what == "resume" and core.status != "active" and core.now_ms >= core.known.hold_until_ms:
        core.run(commands.RequestResume("adm", "seen", "h"))
        core.run(commands.ConfirmResume("adm", "h"))
    core.review()


@settings(max_examples=150)
@given(
    STEPS,
    st.dictionaries(
        st.sampled_from(BREAKERS),
        st.tuples(st.sampled_from(["refuse", "reducing", "halted"]), st.sampled_from([0, 3600]), st.booleans()),
    ),
)
def test_whatever_happens_it_settles_and_a_second_review_adds_nothing(
    steps: list[tuple[str, int]], chosen: dict[str, tuple[str, int, bool]]
) -> None:
    named = {
        name: {**TIGHT[name], "calls_for": calls_for, "for_s": for_s, "on_halt": "flatten" if flat else "cancel"}
        for name, (calls_for, for_s, flat) in chosen.items()
    }
    core = Core(named, max_orders_per_minute=4)
    for what, number in steps:
        step(core, what, number)
        assert core.review() == []
        assert (core.status == "reducing") is (bool(core.reductions) and core.status != "halted")
    replayed = None
    begun = core.now_ms
    for event in core.events:
        replayed = apply(replayed, event, begun)
    assert replayed is not None
    assert replayed.status is core.known.status
    entries_then_stop(core)


def entries_then_stop(core: Core) -> None:
    """No entry was ever intended while the desk was not active."""
    status = DeskStatus.ACTIVE
    state = None
    for event in core.events:
        if isinstance(event, ev.OrderIntended) and not event.order.reduce_only:
            assert status is DeskStatus.ACTIVE
        state = apply(state, event, core.now_ms)
        status = state.status


def test_several_at_once_each_stand_under_their_own_code() -> None:
    core = Core(
        {
            "consecutive_losses": {"losses": 1, "for_s": 3600},
            "stoploss_guard": {"stops": 1, "within_s": 60, "for_s": 7200},
        }
    )
    core.hold("AAA", stop_price="95")
    core.stopped("AAA", "95")
    assert core.reductions == {"consecutive_losses", "stoploss_guard"}
    core.later(HOUR)
    assert core.review() == ["reduction_lifted"]
    assert core.status == "reducing"
    core.later(HOUR)
    assert core.review() == ["reduction_lifted"]
    assert core.status == "active"


def test_a_halt_goes_before_a_reduction() -> None:
    core = Core({"consecutive_losses": {"losses": 1}, "daily_loss": {"limit_bps": 1}})
    core.review()
    core.hold("AAA", "100")
    found = [event.kind for event in core.leave("AAA", "90")]
    assert "halted" in found
    assert "reduced" not in found


def test_what_others_reduced_for_is_left_to_them_but_for_its_time() -> None:
    core = Core()
    for code, until_ms in (("unreconciled", None), ("for_a_while", core.now_ms + 5)):
        core.state = apply(core.known, ev.Reduced(code=code, by="desk", reason="x", until_ms=until_ms), core.now_ms)
    assert core.review() == []
    core.now_ms += 5
    assert core.review() == ["reduction_lifted"]
    assert core.reductions == {"unreconciled"}


def test_equity_is_marked_only_for_those_who_ask() -> None:
    core = Core()
    core.hold("AAA")
    core.mark("AAA", "120")
    assert core.review() == []
    core = Core({"max_drawdown": {}})
    assert core.review() == []
    assert core.known.equity is not None


def test_no_mark_before_the_market_has_a_time_or_while_equity_is_unknown() -> None:
    core = Core({"max_drawdown": {}})
    core.state = core.known.but(equity=None)
    core.market_ms = 0
    core.marks.clear()
    assert core.review() == []
    core.market_ms = START
    core.state = core.known.but(cash={**core.known.cash, "BNB": Decimal(1)})
    assert core.review() == []
    assert core.known.equity is None


def test_one_decision_adds_up_once_and_the_next_state_takes_over_what_stands() -> None:
    core = Core({"leverage": {}})
    core.hold("AAA")
    context = core.context
    first = totals(core.known, context)
    assert first.equity == Decimal(100_000)
    assert totals(core.known, context) is first
    moved = core.known.but(seq=core.known.seq + 1)
    assert totals(moved, context).held is first.held
    paid = core.known.but(cash={"USD": Decimal(5)})
    assert totals(paid, context).equity == Decimal(1005)


def bar(day: int, close: str) -> Candle:
    price = Decimal(close)
    return Candle(
        instrument="us:AAA",
        interval=Interval("1d"),
        open_time_ms=T0 + day * DAY,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Decimal(1),
    )


def told(bid: str, ask: str, ts_ms: int) -> Quote:
    return Quote.of(**{**quote("AAA", bid, ask, ts_ms), "bid": bid, "ask": ask, "bid_qty": "1", "ask_qty": "1"})


def test_a_mark_knows_the_close_before_it_and_the_newest_quote() -> None:
    market = Market(NativeSql())
    market.on_bars([bar(0, "100")], 1)
    mark = market.marks["us:AAA"]
    assert (mark.before, mark.bid, mark.ask) == (None, None, None)
    market.on_bars([bar(1, "110")], 2)
    assert market.marks["us:AAA"].before == Decimal(100)
    for bid in ("118", "119"):
        market.on_quote(told(bid, "120", T0 + 2 * DAY + 1), 3)
        mark = market.marks["us:AAA"]
        assert (mark.before, mark.bid, mark.ask) == (Decimal(110), Decimal(bid), Decimal(120))
    market.on_bars([bar(2, "130")], 4)
    mark = market.marks["us:AAA"]
    assert (mark.price, mark.before, mark.bid, mark.ask) == (Decimal(130), Decimal(110), None, None)
    market.on_quote(told("139", "141", T0 + 5 * DAY), 5)
    market.on_bars([bar(3, "135")], 6)
    mark = market.marks["us:AAA"]
    assert (mark.price, mark.before, mark.bid) == (Decimal(140), Decimal(135), Decimal(139))


def test_a_quote_before_any_bar_has_no_close_before_it() -> None:
    market = Market(NativeSql())
    market.on_quote(told("99", "101", T0), 1)
    assert market.marks["us:AAA"].before is None
    market.on_bars([bar(0, "100")], 2)
    assert market.marks["us:AAA"].before is None


def by_hand(core: Core, _: str) -> list[ev.Event]:
    begun = len(core.events)
    core.place("BBB")
    return core.events[begun:]


def by_proposal(core: Core, _: str) -> list[ev.Event]:
    asked = Proposal.parse(json.dumps({**proposal("BBB", 0, "100"), "bar_close_ms": START}))
    return core.run(commands.Propose(asked))


def by_replacing(core: Core, resting: str) -> list[ev.Event]:
    new = ids.manual_order_id("alpha", "another")
    return core.run(commands.Replace(resting, new, "me", limit_price=Decimal(91)), resting)


@pytest.mark.parametrize("ask", [by_hand, by_proposal, by_replacing])
@pytest.mark.parametrize("calls_for", ["reducing", "halted"])
@pytest.mark.parametrize("name", sorted(name for name, kind in PROTECTIONS.items() if issubclass(kind, Breaker)))
def test_what_a_breaker_calls_for_is_effective_on_the_very_next_order_and_for_as_long_as_it_says(
    name: str, calls_for: str, ask: Callable[[Core, str], list[ev.Event]], monkeypatch: pytest.MonkeyPatch
) -> None:
    core = Core({name: {"calls_for": calls_for, "for_s": 60}})
    resting = core.place("AAA", kind="limit", limit_price="90")
    monkeypatch.setattr(PROTECTIONS[name], "finds", lambda *_: Finding(name, "found"))
    # no price, no alarm and no review came in between
    first, *rest = ask(core, resting)
    assert core.status == calls_for
    assert not [event for event in rest if isinstance(event, ev.OrderIntended | ev.ReplacementIntended)]
    assert [event.code for event in rest if isinstance(event, ev.OrderRefused | ev.ProposalRefused)] == [calls_for]
    if isinstance(first, ev.Halted):
        assert (first.code, first.hold_until_ms) == (name, core.now_ms + 60_000)
    else:
        assert isinstance(first, ev.Reduced)
        clock = PROTECTIONS[name].clock
        now_ms = core.now_ms if clock is Timebase.WALL else core.market_ms
        assert (first.code, first.clock, first.until_ms) == (name, clock, now_ms + 60_000)
