"""The hand behind the sandbox's market, its faults by number and by chance, its limits, and its journal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid, NotFound, VenueUnavailable
from shared.model import OrderStatus
from tests.sandbox.control import control
from tests.sandbox.faults import Faults, Rule
from tests.sandbox.message import Request
from tests.sandbox.setup import Setup
from tests.unit.venues.contract.sandboxes import LoopbackWorld
from tests.unit.venues.contract.world import CASH


def rule(**fields: Any) -> Rule:
    return Rule.of(**{"endpoint": "place", "kind": "timeout_after", **fields})


def strikes(calls: int, *rules: Rule, seed: int = 1) -> list[int]:
    faults = Faults(seed)
    faults.replace(rules)
    return [call for call in range(1, calls + 1) if faults.take("place")]


@pytest.mark.parametrize(
    ("fields", "struck"),
    [
        ({}, [1]),
        ({"times": 3}, [1, 2, 3]),
        ({"times": 0}, [1, 2, 3, 4, 5, 6]),
        ({"nth": 4}, [4]),
        ({"nth": 4, "times": 2}, [4, 5]),
        ({"every": 2, "times": 0}, [2, 4, 6]),
        ({"every": 2, "times": 2}, [2, 4]),
        ({"endpoint": "*"}, [1]),
        ({"endpoint": "cancel"}, []),
    ],
)
def test_a_rule_strikes_at_its_calls(fields: dict[str, Any], struck: list[int]) -> None:
    assert strikes(6, rule(**fields)) == struck


@given(st.integers(0, 1000))
def test_chance_comes_from_the_seed(seed: int) -> None:
    by_chance = rule(probability=0.5, times=0)
    assert strikes(40, by_chance, seed=seed) == strikes(40, by_chance, seed=seed)
    assert 3 < len(strikes(40, by_chance, seed=seed)) < 37


def test_every_rule_counts_for_itself_and_the_first_that_strikes_counts() -> None:
    faults = Faults(1)
    faults.replace([rule(nth=2), rule(kind="garbage", nth=2), rule(kind="slow", times=0)])
    taken = [faults.take("place") for _ in range(3)]
    assert [each.kind if each else None for each in taken] == ["slow", "timeout_after", "slow"]


@pytest.mark.parametrize(
    "fields",
    [
        {"nth": 1, "every": 2},
        {"kind": "duplicate"},
        {"endpoint": "updates"},
        {"kind": "dance"},
        {"endpoint": "nowhere"},
        {"probability": 0},
        {"status": 404},
        {"surprise": 1},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        rule(**fields)


def test_a_setup_with_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(Invalid, match="ZZZ"):
        Setup.parse('{"prices": {"ZZZ": "1"}}')


def test_too_many_calls_are_refused_until_time_has_passed() -> None:
    world = LoopbackWorld(rate_per_s=2)
    world.run(world.venue.credentials())
    world.run(world.venue.credentials())
    with pytest.raises(VenueUnavailable) as failed:
        world.run(world.venue.credentials())
    assert failed.value.retry_after_s == 1
    world.push(1)
    assert world.run(world.venue.credentials()).valid


def test_while_the_venue_is_worked_on_nothing_is_done() -> None:
    world = LoopbackWorld()
    report = world.placed(limit="90")
    world._tell("maintenance", on=True)
    for call in (world.venue.account(0), world.venue.cancel(report.client_id, None), world.venue.credentials()):
        with pytest.raises(VenueUnavailable):
            world.run(call)
    world._tell("maintenance", on=False)
    assert world.ask(report) == report


def test_an_order_can_be_filled_cancelled_or_forgotten_by_the_venue() -> None:
    world = LoopbackWorld()
    filled, cancelled, forgotten, stop = (world.placed(limit="90") for _ in range(4))
    world._tell("fill", client_id=filled.client_id)
    assert world.ask(filled).status is OrderStatus.FILLED
    world._tell("cancel", client_id=cancelled.client_id)
    ended = world.ask(cancelled)
    assert (ended.status, ended.reason) == (OrderStatus.CANCELLED, "by_venue")
    world._tell("forget", order_id=forgotten.venue_order_id)
    assert world.run(world.venue.order(forgotten.client_id, None)) is None
    with pytest.raises(NotFound):
        world.cancel(forgotten)
    assert [each.client_id for each in world.run(world.venue.account(0)).orders] == [stop.client_id]


def test_a_stop_is_filled_by_moving_the_market_to_it() -> None:
    world = LoopbackWorld()
    stop = world.placed(trigger="105")
    world._tell("fill", client_id=stop.client_id)
    assert world.ask(stop).status is OrderStatus.FILLED


def test_money_and_holdings_can_change_without_a_trade() -> None:
    world = LoopbackWorld()
    before = world.run(world.venue.account(0))
    world._tell("adjust", asset="USD", amount="-0.01")
    world._tell("adjust", symbol="AAA", amount="3")
    after = world.run(world.venue.account(0))
    assert before.balances == {"USD": CASH}
    assert after.balances == {"USD": CASH - Decimal("0.01")}
    assert (after.positions or {})["us:AAA"] == 3


def test_a_walk_is_the_same_for_a_seed() -> None:
    walks = [LoopbackWorld(seed=3)._tell("walk", symbol="AAA", steps=5, bps=40)["prices"] for _ in range(2)]
    assert walks[0] == walks[1]


def test_the_journal_says_what_came_and_what_became_of_it() -> None:
    world = LoopbackWorld()
    order = world.order()
    world.fault("place", "timeout_after")
    with pytest.raises(VenueUnavailable):
        world.place(order)
    rows = world._loopback.exchange.journal.rows
    kinds = [row["kind"] for row in rows if row["kind"] != "control"]
    assert kinds == ["request", "placed", "filled", "answer"]
    assert [row["n"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[1]["fault"] == "timeout_after"
    text = str(rows)
    assert world._loopback.key.key not in text
    assert world._loopback.key.secret not in text


@given(st.binary(max_size=40), st.sampled_from(["move", "time", "faults", "place", "adjust", "nothing"]))
def test_no_bytes_break_the_control(body: bytes, word: str) -> None:
    world = LoopbackWorld()
    reply = control(world._loopback.exchange, Request("POST", f"/control/{word}", "", {}, body))
    assert reply.status in (200, 400, 404)
