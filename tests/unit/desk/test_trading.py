"""From a proposal, a person or a level to an order, and every gate on the way."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from shared.desk.trading import client_id_for
from shared.errors import Conflict, Invalid, NotFound, Refused
from shared.model import Proposal, exact, ids
from tests.unit.desk.bench import DAY, LIMITS, NOW, T0, Bench, candle, instrument, opening, proposal, quote, run


def refused(bench: Bench, code: str, **order: Any) -> None:
    before = len(bench.kinds())
    with pytest.raises(Refused) as caught:
        bench.place(**order)
    assert caught.value.error_code == code
    assert bench.kinds()[before:] == ["order_refused"]


def code_of(bench: Bench, *args: Any, **changes: Any) -> str | None:
    (result,) = bench.propose(proposal(*args, **changes))
    assert (result["outcome"] == "refused") == (result["code"] is not None)
    code: str | None = result["code"]
    return code


def limited(**changes: Any) -> Bench:
    bench = Bench(opened=False)
    run(bench.desk.open(opening(limits={**LIMITS, **changes})))
    bench.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB", "CCC", "DDD")])
    return bench


@pytest.fixture
def bench() -> Bench:
    return limited()


def test_a_proposal_becomes_a_position_with_its_levels(bench: Bench) -> None:
    (result,) = bench.propose(proposal("AAA", 0, "100", target_distance="8"))
    assert result["outcome"] == "intended"
    order = bench.order(result["client_id"])
    # 1 % of 100,000 at risk over 5 a share
    assert (order["qty"], order["status"], order["stop_price"], order["target_price"]) == (
        "200",
        "acknowledged",
        "95",
        "108",
    )
    assert bench.bars(candle("AAA", 1, "101")) == {"fills": 1, "market_ms": T0 + 2 * DAY}
    (position,) = bench.call("positions")["items"]
    # bought at 101.06: the distances are kept from what was paid, the stop rounded up, the target down
    assert (position["qty"], position["stop_price"], position["target_price"]) == ("200", "96.06", "109.06")
    view = bench.call("view")
    assert view["cash"] == exact.text(Decimal("100000") - Decimal("20212") - Decimal("20.212"))
    assert (view["open_positions"], view["open_orders"], view["exposure"]) == (1, 0, "20200")


def test_the_same_proposal_again_is_a_duplicate_whatever_became_of_the_order(bench: Bench) -> None:
    (first,) = bench.propose(proposal("AAA", 0, "100"))
    for _ in range(2):
        (again,) = bench.propose(proposal("AAA", 0, "100"))
        assert (again["outcome"], again["client_id"]) == ("duplicate", first["client_id"])
        bench.bars(candle("AAA", 1, "100"))
    assert bench.kinds().count("order_intended") == 1


def test_a_refusal_is_journalled_once_and_may_pass_later(bench: Bench) -> None:
    bench.call("halt", by="me", reason="lunch")
    for _ in range(3):
        assert code_of(bench, "AAA", 0, "100") == "halted"
    assert bench.kinds().count("proposal_refused") == 1
    confirm = bench.call("resume_request", by="me", reason="back")["confirm"]
    bench.call("resume_confirm", by="me", confirm=confirm)
    assert code_of(bench, "AAA", 0, "100") is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"side": "sell"}, "short_not_allowed"),
        ({"stop_distance": None}, "no_stop"),
        ({"stop_distance": "100"}, "stop_absurd"),
        ({"price": "130"}, "price_absurd"),
        ({"instrument": "us:ZZZ"}, "unknown_instrument"),
        ({"action": "exit", "side": "sell"}, "no_position"),
        ({"action": "exit", "side": "buy"}, "no_position"),
        ({"bar_close_ms": T0 - DAY}, "stale_signal"),
    ],
)
def test_what_a_proposal_is_refused_for(bench: Bench, changes: dict[str, Any], code: str) -> None:
    assert code_of(bench, "AAA", 0, changes.pop("price", "100"), **changes) == code


def test_an_entry_is_refused_while_the_instrument_is_held_or_being_bought(bench: Bench) -> None:
    bench.propose(proposal("AAA", 0, "100"))
    assert code_of(bench, "AAA", 0, "100", attempt=2) == "already_in_position"
    bench.bars(candle("AAA", 1, "100"))
    assert code_of(bench, "AAA", 1, "100") == "already_in_position"


def test_a_price_too_old_or_missing_is_stale_data(bench: Bench) -> None:
    bench.clock.advance(60_001)
    assert code_of(bench, "AAA", 0, "100") == "stale_data"
    empty = Bench()
    assert code_of(empty, "AAA", 0, "100") == "stale_data"
    refused(empty, "stale_data", symbol="AAA", side="buy", qty="1")


def test_too_small_a_risk_buys_nothing() -> None:
    bench = limited(risk_per_trade_bps=1)
    assert code_of(bench, "AAA", 0, "100", stop_distance="50") == "min_qty"


@pytest.mark.parametrize(
    ("limits", "qty"),
    [
        ({"max_order_notional": "1550"}, "15"),
        ({"max_symbol_notional": "1250"}, "12"),
        ({"max_total_notional": "1150"}, "11"),
        (
            {
                "risk_per_trade_bps": 1000,
                "max_order_notional": "900000",
                "max_symbol_notional": "900000",
                "max_total_notional": "900000",
            },
            "988",
        ),
    ],
)
def test_the_smallest_limit_sizes_the_entry(limits: dict[str, Any], qty: str) -> None:
    bench = limited(**limits)
    (result,) = bench.propose(proposal("AAA", 0, "100", stop_distance="1"))
    assert bench.order(result["client_id"])["qty"] == qty


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_order_notional": "99"}, "max_order_notional"),
        ({"max_symbol_notional": "99"}, "max_symbol_notional"),
        ({"max_total_notional": "99"}, "max_total_notional"),
    ],
)
def test_no_room_under_a_limit_names_the_limit(limits: dict[str, Any], code: str) -> None:
    bench = limited(**limits)
    assert code_of(bench, "AAA", 0, "100") == code
    refused(bench, code, symbol="AAA", side="buy", qty="1")


def test_no_free_balance() -> None:
    tight = Bench(opened=False)
    run(tight.desk.open(opening(cash="1000")))
    tight.bars(candle("AAA", 0, "100"))
    refused(tight, "free_balance", symbol="AAA", side="buy", qty="10")
    assert tight.place("AAA", "buy", "9")["qty"] == "9"
    refused(tight, "free_balance", symbol="AAA", side="buy", qty="1")


def test_the_count_of_positions_and_entries_is_limited(bench: Bench) -> None:
    bench.held("AAA", 1)
    bench.place("BBB", "buy", "1")
    bench.place("CCC", "buy", "1")
    refused(bench, "max_open_positions", symbol="DDD", side="buy", qty="1")
    assert code_of(bench, "DDD", 0, "100") == "max_open_positions"
    bench.place("CCC", "buy", "1")


def test_open_orders_are_limited_and_there_is_always_room_to_get_out() -> None:
    bench = limited(max_open_orders=3, max_open_positions=1)
    bench.held("AAA", 1)
    for _ in range(3):
        bench.place("AAA", "buy", "1", kind="limit", limit_price="20")
    refused(bench, "max_open_orders", symbol="AAA", side="buy", qty="1", kind="limit", limit_price="20")
    assert code_of(bench, "BBB", 0, "100") == "max_open_positions"
    assert bench.place("AAA", "sell", "1", kind="limit", limit_price="200", reduce_only=True)
    bench.call("cancel", client_id=next(iter(bench.state.orders)), by="me", idempotency_key="c")
    refused(bench, "max_open_orders", symbol="AAA", side="sell", qty="1", kind="limit", limit_price="200")


@pytest.mark.native
def test_the_most_orders_that_can_be_open_are_halted_and_stored_in_one_row() -> None:
    bench = limited(max_open_orders=500, max_orders_per_minute=10_000)
    bench.held("AAA", 1, price="90", qty="501")
    for _ in range(500):
        bench.place("AAA", "buy", "1", kind="limit", limit_price="20")
    for _ in range(500):
        bench.place("AAA", "sell", "1", kind="limit", limit_price="200", reduce_only=True)
    refused(bench, "max_open_orders", symbol="AAA", side="sell", qty="1", reduce_only=True)
    assert len(bench.state.json_text()) < 1_000_000
    bench.call("halt", by="me", reason="x")
    assert bench.call("view")["open_orders"] == 0


def test_the_order_rate_is_limited_for_entries_only() -> None:
    bench = limited(max_orders_per_minute=2)
    bench.held("AAA", 1)
    bench.place("BBB", "buy", "1")
    refused(bench, "order_rate", symbol="CCC", side="buy", qty="1")
    assert code_of(bench, "CCC", 0, "100") == "order_rate"
    bench.place("AAA", "sell", "1", reduce_only=True)
    bench.clock.advance(59_999)
    refused(bench, "order_rate", symbol="CCC", side="buy", qty="1")
    bench.clock.advance(1)
    bench.bars(candle("CCC", 2, "100"))
    assert bench.place("CCC", "buy", "1")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"symbol": "ZZZ", "side": "buy", "qty": "1"}, "unknown_instrument"),
        ({"symbol": "AAA", "side": "buy", "qty": "1.5"}, "lot"),
        ({"symbol": "AAA", "side": "buy", "qty": "2", "kind": "limit", "limit_price": "99.001"}, "tick"),
        ({"symbol": "AAA", "side": "buy", "qty": "2", "stop_price": "90.001"}, "tick"),
        ({"symbol": "AAA", "side": "buy", "qty": "2", "stop_price": "100"}, "stop_absurd"),
        ({"symbol": "AAA", "side": "buy", "qty": "2", "target_price": "99"}, "target_absurd"),
        ({"symbol": "AAA", "side": "buy", "qty": "2", "kind": "limit", "limit_price": "121"}, "price_absurd"),
        ({"symbol": "AAA", "side": "buy", "qty": "2", "kind": "limit", "limit_price": "9"}, "price_absurd"),
        ({"symbol": "AAA", "side": "sell", "qty": "2", "kind": "limit", "limit_price": "79"}, "price_absurd"),
        ({"symbol": "AAA", "side": "sell", "qty": "2", "kind": "limit", "limit_price": "1001"}, "price_absurd"),
        ({"symbol": "AAA", "side": "buy", "qty": "1000000000001"}, "qty_absurd"),
        ({"symbol": "AAA", "side": "buy", "qty": "501"}, "max_order_notional"),
        ({"symbol": "AAA", "side": "sell", "qty": "1"}, "short_not_allowed"),
        ({"symbol": "AAA", "side": "sell", "qty": "1", "reduce_only": True}, "no_position"),
    ],
)
def test_what_an_order_by_hand_is_refused_for(bench: Bench, order: dict[str, Any], code: str) -> None:
    refused(bench, code, **order)


def test_smallest_quantity_and_notional() -> None:
    bench = Bench(opened=False)
    run(bench.desk.open(opening(instruments=[instrument("AAA", min_qty="3", min_notional="500")])))
    bench.bars(candle("AAA", 0, "100"))
    refused(bench, "min_qty", symbol="AAA", side="buy", qty="2")
    refused(bench, "min_notional", symbol="AAA", side="buy", qty="4")
    bench.place("AAA", "buy", "5")
    bench.bars(candle("AAA", 1, "100"))
    bench.place("AAA", "sell", "4", reduce_only=True)
    bench.bars(candle("AAA", 2, "100"))
    # what is left is below the smallest order, and can still be got rid of
    assert bench.place("AAA", "sell", "1", reduce_only=True)


def test_an_instrument_in_another_currency_cannot_be_entered() -> None:
    bench = Bench(opened=False)
    run(bench.desk.open(opening(instruments=[instrument("AAA", quote="EUR", settle="EUR")])))
    bench.bars(candle("AAA", 0, "100"))
    refused(bench, "no_conversion", symbol="AAA", side="buy", qty="1")


def test_a_removed_instrument_takes_exits_only(bench: Bench) -> None:
    bench.held("AAA", 1)
    run(bench.desk.open(opening("BBB", limits=LIMITS)))
    refused(bench, "unknown_instrument", symbol="AAA", side="buy", qty="1")
    assert bench.place("AAA", "sell", "1", reduce_only=True)
    run(bench.desk.open(opening("AAA", "BBB", limits=LIMITS)))
    assert bench.place("AAA", "buy", "1")


def test_equity_unknown_refuses_to_size(bench: Bench) -> None:
    bench.held("AAA", 1)
    bench.desk.engine.market.marks.pop("us:AAA")
    assert code_of(bench, "BBB", 0, "100") == "equity_unknown"
    assert bench.call("view")["equity"] is None
    assert bench.call("positions")["items"][0]["unrealised"] is None


def test_nothing_is_sold_twice(bench: Bench) -> None:
    bench.held("AAA", 1, qty="10")
    bench.place("AAA", "sell", "6", kind="limit", limit_price="110")
    refused(bench, "short_not_allowed", symbol="AAA", side="sell", qty="5")
    refused(bench, "reduce_only", symbol="AAA", side="sell", qty="5", reduce_only=True)
    refused(bench, "reduce_only", symbol="AAA", side="buy", qty="1", reduce_only=True)
    # the strategy's exit takes what rests away first, and then sells all of it
    (result,) = bench.propose(proposal("AAA", 2, "100", action="exit", side="sell"))
    assert bench.order(result["client_id"])["qty"] == "10"
    assert [each["qty"] for each in bench.call("orders")["items"]] == ["10"]
    assert code_of(bench, "AAA", 2, "100", action="exit", side="sell", attempt=2) == "exit_pending"


def test_an_exit_closes_the_position_and_cancels_the_rest_of_the_entry(bench: Bench) -> None:
    entry = bench.propose(proposal("AAA", 0, "100"))[0]["client_id"]
    bench.bars(candle("AAA", 1, "100", volume="500"))
    assert bench.order(entry)["status"] == "partly_filled"
    (result,) = bench.propose(proposal("AAA", 1, "100", action="exit", side="sell"))
    assert bench.order(entry)["status"] == "cancelled"
    order = bench.order(result["client_id"])
    assert (order["qty"], order["reduce_only"], order["side"]) == ("50", True, "sell")
    bench.bars(candle("AAA", 2, "110"))
    assert bench.call("positions")["items"] == []
    assert bench.call("view")["realised"] == exact.text(50 * (Decimal("109.94") - Decimal("100.05")))


def test_an_exit_while_only_the_entry_works_cancels_the_entry(bench: Bench) -> None:
    entry = bench.propose(proposal("AAA", 0, "100"))[0]["client_id"]
    assert code_of(bench, "AAA", 0, "100", action="exit", side="sell") == "no_position"
    assert bench.order(entry)["status"] == "cancelled"


def test_orders_by_hand_and_their_cancelling(bench: Bench) -> None:
    order = bench.place("AAA", "buy", "5", kind="limit", limit_price="95", key="k", stop_price="90")
    assert order["client_id"] == ids.manual_order_id("alpha", "k")
    assert [each["client_id"] for each in bench.call("orders")["items"]] == [order["client_id"]]
    answer = bench.call("cancel", client_id=order["client_id"], by="me", idempotency_key="c")
    assert answer["order"]["status"] == "cancelling"
    assert bench.order(order["client_id"])["status"] == "cancelled"
    again = bench.call("cancel", client_id=order["client_id"], by="me", idempotency_key="c2")
    assert again["order"]["status"] == "cancelled"
    with pytest.raises(NotFound):
        bench.call("cancel", client_id="f" * 32, by="me", idempotency_key="c3")
    with pytest.raises(NotFound):
        bench.order("f" * 32)


def test_a_stop_given_by_hand_stays_where_it_was_put(bench: Bench) -> None:
    bench.held("AAA", 1, price="101", stop_price="90", target_price="120")
    (position,) = bench.call("positions")["items"]
    assert (position["stop_price"], position["target_price"]) == ("90", "120")


def test_an_order_id_that_exists_is_a_conflict_even_when_the_key_is_forgotten(bench: Bench) -> None:
    bench.place("AAA", "buy", "1", key="k")
    bench.sql.rows("DELETE FROM idempotency")
    with pytest.raises(Conflict):
        bench.place("AAA", "buy", "1", key="k")


def test_a_crossed_level_is_left_once_however_often_it_triggers(bench: Bench) -> None:
    bench.held("AAA", 1, stop_price="95")
    seen = quote("AAA", "94", "94.10", T0 + 3 * DAY + 5)
    (level,) = bench.call("heartbeat", quotes=[quote("AAA", "99", "99.1", T0 + 3 * DAY)])["levels"]
    assert (level["kind"], level["side"], level["price"]) == ("stop", "sell", "95")
    answer = bench.call("trigger", level=level, quote=seen)
    assert (answer["outcome"], answer["levels"]) == ("intended", [])
    for _ in range(3):
        again = bench.call("trigger", level=level, quote=seen)
        assert (again["outcome"], again["client_id"]) == ("stale_level", None)
    order = bench.order(answer["client_id"])
    assert (order["cause"], order["reduce_only"], order["market_ms"]) == ("stop", True, T0 + 3 * DAY + 5)
    assert bench.kinds().count("level_triggered") == 1
    # the bar in which it triggered does not fill it
    assert bench.bars(candle("AAA", 3, "94"))["fills"] == 0
    assert bench.bars(candle("AAA", 4, "93"))["fills"] == 1
    assert bench.call("positions")["items"] == []


def test_a_trigger_that_is_not_to_be_followed_says_why(bench: Bench) -> None:
    bench.held("AAA", 1, stop_price="95")
    (level,) = bench.call("heartbeat", quotes=[])["levels"]
    above = quote("AAA", "96", "96.1", T0 + 3 * DAY)
    assert bench.call("trigger", level=level, quote=above)["outcome"] == "not_crossed"
    old = quote("AAA", "94", "94.1", T0 + 3 * DAY, received_ms=NOW - 60_001)
    assert bench.call("trigger", level=level, quote=old)["outcome"] == "stale_data"
    moved = {**level, "price": "96"}
    assert bench.call("trigger", level=moved, quote=above)["outcome"] == "stale_level"
    with pytest.raises(Invalid):
        bench.call("trigger", level=level, quote=quote("BBB", "94", "94.1", T0))
    assert "level_triggered" not in bench.kinds()


def test_a_level_lost_by_the_book_is_caught_by_the_heartbeat_and_by_the_bar(bench: Bench) -> None:
    bench.held("AAA", 1, stop_price="95", target_price="110")
    answer = bench.call("heartbeat", quotes=[quote("AAA", "111", "111.1", T0 + 3 * DAY), quote("ZZZ", "1", "2", T0)])
    assert answer["levels"] == []
    assert bench.kinds()[-1] == "order_acknowledged"
    other = limited()
    other.held("AAA", 1, stop_price="95", target_price="110")
    other.bars(candle("AAA", 3, "100", "112", "94", "100"))
    (order,) = other.call("orders")["items"]
    assert (order["cause"], order["reference_price"]) == ("stop", "94")


def test_an_exit_that_was_cancelled_may_trigger_again_under_a_new_id(bench: Bench) -> None:
    bench.held("AAA", 1, stop_price="95")
    seen = quote("AAA", "94", "94.1", T0 + 3 * DAY)
    (level,) = bench.call("heartbeat", quotes=[])["levels"]
    first = bench.call("trigger", level=level, quote=seen)["client_id"]
    bench.call("cancel", client_id=first, by="me", idempotency_key="c")
    second = bench.call("trigger", level=level, quote=seen)["client_id"]
    assert second not in (None, first)


def test_a_proposal_has_one_id_forever() -> None:
    made = Proposal.parse(json.dumps(proposal("AAA", 0, "100")))
    assert client_id_for("alpha", made) == ids.client_order_id(
        "alpha", "sma_cross", 1, "c" * 32, "us:AAA", T0 + DAY, "buy", 1
    )
