"""What a caller is told of each proposal, whatever becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.desk import proposing, trading
from shared.errors import Invalid
from shared.model import Cause, OrderKind, Proposal, Side
from tests.unit.desk.bench import DAY, NOW, T0, Bench, candle, opening, proposal, quote, run
from tests.unit.desk.faulty import FaultyVenue
from tests.unit.desk.remote import bodies


@pytest.fixture
def bench() -> Bench:
    made = Bench(venue=FaultyVenue)
    made.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB")])
    return made


def named(body: dict[str, Any]) -> str:
    return trading.client_id_for("alpha", Proposal.parse(json.dumps(body)))


def test_an_intent_a_duplicate_and_a_refusal_are_told_apart_in_the_order_given(bench: Bench) -> None:
    good, short = proposal("AAA", 0, "100"), proposal("BBB", 0, "100", side="sell")
    told = bench.propose(short, good, good)
    ours = {"signal_id": good["signal_id"], "client_id": named(good), "code": None, "detail": ""}
    refusal = {"outcome": "refused", "code": "short_not_allowed", "detail": "the desk does not sell short"}
    assert told == [
        {"signal_id": short["signal_id"], "client_id": None, **refusal},
        {**ours, "outcome": "intended"},
        {**ours, "outcome": "duplicate"},
    ]
    (refused,) = bodies(bench, "proposal_refused")
    assert {name: refused[name] for name in refused if name not in ("code", "detail")} == {
        "client_id": named(short),
        "signal_id": short["signal_id"],
        "strategy": "sma_cross",
        "instrument": "us:BBB",
        "side": "sell",
        "action": "enter",
        "bar_close_ms": T0 + DAY,
    }
    assert (refused["code"], refused["detail"]) == (refusal["code"], refusal["detail"])


def test_a_refusal_alike_is_told_again_without_being_journalled_again(bench: Bench) -> None:
    short = proposal("BBB", 0, "100", side="sell")
    (first,) = bench.propose(short)
    (second,) = bench.propose(short)
    assert second == {**first, "detail": "as before"}
    assert bench.kinds().count("proposal_refused") == 1


def test_an_exit_with_all_on_its_way_out_is_pending(bench: Bench) -> None:
    bench.held("AAA", 1)
    bench.place("AAA", "sell", "10", reduce_only=True)
    away = proposal("AAA", 2, "100", action="exit", side="sell", stop_distance=None)
    (told,) = bench.propose(away)
    assert (told["outcome"], told["client_id"], told["code"]) == ("refused", None, "exit_pending")
    assert told["detail"] == "all of us:AAA is being sold already"


def test_an_exit_is_decided_once_more_when_the_way_is_clear_and_only_once(bench: Bench) -> None:
    bench.held("AAA", 1)
    bench.place("AAA", "sell", "10", kind="limit", limit_price="150", reduce_only=True)
    away = proposal("AAA", 2, "100", action="exit", side="sell", stop_distance=None)
    bench.venue.script.append("before")
    (told,) = bench.propose(away)
    # the cancel had no answer: there is nothing to sell yet
    assert (told["outcome"], told["code"]) == ("refused", "exit_pending")
    other = Bench(venue=FaultyVenue)
    other.bars(candle("AAA", 0, "100"))
    other.held("AAA", 1)
    other.place("AAA", "sell", "10", kind="limit", limit_price="150", reduce_only=True)
    (told,) = other.propose(away)
    assert told == {
        "signal_id": away["signal_id"],
        "client_id": named(away),
        "code": None,
        "detail": "",
        "outcome": "intended",
    }


def test_an_entry_says_what_it_was_decided_on(bench: Bench) -> None:
    bench.bars(candle("AAA", 1, "101"))
    body = proposal("AAA", 1, "100.50", target_distance="9")
    (told,) = bench.propose(body)
    order = bench.state.orders[told["client_id"]]
    assert (order.side, order.kind, order.cause, order.by) == (Side.BUY, OrderKind.MARKET, Cause.PROPOSAL, "sma_cross")
    assert (order.signal_id, order.reduce_only) == (body["signal_id"], False)
    assert (order.reference_price, order.stop_price, order.target_price) == (101, 96, 110)
    assert (order.market_ms, order.intended_ms) == (T0 + 2 * DAY, NOW)
    # 1 % of 100000 at risk over 5 a piece
    assert order.qty == 200


def test_what_was_decided_on_a_newer_quote_does_not_fill_before_it(bench: Bench) -> None:
    bench.call("heartbeat", quotes=[quote("AAA", "99.99", "100.01", T0 + DAY + 77)])
    (told,) = bench.propose(proposal("AAA", 0, "100"))
    assert bench.state.orders[told["client_id"]].market_ms == T0 + DAY + 77


@pytest.mark.parametrize(("bars", "code"), [(1, None), (2, "stale_signal")])
def test_a_signal_is_stale_when_it_is_older_than_its_bars(bench: Bench, bars: int, code: str | None) -> None:
    bench.bars(*[candle("AAA", 1 + n, "100") for n in range(bars)])
    (told,) = bench.propose(proposal("AAA", 0, "100"))
    assert told["code"] == code
    if code:
        assert told["detail"] == f"the bar closed {bars * DAY} ms before the newest one"


def test_a_desk_that_is_not_open_is_given_no_proposals() -> None:
    bench = Bench(opened=False)
    with pytest.raises(ValueError, match="open the desk"):
        proposing._state(bench.desk.engine.session.draft(NOW))


# --- what is asked of the desk at its door ---


def test_opening_tells_the_seq_and_whether_it_was_new() -> None:
    bench = Bench(opened=False)
    assert run(bench.desk.open(opening())) == {"seq": bench.state.seq, "created": True}
    assert run(bench.desk.open(opening())) == {"seq": bench.state.seq, "created": False}


def test_another_desk_is_not_opened_here() -> None:
    bench = Bench(opened=False, shell={"name": "beta"})
    with pytest.raises(Invalid) as caught:
        run(bench.desk.open(opening()))
    rule = "is not the name of this object, beta"
    assert caught.value.context == {"field": "desk", "value": "alpha", "rule": rule}
    assert caught.value.detail.startswith("desk: 'alpha' ")


def test_a_mode_above_the_workers_is_refused_by_name() -> None:
    bench = Bench(opened=False)
    with pytest.raises(Invalid) as caught:
        run(bench.desk.open(opening(mode="live", trading={"kind": "sandbox"})))
    assert caught.value.context["field"] == "mode"
    assert caught.value.detail == "mode: 'live' is above this worker's TRADING_MODE, paper"


def test_a_tick_tells_how_things_stand() -> None:
    bench = Bench()
    bench.d1.down = True
    lag = bench.desk.engine.outbox.lag
    assert lag
    told = bench.call("tick")
    assert told == {
        "seq": bench.state.seq,
        "outbox_lag": lag,
        "next_alarm_ms": bench.desk.engine.timers.next_ms,
        "status": "active",
        "codes": [],
    }
    bench.d1.down = False
    bench.call("halt", by="me", reason="x")
    bench.alarm.at_ms = None
    told = bench.call("tick")
    assert (told["status"], told["codes"], told["outbox_lag"]) == ("halted", ["asked"], 0)
    assert bench.alarm.at_ms == told["next_alarm_ms"]
