"""Nobody there any more: what the rule makes of silence. The alarm that measures it stands in test_deadman.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.desk import commands
from shared.desk.protections.dead_man import DeadMan
from tests.unit.desk.bench import DAY
from tests.unit.desk.protections.core import Core


def silent(core: Core, what: str, ms: int) -> list[str]:
    return [event.kind for event in core.run(commands.DeadMan(what, ms))]


def test_a_silent_cron_reduces_then_halts_and_its_next_beat_lifts_the_reduction() -> None:
    core = Core()
    core.hold("AAA")
    assert silent(core, "cron", 180_000) == []
    assert silent(core, "cron", 180_001) == ["reduced"]
    assert core.reductions == {"deadman_cron"}
    assert core.place("BBB") == "reducing"
    assert core.review() == []
    assert silent(core, "cron", 400_000) == []
    assert silent(core, "cron", 0) == ["reduction_lifted"]
    assert silent(core, "cron", 0) == []
    assert silent(core, "cron", 600_000) == ["reduced"]
    entry = core.place("AAA", "sell", "1", reduce_only=True, kind="limit", limit_price="120")
    assert silent(core, "cron", 600_001)[0] == "halted"
    assert core.known.halt_code == "deadman_cron"
    assert core.order(entry).status in ("cancelling", "cancelled")
    assert silent(core, "cron", 0) == ["reduction_lifted"]
    assert core.status == "halted"


@pytest.mark.parametrize(
    ("interval_ms", "reduce_ms", "halt_ms"), [(60_000, 300_000, 1_800_000), (DAY, 2 * DAY, 2 * DAY)]
)
def test_data_may_always_be_silent_for_two_bars(interval_ms: int, reduce_ms: int, halt_ms: int) -> None:
    switch = DeadMan()
    assert switch.reduce_ms("data", interval_ms) == reduce_ms
    assert switch.halt_ms("data", interval_ms) == halt_ms


def test_zero_is_off_and_lifts_what_stands() -> None:
    core = Core({"dead_man": {"cron_reduce_s": 0, "cron_halt_s": 0}})
    assert silent(core, "cron", 10**9) == []
    core = Core({"dead_man": {"cron_reduce_s": 0}})
    assert silent(core, "cron", 599_999) == []
    assert silent(core, "cron", 600_001)[0] == "halted"


def test_on_halt_it_can_sell_all() -> None:
    core = Core({"dead_man": {"on_halt": "flatten"}})
    core.hold("AAA")
    assert silent(core, "data", 3 * DAY) == ["halted", "order_intended"]
    assert [order.cause for order in core.known.orders.values()] == ["flatten"]


@pytest.mark.parametrize(
    ("settings", "every_ms"),
    [({}, 90_000), ({"cron_reduce_s": 60}, 30_000), ({"venue_s": 60}, 20_000), ({"cron_reduce_s": 0}, 100_000)],
)
def test_the_alarm_looks_twice_within_the_shortest_limit(settings: dict[str, int], every_ms: int) -> None:
    assert DeadMan(**settings).look_every_ms == every_ms


@given(st.lists(st.tuples(st.sampled_from(["cron", "data"]), st.integers(0, 4 * DAY)), max_size=10))
def test_whatever_is_told_it_settles_and_a_reduction_stands_exactly_while_it_is_called_for(
    told: list[tuple[str, int]],
) -> None:
    core = Core()
    newest = {"cron": 0, "data": 0}
    for what, ms in told:
        silent(core, what, ms)
        assert silent(core, what, ms) == []
        newest[what] = ms
        if core.status == "halted":
            return
        called = {"deadman_cron"} if newest["cron"] > 180_000 else set()
        called |= {"deadman_data"} if newest["data"] > 2 * DAY else set()
        assert core.reductions == called
