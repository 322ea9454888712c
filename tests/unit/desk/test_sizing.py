"""What a proposal may say about its entry: how much, on which terms, and never past the desk's own limits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model import exact
from tests.unit.desk.bench import DAY, LIMITS, T0, Bench, candle, opening, proposal, run

DISTANCE = Decimal(5)
CASH = Decimal(100_000)


def desk(**changes: Any) -> Bench:
    bench = Bench(opened=False)
    run(bench.desk.open(opening(limits={**LIMITS, **changes}, paper={**opening()["paper"], "resting_stops": True})))
    bench.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB")])
    return bench


def entered(bench: Bench, **changes: Any) -> dict[str, Any]:
    (result,) = bench.propose(proposal("AAA", 0, "100", **changes))
    assert result["outcome"] == "intended", result
    return bench.order(result["client_id"])


def code_of(bench: Bench, **changes: Any) -> str | None:
    (result,) = bench.propose(proposal("AAA", 0, "100", **changes))
    code: str | None = result["code"]
    return code


@pytest.mark.parametrize(
    ("size", "qty"),
    [
        (None, "200"),  # the desk's own: 1 % of 100,000 over 5 a share
        ({"risk_bps": "50"}, "100"),
        ({"risk_bps": "12.5"}, "25"),
        ({"risk_bps": "5000"}, "200"),
        ({"exposure": "0.1"}, "100"),
        ({"exposure": "0.1234"}, "123"),
        ({"exposure": "3"}, "200"),
        ({"qty": "7.9"}, "7"),
        ({"qty": "100000"}, "200"),
    ],
)
def test_a_size_is_taken_within_the_desks_own_risk(size: dict[str, str] | None, qty: str) -> None:
    assert entered(desk(), size=size)["qty"] == qty


def test_the_smallest_order_there_is_may_be_bought() -> None:
    assert entered(desk(), size={"qty": "1"})["qty"] == "1"


@pytest.mark.parametrize("size", [{"risk_bps": "0.01"}, {"exposure": "0.0001"}, {"qty": "0.5"}])
def test_a_size_below_the_smallest_order_is_refused(size: dict[str, str]) -> None:
    assert code_of(desk(), size=size) == "min_qty"


def test_every_other_limit_bounds_a_size_too() -> None:
    assert entered(desk(max_order_notional="1550"), size={"exposure": "0.9"})["qty"] == "15"


@settings(deadline=None, max_examples=40)
@given(
    kind=st.sampled_from(["risk_bps", "exposure", "qty"]),
    much=st.decimals("0.000001", "1000000", places=6),
    bps=st.integers(1, 1000),
    most=st.integers(1000, 90_000),
)
def test_no_size_is_ever_above_the_limits(kind: str, much: Decimal, bps: int, most: int) -> None:
    bench = desk(risk_per_trade_bps=bps, max_order_notional=str(most))
    (result,) = bench.propose(proposal("AAA", 0, "100", size={kind: exact.text(much)}))
    if result["outcome"] == "refused":
        assert result["code"] in ("min_qty", "max_order_notional")
        return
    qty = Decimal(bench.order(result["client_id"])["qty"])
    assert qty * DISTANCE <= CASH * bps / 10_000
    assert qty * 100 <= most
    wanted = {"risk_bps": CASH * much / 10_000 / DISTANCE, "exposure": CASH * much / 100, "qty": much}[kind]
    assert qty <= wanted


def test_a_limit_entry_rests_at_its_tick_and_is_sized_and_stopped_from_there() -> None:
    bench = desk()
    order = entered(bench, kind="limit", limit_price="98.017", target_distance="8")
    assert (order["kind"], order["limit_price"], order["status"]) == ("limit", "98.01", "acknowledged")
    assert (order["reference_price"], order["stop_price"], order["target_price"]) == ("98.01", "93.01", "106.01")
    assert order["qty"] == "200"
    bench.bars(candle("AAA", 1, "99", low="97"))
    (position,) = bench.call("positions")["items"]
    assert (position["qty"], position["average_price"], position["stop_price"]) == ("200", "98.01", "93.01")


def test_a_stop_entry_sets_off_above_the_price() -> None:
    bench = desk()
    order = entered(bench, kind="stop", trigger_price="103.001")
    assert (order["trigger_price"], order["stop_price"], order["reference_price"]) == ("103.01", "98.01", "103.01")
    assert bench.bars(candle("AAA", 1, "101"))["fills"] == 0
    assert bench.bars(candle("AAA", 2, "102", high="104"))["fills"] == 1


def test_a_stop_limit_entry_has_both_prices() -> None:
    order = entered(desk(), kind="stop_limit", trigger_price="103", limit_price="103.509")
    assert (order["trigger_price"], order["limit_price"], order["stop_price"]) == ("103", "103.5", "98.5")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "limit", "limit_price": "0.001"}, "tick"),
        ({"kind": "limit", "limit_price": "130"}, "price_absurd"),
        ({"kind": "limit", "limit_price": "4"}, "price_absurd"),
        ({"kind": "limit", "limit_price": "5"}, "stop_absurd"),
        ({"kind": "stop", "trigger_price": "99"}, "trigger_absurd"),
        ({"kind": "stop_limit", "trigger_price": "103", "limit_price": "150"}, "price_absurd"),
        ({"good_till_ms": T0}, "good_till_past"),
        ({"kind": "limit", "limit_price": "98", "price": "130"}, "price_absurd"),
    ],
)
def test_the_terms_pass_the_gates_of_an_order_by_hand(changes: dict[str, Any], code: str) -> None:
    stop = {"stop_distance": "1"} if changes.get("limit_price") == "4" else {}
    bench = desk()
    (result,) = bench.propose(proposal("AAA", 0, changes.pop("price", "100"), **stop, **changes))
    assert result["code"] == code


def test_where_no_stop_may_rest_a_stop_entry_is_refused() -> None:
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"))
    assert code_of(bench, kind="stop", trigger_price="103") == "not_offered"


def test_an_entry_ends_when_its_time_is_over() -> None:
    bench = desk()
    order = entered(bench, kind="limit", limit_price="90", good_till_ms=T0 + 3 * DAY)
    assert (order["time_in_force"], order["good_till_ms"]) == ("gtd", T0 + 3 * DAY)
    bench.bars(candle("AAA", 1, "100"))
    assert bench.order(order["client_id"])["status"] == "acknowledged"
    bench.bars(candle("AAA", 2, "100"))
    assert bench.order(order["client_id"])["status"] == "expired"


def test_a_waiting_entry_counts_as_a_position() -> None:
    bench = desk()
    entered(bench, kind="limit", limit_price="90")
    assert code_of(bench, attempt=2) == "already_in_position"


def test_a_trailing_entry_is_sized_on_its_distance_and_follows_the_price() -> None:
    bench = desk()
    order = entered(bench, stop_distance=None, trail_distance="4")
    assert (order["qty"], order["trail_distance"], order["stop_price"]) == ("250", "4", "96")
    bench.bars(candle("AAA", 1, "100"))
    (position,) = bench.call("positions")["items"]
    assert (position["trail_distance"], position["stop_price"]) == ("4", "96.05")
    bench.bars(candle("AAA", 2, "110", close="112"))
    (position,) = bench.call("positions")["items"]
    assert Decimal(position["stop_price"]) > 100


def test_an_exit_knows_no_end_and_no_distances() -> None:
    bench = desk()
    entered(bench)
    bench.bars(candle("AAA", 1, "100"))
    leaving = proposal(
        "AAA", 1, "100", action="exit", side="sell", good_till_ms=T0 + 9 * DAY, trail_distance="3", size={"qty": "1"}
    )
    (result,) = bench.propose(leaving)
    order = bench.order(result["client_id"])
    assert (order["qty"], order["time_in_force"], order["trail_distance"]) == ("200", "gtc", None)
