"""The plan of a load run, and what is made of its samples."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bench.load.plan import CANCEL_AFTER_S, HALT_S, Plan, Sample, steps
from bench.load.report import Run, bars

pytestmark = pytest.mark.native


def plan(rate: float = 100.0, seconds: float = 10.0, desks: int = 1) -> Plan:
    names = tuple(f"d{number}" for number in range(desks))
    keys = {"url": "http://x", "trader": "t", "admin": "a", "instrument": "bench:B000"}
    return Plan(desks=names, rate=rate, seconds=seconds, halt_every_s=5.0, **keys)


def sample(at_s: float, ms: float, status: int = 200, code: str = "") -> Sample:
    return Sample(at_s=at_s, kind="place", ms=ms, late_ms=0.1, status=status, code=code)


@pytest.mark.parametrize(("rate", "seconds"), [(100.0, 10.0), (25.0, 60.0), (300.0, 10.0)])
def test_as_many_commands_are_due_as_the_rate_says(rate: float, seconds: float) -> None:
    assert len(steps(plan(rate, seconds))) in (rate * seconds, rate * seconds - 1)


def test_places_are_spread_evenly_and_each_is_cancelled_a_second_later() -> None:
    found = steps(plan())
    places = [each for each in found if each.kind == "place"]
    gaps = {round(later.at_s - each.at_s, 6) for each, later in pairwise(places)}
    assert max(gaps) - min(gaps) < 0.001
    for each in found:
        if each.kind == "cancel":
            assert each.after is not None
            before = found[each.after]
            assert (before.kind, before.desk) == ("place", each.desk)
            assert each.at_s == pytest.approx(before.at_s + CANCEL_AFTER_S)


def test_halts_and_their_ends_keep_their_order() -> None:
    found = steps(plan(desks=3))
    chain = [number for number, each in enumerate(found) if each.kind in ("halt", "resume", "confirm")]
    assert [found[number].kind for number in chain] == ["halt", "resume", "confirm"] * 2
    assert [found[number].after for number in chain] == [None, *chain[:-1]]
    assert [found[number].at_s for number in chain[:3]] == pytest.approx([5.0, 5.0 + HALT_S, 5.0 + HALT_S])
    assert {found[number].desk for number in chain[:3]} == {"d0"}


def test_the_desks_take_turns() -> None:
    desks = [each.desk for each in steps(plan(desks=4)) if each.kind == "place"]
    assert desks[:5] == ["d0", "d1", "d2", "d3", "d0"]


@pytest.mark.parametrize(
    ("status", "code", "failed"),
    [
        (200, "", False),
        (201, "", False),
        (422, "halted", False),
        (0, "skipped", False),
        (0, "timeout", True),
        (503, "peer_unavailable", True),
        (429, "rate_limited", True),
        (422, "order_rate", True),
    ],
)
def test_only_what_the_plan_leads_to_is_no_error(status: int, code: str, failed: bool) -> None:
    assert sample(0, 1, status, code).failed is failed


def test_a_run_counts_what_was_sent() -> None:
    samples = [sample(n / 10, n) for n in range(1, 21)]
    samples += [sample(0.5, 900, 422, "halted"), sample(0.6, 5000, 0, "skipped"), sample(1.5, 30, 0, "timeout")]
    run = Run.of("x", 1, 10.0, samples)
    assert (run.commands, run.errors, run.refused) == (22, 1, 1)
    assert (run.p50_ms, run.worst_ms) == (11, 900)
    assert run.codes == {"halted": 1, "timeout": 1}
    assert run.by_second == [900.0, 30.0, 20.0]


def test_bars_go_from_empty_to_a_full_block() -> None:
    assert bars([0, 4, 8]) == " ▄█"
    assert bars([16], most=8) == "█"
    assert bars([]) == ""
    assert bars([0, 0]) == "  "
