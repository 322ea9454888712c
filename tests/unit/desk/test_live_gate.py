"""Real money: a checklist that has to hold, a person who arms it twice over, and everything that shuts it again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.desk import commands, live_gate
from shared.desk.commands import LiveFacts
from shared.desk.context import Context
from shared.desk.gatekeeper import RECORD_KEPT_MS
from shared.desk.registry import PROTECTIONS
from shared.errors import Conflict, Forbidden, Invalid, Refused
from shared.venues.venue import Credentials
from tests.unit.desk.bench import NOW, Bench, opening, run
from tests.unit.desk.remote import FAR, Remote, down, far, no

HOUR = 3_600_000
DAY = 24 * HOUR
HOURS = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "24:00"}


def every_protection() -> dict[str, dict[str, Any]]:
    return {name: {} for name in PROTECTIONS} | {"trading_hours": {"windows": [HOURS]}}


def rehearsed(bench: Bench, days: int = 30, mode: str = "demo", desk: str = "alpha-demo") -> None:
    insert = "INSERT INTO journal (desk, seq, v, at_ms, kind, body, hash) VALUES (?, ?, 1, ?, ?, ?, '')"
    run(
        bench.d1.rows(
            "INSERT INTO desks (desk, venue, currency, mode, opened_ms) VALUES (?, 'us', 'USD', ?, 0)", desk, mode
        )
    )
    for day in range(days):
        for n in range(2):
            run(bench.d1.rows(insert, desk, 2 * day + n + 1, NOW - day * DAY + n, "order_filled", "{}"))


def journal(bench: Bench, kind: str, name: str, seq: int) -> None:
    insert = "INSERT INTO journal (desk, seq, v, at_ms, kind, body, hash) VALUES ('alpha-demo', ?, 1, ?, ?, ?, '')"
    run(bench.d1.rows(insert, seq, NOW, kind, json.dumps({"id": name})))


def live(ceiling: str = "live", rehearsal: bool = True, **changes: Any) -> Bench:
    going = {**FAR, "mode": "live", "rehearsed_as": "alpha-demo", "protections": every_protection(), **changes}
    bench = far(Remote(), ceiling, **going)
    if rehearsal:
        rehearsed(bench)
    return bench


def arm(bench: Bench, hours: int = 1, keys: str = "a") -> dict[str, Any]:
    asked = bench.call("arm_request", by="edk_me", reason="we go", hours=hours, idempotency_key=f"{keys}1")
    return bench.call("arm_confirm", by="edk_me", confirm=asked["confirm"], idempotency_key=f"{keys}2")


def failing(bench: Bench) -> list[str]:
    return [item["code"] for item in bench.call("live_gate")["items"] if not item["ok"]]


def enters(bench: Bench) -> str:
    """The order's status, or the code it was refused for."""
    try:
        return str(bench.place("AAA", "buy", "1", kind="limit", limit_price="99")["status"])
    except Refused as refused:
        return refused.error_code


# --- the way there ---


def test_a_live_desk_begins_reducing_and_takes_no_entry_before_everything_holds() -> None:
    bench = live()
    assert bench.state.reductions.keys() == {"live_gate"}
    assert enters(bench) == "reducing"
    told = bench.call("live_gate")
    assert (told["mode"], told["open"], told["armed_until_ms"]) == ("live", False, 0)
    assert [item["code"] for item in told["items"]] == [
        "setting",
        "protections",
        "credentials",
        "withdrawal",
        "record",
        "differences",
        "armed",
    ]
    assert failing(bench) == ["armed"]
    assert all(item["remedy"] for item in told["items"])
    assert arm(bench) == {"armed_until_ms": NOW + HOUR}
    assert bench.call("live_gate")["open"]
    assert bench.state.reductions == {}
    assert enters(bench) == "intended"


@pytest.mark.parametrize(
    ("spoil", "item"),
    [
        (lambda b: setattr(b.desk.engine.gatekeeper, "_ceiling", "demo"), "setting"),
        (lambda b: run(b.desk.open(opening(**going(b, protections={})))), "protections"),
        (lambda b: setattr(b.remote, "rights", Credentials(valid=False)), "credentials"),
        (lambda b: setattr(b.remote, "rights", Credentials(valid=True, may_trade=False)), "credentials"),
        (lambda b: setattr(b.remote, "rights", Credentials(True, True, may_withdraw=True)), "withdrawal"),
        (lambda b: run(b.desk.open(opening(**going(b, rehearsal_days=31)))), "record"),
        (lambda b: run(b.desk.open(opening(**going(b, rehearsed_as=None)))), "record"),
        (lambda b: journal(b, "difference_found", "d1", 1000), "differences"),
    ],
)
def test_each_item_alone_keeps_it_shut_and_shuts_it_again_at_the_next_tick(spoil: Any, item: str) -> None:
    bench = live()
    arm(bench)
    assert enters(bench) == "intended"
    spoil(bench)
    assert failing(bench) == [item]
    bench.clock.advance(60_000)
    bench.desk.engine.gatekeeper._record = bench.desk.engine.gatekeeper._record._replace(read_ms=0)
    bench.call("tick")
    assert item in bench.state.reductions["live_gate"].reason
    assert enters(bench) == "reducing"


def going(bench: Bench, **changes: Any) -> dict[str, Any]:
    state = bench.state
    same = {"mode": "live", "trading": {"kind": "sandbox"}, "rehearsed_as": "alpha-demo"}
    return {**same, "protections": dict(state.protections), **changes}


def test_an_unresolved_difference_here_keeps_it_shut() -> None:
    bench = live()
    bench.remote.balances["USD"] += 1
    run(bench.desk.engine.looking.look())
    assert failing(bench) == ["differences", "armed"]


def test_a_difference_that_the_rehearsal_resolved_does_not_count() -> None:
    bench = live()
    journal(bench, "difference_found", "d1", 1000)
    journal(bench, "difference_resolved", "d1", 1001)
    journal(bench, "difference_found", "d2", 1002)
    journal(bench, "difference_resolved", "d2", 1003)
    assert failing(bench) == ["armed"]
    journal(bench, "difference_found", "d2", 1004)
    assert failing(bench) == ["differences", "armed"]


@pytest.mark.parametrize(("days", "mode", "ok"), [(30, "paper", True), (29, "demo", False), (40, "live", False)])
def test_the_record_counts_wall_days_of_a_paper_or_demo_desk(days: int, mode: str, ok: bool) -> None:
    bench = live(rehearsal=False)
    rehearsed(bench, days, mode)
    assert failing(bench) == (["armed"] if ok else ["record", "armed"])


def test_what_cannot_be_found_out_is_not_ok() -> None:
    bench = live()
    bench.d1.down = True
    assert failing(bench) == ["record", "differences", "armed"]
    bench.d1.down = False
    bench.remote.trouble.extend(down())
    assert failing(bench) == ["credentials", "withdrawal", "armed"]
    arm(bench)
    bench.d1.down = True
    bench.clock.advance(RECORD_KEPT_MS)
    bench.call("tick")
    assert enters(bench) == "reducing"


def test_a_venue_that_does_not_tell_of_withdrawals_is_said_to_but_not_held_against_the_desk() -> None:
    bench = live()
    bench.remote.rights = Credentials(valid=True)
    assert failing(bench) == ["armed"]
    (item,) = [each for each in bench.call("live_gate")["items"] if each["code"] == "withdrawal"]
    assert "does not tell" in item["detail"]


# --- arming ---


def test_an_arming_ends_with_its_time_on_the_very_next_command() -> None:
    bench = live()
    arm(bench, hours=1)
    bench.clock.advance(HOUR - 1)
    bench.call("tick")
    assert enters(bench) in ("intended", "stale_data")
    bench.clock.advance(1)
    # no tick and no alarm came in between
    assert enters(bench) == "live_gate"
    assert "live_gate" in bench.state.reductions
    assert enters(bench) == "reducing"


def test_the_alarm_shuts_it_when_nobody_asks() -> None:
    bench = live()
    arm(bench, hours=1)
    bench.clock.advance(HOUR)
    bench.fire()
    assert "live_gate" in bench.state.reductions


def test_disarming_is_effective_at_once_and_harmless_twice() -> None:
    bench = live()
    arm(bench)
    assert bench.call("disarm", by="me", reason="enough") == {"armed_until_ms": 0}
    assert bench.kinds()[-2:] == ["disarmed", "reduced"]
    before = bench.kinds()
    bench.call("disarm", by="me", reason="enough")
    assert bench.kinds() == before
    assert enters(bench) == "reducing"


def test_disarming_takes_a_request_back_too() -> None:
    bench = live()
    asked = bench.call("arm_request", by="me", reason="x", hours=1)
    bench.call("disarm", by="me", reason="no")
    with pytest.raises(Conflict) as caught:
        bench.call("arm_confirm", by="me", confirm=asked["confirm"])
    assert caught.value.error_code == "no_arm_request"


def test_arming_reads_the_record_anew_however_new_it_is() -> None:
    bench = live(rehearsal=False)
    bench.call("tick")
    rehearsed(bench)
    arm(bench)
    assert enters(bench) == "intended"


def test_a_venue_that_will_not_have_the_key_shuts_the_gate_and_does_not_break_the_tick() -> None:
    bench = live()
    arm(bench)
    # the credentials are all that a tick asks for here
    bench.remote.trouble.append(no())
    bench.call("tick")
    assert "credentials: the key is not known" in bench.state.reductions["live_gate"].reason
    assert enters(bench) == "reducing"


def test_the_second_step_needs_the_token_of_the_newest_request_within_five_minutes() -> None:
    bench = live()
    with pytest.raises(Conflict) as none:
        bench.call("arm_confirm", by="me", confirm="x")
    first = bench.call("arm_request", by="me", reason="x", hours=1)
    assert first["expires_ms"] == NOW + 300_000
    second = bench.call("arm_request", by="me", reason="x", hours=2)
    with pytest.raises(Forbidden) as wrong:
        bench.call("arm_confirm", by="me", confirm=first["confirm"])
    bench.clock.advance(300_000)
    with pytest.raises(Conflict) as late:
        bench.call("arm_confirm", by="me", confirm=second["confirm"])
    codes = [each.value.error_code for each in (none, wrong, late)]
    assert codes == ["no_arm_request", "confirm_wrong", "arm_expired"]
    assert second["confirm"] not in bench.state.json_text()


def test_a_week_at_most_and_only_a_live_desk() -> None:
    bench = live()
    with pytest.raises(Invalid):
        bench.call("arm_request", by="me", reason="x", hours=169)
    bench.call("arm_request", by="me", reason="x", hours=168)
    with pytest.raises(Conflict) as caught:
        far().call("arm_request", by="me", reason="x", hours=1)
    assert caught.value.error_code == "not_live"


def test_the_same_request_again_answers_the_same_token() -> None:
    bench = live()
    body = {"by": "me", "reason": "x", "hours": 1, "idempotency_key": "k"}
    first = bench.call("arm_request", **body)
    assert bench.call("arm_request", **body) == first
    assert bench.call("arm_confirm", by="me", confirm=first["confirm"])["armed_until_ms"] == NOW + HOUR


# --- after a pause, after a resume, after a change of the worker ---


def test_after_waking_the_gate_is_asked_again_before_anything_is_entered() -> None:
    bench = live()
    arm(bench)
    bench.reborn()
    bench.remote.calls.clear()
    assert enters(bench) == "intended"
    assert "credentials" in bench.remote.calls
    bench.reborn()
    bench.remote.rights = Credentials(valid=False)
    assert enters(bench) == "reducing"


def test_resuming_does_not_open_the_gate() -> None:
    bench = live()
    bench.call("halt", by="me", reason="x")
    confirm = bench.call("resume_request", by="me", reason="y")["confirm"]
    bench.call("resume_confirm", by="me", confirm=confirm)
    assert bench.state.reductions.keys() == {"live_gate"}
    assert enters(bench) == "reducing"


def test_a_demo_desk_needs_only_a_worker_that_allows_it() -> None:
    bench = far(ceiling="demo")
    assert enters(bench) == "intended"
    bench._shell["ceiling"] = "paper"
    bench.reborn()
    assert enters(bench) == "reducing"
    assert "TRADING_MODE" in bench.state.reductions["live_gate"].reason
    bench._shell["ceiling"] = "demo"
    bench.reborn().call("tick")
    assert enters(bench) == "intended"
    assert not bench.call("live_gate")["open"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mode": "demo"}, "mode"),
        ({"mode": "live"}, "mode"),
        ({"trading": {"kind": "sandbox"}}, "mode"),
        ({**FAR, "mode": "live"}, "mode"),
        ({"rehearsed_as": "alpha"}, "rehearsed_as"),
        ({"rehearsal_days": 0}, "rehearsal_days"),
    ],
)
def test_mode_and_venue_belong_together_under_the_workers_ceiling(changes: dict[str, Any], field: str) -> None:
    bench = Bench(opened=False, shell={"ceiling": "demo", "elsewhere": lambda _: Remote()})
    with pytest.raises(Invalid) as caught:
        run(bench.desk.open(opening(**changes)))
    assert caught.value.context["field"] == field


def test_where_a_desk_trades_cannot_change() -> None:
    bench = far()
    with pytest.raises(Conflict) as caught:
        run(bench.desk.open(opening()))
    assert caught.value.context["field"] in ("mode", "trading")


# --- the rules alone ---

FACTS = st.builds(
    LiveFacts,
    setting_live=st.booleans(),
    credentials=st.none() | st.builds(Credentials, st.booleans(), st.none() | st.booleans(), st.none() | st.booleans()),
    record_days=st.none() | st.integers(0, 60),
    record_open=st.none() | st.integers(0, 3),
)


@given(FACTS, st.integers(0, 3), st.booleans())
def test_it_opens_when_every_item_holds_and_never_otherwise(facts: LiveFacts, hours: int, stands: bool) -> None:
    state = LIVE.but(armed_until_ms=NOW + hours * HOUR, reductions=LIVE.reductions if stands else {})
    items = live_gate.checklist(state, facts, NOW)
    good = all(item.ok for item in items)
    found = live_gate.check(state, commands.CheckGate(facts), Context(NOW, {}))
    assert [event.kind for event in found] == (
        ["reduction_lifted"] if good and stands else ["reduced"] if not good and not stands else []
    )
    key = facts.credentials
    assert good == (
        facts.setting_live
        and key is not None
        and key.valid
        and key.may_trade is not False
        and key.may_withdraw is not True
        and facts.record_days is not None
        and facts.record_days >= 30
        and facts.record_open == 0
        and hours > 0
    )


LIVE = live().state
