"""What the gate is told: how long the record of another desk is kept, and what a venue's no means."""

from __future__ import annotations

from typing import Any

import pytest

from shared.desk.gatekeeper import RECORD_KEPT_MS, TIMER
from tests.unit.desk.bench import NOW, Bench, run
from tests.unit.desk.remote import FAR, down, far, no
from tests.unit.desk.test_live_gate import HOUR, arm, enters, journal, live

AHEAD = 3 * HOUR


def reads(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What D1 is asked for, from now on."""
    seen: list[tuple[Any, ...]] = []
    ask = bench.d1.rows

    async def rows(sql: str, *params: Any) -> Any:
        if "journal" in sql:
            seen.append(params)
        return await ask(sql, *params)

    monkeypatch.setattr(bench.d1, "rows", rows)
    return seen


def test_the_record_is_read_again_when_it_is_ten_minutes_old(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (TIMER, RECORD_KEPT_MS) == ("gate", 600_000)
    bench = live()
    gatekeeper = bench.desk.engine.gatekeeper
    run(gatekeeper.check())
    read_ms = bench.clock.now_ms()
    seen = reads(bench, monkeypatch)
    run(gatekeeper.check())
    bench.clock.advance(read_ms + RECORD_KEPT_MS - 1 - bench.clock.now_ms())
    assert gatekeeper._record.read_ms == NOW
    run(gatekeeper.check())
    assert seen == []
    bench.clock.advance(1)
    run(gatekeeper.check())
    assert seen == [("alpha-demo",)] * 2
    run(gatekeeper.check(anew=True))
    assert len(seen) == 4
    run(gatekeeper.facts())
    assert len(seen) == 4


def test_what_the_gate_is_told() -> None:
    bench = live()
    journal(bench, "difference_found", "d1", 1000)
    facts = run(bench.desk.engine.gatekeeper.facts(anew=True))
    assert (facts.setting_live, facts.setting_own, facts.credentials) == (True, True, bench.remote.rights)
    assert (facts.record_days, facts.record_open) == (30, 1)
    bench.d1.down = True
    facts = run(bench.desk.engine.gatekeeper.facts(anew=True))
    assert (facts.record_days, facts.record_open) == (None, None)


def test_a_key_that_the_venue_refuses_is_not_valid_and_no_answer_is_not_known() -> None:
    bench = live()
    bench.remote.trouble.append(no())
    told = run(bench.desk.engine.gatekeeper.facts()).credentials
    assert told.valid is False
    assert told.detail == "the key is not known"
    bench.remote.trouble.extend(down())
    assert run(bench.desk.engine.gatekeeper.facts()).credentials is None


def test_a_desk_that_nothing_rehearsed_for_has_no_record() -> None:
    facts = run(live(rehearsed_as=None).desk.engine.gatekeeper.facts())
    assert (facts.record_days, facts.record_open) == (0, 0)


def test_the_gate_is_asked_again_when_the_arming_ends() -> None:
    bench = live()
    arm(bench)
    timer = "SELECT due_ms FROM timers WHERE name = 'gate'"
    assert bench.sql.rows(timer) == [(NOW + HOUR,)]
    assert bench.desk.engine.session.live_open is True
    bench.clock.advance(HOUR)
    bench.fire()
    assert bench.sql.rows(timer) == []
    assert bench.desk.engine.session.live_open is False
    assert "live_gate" in bench.state.reductions


def test_a_paper_desk_has_no_gate_and_any_other_passes_its_own_anew_after_waking() -> None:
    paper = Bench()
    run(paper.desk.engine.gatekeeper.check())
    assert paper.desk.engine.session.live_open is True
    assert paper.kinds().count("reduced") == 0
    demo = far(**FAR)
    assert enters(demo) == "intended"
    demo.reborn()
    assert demo.state.mode == "demo"
    assert demo.desk.engine.session.live_open is None
    run(demo.desk.engine.gatekeeper.first())
    assert demo.desk.engine.session.live_open is True
    calls = len(demo.remote.calls)
    demo.desk.engine.session.live_open = None
    # one that was asked in this waking is left to the tick
    run(demo.desk.engine.gatekeeper.first())
    assert demo.desk.engine.session.live_open is None
    assert len(demo.remote.calls) == calls
