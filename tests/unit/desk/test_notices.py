"""Which events a person hears of; and that no word holds up the outbox."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.desk import events as ev
from shared.desk.log import Record
from shared.desk.notices import notice, tell
from shared.model import ids
from shared.model.alert import MAX_RESOLVES, Alert
from tests.unit.desk.bench import NOW, Bench, candle, run

ID = "d" * 32
FILL = {"fill_id": "f1", "instrument": "us:AAA", "side": "buy", "qty": "2.50", "price": "10", "ts_ms": 5}
FILL |= {"fee": {"asset": "USD", "amount": "0"}, "value": "25", "explanation": "placed by hand"}
BODIES: dict[str, dict[str, Any]] = {
    "halted": {"by": "risk", "reason": "drawdown", "code": "drawdown", "hold_until_ms": 9, "flatten": True},
    "reduced": {"code": "daily_loss", "by": "risk", "reason": "3 % today", "until_ms": 7, "clock": "wall"},
    "venue_lost": {"since_ms": 5, "detail": "no answer"},
    "difference_found": {
        "id": ID, "difference": "qty", "subject": "us:AAA", "ours": "1", "theirs": "2", "detail": "since noon",
    },
    "fill_found": FILL,
    "armed": {"by": "edk_1", "reason": "rehearsed", "until_ms": 99},
    "ledger_adjusted": {"asset": "USD", "amount": "-1.50", "by": "edk_1", "reason": "interest"},
    "order_unknown": {"client_id": ID, "reason": "answer_lost"},
    "difference_resolved": {"id": ID, "how": "accepted", "by": "edk_1"},
    "resumed": {"by": "edk_1", "reason": "looked at it"},
    "disarmed": {"by": "edk_1", "reason": "done"},
    "reduction_lifted": {"code": "daily_loss", "reason": "a new day"},
    "venue_back": {},
}  # fmt: skip
SEVERITIES = {
    "critical": {"halted"},
    "warning": {"reduced", "venue_lost", "difference_found", "fill_found", "armed", "ledger_adjusted"},
    "info": {"order_unknown", "difference_resolved", "resumed", "disarmed", "reduction_lifted", "venue_back"},
}


def say(kind: str, seq: int = 7, **changes: Any) -> Alert:
    body = json.dumps({**BODIES[kind], **changes})
    record = Record(seq, 1, NOW, kind, body, "", "")
    found = notice("alpha", record, ev.read(kind, 1, body))
    assert found is not None
    return found


@pytest.mark.parametrize("kind", BODIES)
def test_an_event_that_matters_is_an_alert(kind: str) -> None:
    alert = say(kind)
    assert kind in SEVERITIES[alert.severity.value]
    assert (alert.id, alert.desk, alert.code, alert.at_ms) == (ids.digest("alert", "alpha", 7), "alpha", kind, NOW)
    assert alert.context["seq"] == 7
    assert alert == say(kind), "the same however often it is asked for"
    assert Alert.parse(alert.json_text()) == alert


def test_every_severity_is_decided() -> None:
    assert set().union(*SEVERITIES.values()) == set(BODIES)


def test_a_halt_says_by_whom_and_why() -> None:
    alert = say("halted")
    assert alert.title == "halted by risk: drawdown"
    assert alert.context == {"by": "risk", "cause": "drawdown", "flatten": "yes", "hold_until_ms": 9, "seq": 7}


def test_a_difference_says_what_is_where() -> None:
    assert say("difference_found").title == "qty of us:AAA: 1 here, 2 at the venue"


def test_an_adjustment_says_of_what_and_how_much() -> None:
    assert say("ledger_adjusted").context["amount"] == "-1.5"
    of_qty = {"asset": None, "amount": "0", "instrument": "us:AAA", "qty": "3", "cost": "30"}
    assert say("ledger_adjusted", **of_qty).context == {"by": "edk_1", "of": "us:AAA", "amount": "3", "seq": 7}


@pytest.mark.parametrize("kind", BODIES)
def test_every_halt_is_news_and_what_lasts_is_not(kind: str) -> None:
    lasting = {"reduced", "venue_lost", "difference_found", "fill_found", "order_unknown"}
    assert (say(kind, 7).dedupe_key == say(kind, 8).dedupe_key) is (kind in lasting)
    assert say(kind, 7).id != say(kind, 8).id


def test_another_cause_is_other_news() -> None:
    assert say("reduced").dedupe_key != say("reduced", code="drawdown").dedupe_key
    assert say("difference_found").dedupe_key != say("difference_found", id="e" * 32).dedupe_key


def test_the_everyday_is_no_alert() -> None:
    body = json.dumps({"client_id": ID, "by": "x", "reason": "y"})
    record = Record(1, 1, NOW, "order_cancel_requested", body, "", "")
    assert notice("alpha", record, ev.read("order_cancel_requested", 1, body)) is None


def happened(*kinds: str, first: int = 1) -> list[tuple[Record, ev.Event]]:
    bodies = [(seq, kind, json.dumps(BODIES[kind])) for seq, kind in enumerate(kinds, first)]
    return [(Record(seq, 1, NOW, kind, body, "", ""), ev.read(kind, 1, body)) for seq, kind, body in bodies]


def test_a_resume_names_the_halts_that_it_ends_and_only_those() -> None:
    told = tell("alpha", happened("halted", "halted", "resumed", "halted", "resumed", "resumed", "halted"))
    resolves = [each.alert.resolves for each in told.filed]
    one, two, four, seven = (f"alpha:halted:{seq}" for seq in (1, 2, 4, 7))
    assert resolves == [(), (), (one, two), (), (four,), (), ()]
    assert told.halts == [seven]
    assert [each.seq for each in told.filed] == [1, 2, 3, 4, 5, 6, 7]
    assert {each.alert.dedupe_key for each in told.filed} >= {one, two, four, seven}


def test_halts_told_before_are_ended_too_and_told_twice_are_kept_once() -> None:
    told = tell("alpha", happened("halted", first=5), ["alpha:halted:5"])
    assert told.halts == ["alpha:halted:5"]
    (resumed,) = tell("alpha", happened("resumed", first=9), told.halts).filed
    assert resumed.alert.resolves == ("alpha:halted:5",)


@given(st.lists(st.sampled_from(["halted", "resumed", "reduced", "venue_back"]), max_size=60), st.integers(0, 60))
def test_however_the_events_are_cut_into_batches_the_same_is_told(kinds: list[str], cut: int) -> None:
    events = happened(*kinds)
    whole, first = tell("alpha", events), tell("alpha", events[:cut])
    second = tell("alpha", events[cut:], first.halts)
    assert (first.filed + second.filed, second.halts) == whole
    assert all(Alert.parse(each.alert.json_text()) == each.alert for each in whole.filed)
    ended = [key for each in whole.filed for key in each.alert.resolves]
    assert len(set(ended)) == len(ended)
    assert max((len(each.alert.resolves) for each in whole.filed), default=0) <= MAX_RESOLVES


WORDS = st.text(max_size=600)


@given(WORDS, WORDS, WORDS, st.integers(-(2**60), 2**60))
def test_no_words_and_no_time_hold_up_the_outbox(by: str, reason: str, code: str, at_ms: int) -> None:
    for event in (
        ev.Halted(by=by, reason=reason, code=code),
        ev.Reduced(code=code, by=by, reason=reason, until_ms=at_ms),
        ev.VenueLost(since_ms=at_ms, detail=reason),
        ev.DifferenceFound(id=ID, difference=by, subject=code, ours=reason, theirs=by, detail=reason),
        ev.OrderUnknown(client_id=ID, reason=reason),
        ev.Resumed(by=by, reason=reason),
    ):
        alert = notice("alpha", Record(2**53 - 1, 1, at_ms, event.kind, "", "", ""), event)
        assert alert is not None
        assert Alert.parse(alert.json_text()) == alert


def test_a_resume_after_a_restart_names_its_halt() -> None:
    bench = Bench()
    bench.call("halt", by="edk_1", reason="enough")
    bench.call("tick")
    confirm = bench.reborn().call("resume_request", by="edk_1", reason="fine")["confirm"]
    bench.call("resume_confirm", by="edk_1", confirm=confirm)
    bench.call("tick")
    halted, resumed = (Alert.parse(row["body"]) for row in run(bench.d1.rows("SELECT body FROM alerts ORDER BY seq")))
    assert resumed.resolves == (halted.dedupe_key,)
    bench.call("halt", by="edk_1", reason="again")
    bench.call("tick")
    (again,) = run(bench.d1.rows("SELECT body FROM alerts ORDER BY seq DESC LIMIT 1"))
    assert Alert.parse(again["body"]).resolves == ()


def test_a_halt_reaches_d1_with_its_event_and_once() -> None:
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"))
    bench.call("halt", by="edk_1", reason="enough")
    bench.call("tick")
    (row,) = run(bench.d1.rows("SELECT * FROM alerts"))
    (event,) = run(bench.d1.rows("SELECT seq, at_ms FROM journal WHERE kind = 'halted'"))
    assert (row["desk"], row["seq"], row["at_ms"]) == ("alpha", event["seq"], event["at_ms"])
    assert (row["severity"], row["state"], row["due_ms"]) == ("critical", "pending", 0)
    assert Alert.parse(row["body"]).title == "halted by edk_1: enough"
    bench.desk.engine.session.store.put_meta("outbox_seq", "0")
    bench.reborn().call("tick")
    assert len(run(bench.d1.rows("SELECT * FROM alerts"))) == 1
