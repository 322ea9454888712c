"""A venue that does not answer."""

from __future__ import annotations

import pytest

from shared.desk import commands
from tests.unit.desk.protections.core import Core


def silent(core: Core, for_ms: int) -> list[str]:
    return [event.kind for event in core.run(commands.VenueSilent(core.now_ms - for_ms, "time-out"))]


def test_it_reduces_when_the_venue_was_silent_for_longer_and_lifts_when_it_answers() -> None:
    core = Core()
    core.hold("AAA")
    assert silent(core, 30_000) == []
    assert silent(core, 30_001) == ["venue_lost", "reduced"]
    assert core.reductions == {"venue_down"}
    assert silent(core, 40_000) == []
    assert core.place("BBB") == "reducing"
    assert len(core.place("AAA", "sell", "10", reduce_only=True)) == 32
    found = core.run(commands.VenueAnswered())
    assert [event.kind for event in found] == ["venue_back", "reduction_lifted"]
    assert core.status == "active"
    assert core.run(commands.VenueAnswered()) == []


def test_with_for_s_it_stays_that_long_though_the_venue_is_back() -> None:
    core = Core({"venue_down": {"for_s": 60}})
    silent(core, 31_000)
    core.now_ms += 59_999
    assert [event.kind for event in core.run(commands.VenueAnswered())] == ["venue_back"]
    core.now_ms += 1
    assert core.review() == ["reduction_lifted"]


@pytest.mark.parametrize("calls_for", ["refuse", "halted"])
def test_it_can_refuse_or_halt(calls_for: str) -> None:
    core = Core({"venue_down": {"calls_for": calls_for, "after_s": 1}})
    silent(core, 1001)
    assert core.place("AAA") == ("venue_down" if calls_for == "refuse" else "halted")


def test_a_resume_while_the_venue_is_silent_stops_the_desk_again_at_once() -> None:
    core = Core({"venue_down": {"calls_for": "halted"}})
    silent(core, 31_000)
    core.run(commands.RequestResume("adm", "hm", "h"))
    found = core.run(commands.ConfirmResume("adm", "h"))
    assert [event.kind for event in found] == ["resumed", "halted"]
