"""What a person is told of each event: title, detail, context and key, word by word."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import events as ev
from shared.desk.log import Record
from shared.desk.notices import MAX_WORDS, notice, tell
from shared.desk.state import Timebase
from shared.model import Money, Side, ids
from shared.model.alert import Alert

ID = "d" * 32
D = Decimal
USD = Money(amount=D(0), asset="USD")
FOUND: dict[str, Any] = {"fill_id": "f1", "instrument": "us:AAA", "side": Side.BUY, "qty": D("2.50"), "price": D(10)}

TOLD: list[tuple[ev.Event, str, str, str, dict[str, str | int], str]] = [
    (
        ev.Halted(by="me", reason="enough", code="asked"),
        "critical",
        "halted by me: enough",
        "enough",
        {"by": "me", "cause": "asked", "flatten": "no"},
        "",
    ),
    (
        ev.Halted(by="desk", reason="lost", code="daily_loss", hold_until_ms=9, flatten=True),
        "critical",
        "halted by desk: lost",
        "lost",
        {"by": "desk", "cause": "daily_loss", "flatten": "yes", "hold_until_ms": 9},
        "",
    ),
    (
        ev.Reduced(code="cron", by="desk", reason="late"),
        "warning",
        "no entries (cron): late",
        "late",
        {"by": "desk", "cause": "cron"},
        "cron",
    ),
    (
        ev.Reduced(code="cron", by="desk", reason="late", until_ms=0, clock=Timebase.MARKET),
        "warning",
        "no entries (cron): late",
        "late",
        {"by": "desk", "cause": "cron", "until_ms": 0, "clock": "market"},
        "cron",
    ),
    (
        ev.VenueLost(since_ms=5, detail="time-out"),
        "warning",
        "the venue does not answer",
        "time-out",
        {"since_ms": 5},
        "venue",
    ),
    (
        ev.DifferenceFound(id=ID, difference="cash", subject="USD", ours="1", theirs="2", detail="since noon"),
        "warning",
        "cash of USD: 1 here, 2 at the venue",
        "since noon",
        {"difference": ID, "kind": "cash", "subject": "USD", "ours": "1", "theirs": "2"},
        ID,
    ),
    (
        ev.FillFound(**FOUND, fee=USD, ts_ms=5, value=D(25), explanation="placed by hand"),
        "warning",
        "a fill of us:AAA that no order of ours asked for",
        "placed by hand",
        {"fill_id": "f1", "instrument": "us:AAA", "side": "buy", "qty": "2.5", "price": "10"},
        "f1",
    ),
    (
        ev.Armed(by="me", reason="rehearsed", until_ms=9),
        "warning",
        "armed by me",
        "rehearsed",
        {"by": "me", "until_ms": 9},
        "",
    ),
    (
        ev.LedgerAdjusted(asset="USD", amount=D("-1.50"), by="me", reason="interest"),
        "warning",
        "the ledger of USD was adjusted by me",
        "interest",
        {"by": "me", "of": "USD", "amount": "-1.5"},
        "",
    ),
    (
        ev.LedgerAdjusted(instrument="us:AAA", qty=D(3), cost=D(30), by="me", reason="split"),
        "warning",
        "the ledger of us:AAA was adjusted by me",
        "split",
        {"by": "me", "of": "us:AAA", "amount": "3"},
        "",
    ),
    (
        ev.LedgerAdjusted(by="me", reason="odd"),
        "warning",
        "the ledger of nothing was adjusted by me",
        "odd",
        {"by": "me", "of": "nothing", "amount": "0"},
        "",
    ),
    (
        ev.OrderUnknown(client_id=ID, reason="woke"),
        "info",
        "an order is in doubt: woke",
        "",
        {"order": ID, "cause": "woke"},
        "woke",
    ),
    (
        ev.DifferenceResolved(id=ID, how="accepted", by="me", reason="known"),
        "info",
        "a difference was resolved: accepted",
        "known",
        {"difference": ID, "by": "me"},
        "",
    ),
    (ev.Resumed(by="me", reason="fine"), "info", "resumed by me", "fine", {"by": "me"}, ""),
    (ev.Disarmed(by="me", reason="done"), "info", "disarmed by me", "done", {"by": "me"}, ""),
    (
        ev.ReductionLifted(code="cron", reason="came"),
        "info",
        "entries again (cron): came",
        "came",
        {"cause": "cron"},
        "",
    ),
    (ev.VenueBack(), "info", "the venue answers again", "", {}, ""),
]


def said(event: ev.Event, seq: int = 7, at_ms: int = 5) -> Alert:
    alert = notice("alpha", Record(seq, 1, at_ms, event.kind, "", "", ""), event)
    assert alert is not None
    return alert


@pytest.mark.parametrize(("event", "severity", "title", "detail", "context", "key"), TOLD)
def test_a_person_is_told(
    event: ev.Event, severity: str, title: str, detail: str, context: dict[str, str | int], key: str
) -> None:
    alert = said(event)
    assert (alert.severity.value, alert.title, alert.detail) == (severity, title, detail)
    assert alert.context == {**context, "seq": 7}
    assert (alert.code, alert.desk, alert.at_ms) == (event.kind, "alpha", 5)
    assert alert.dedupe_key == f"alpha:{event.kind}:{key or 7}"
    assert alert.id == ids.digest("alert", "alpha", 7)
    assert alert.resolves == ()


def test_every_kind_that_is_told_stands_here() -> None:
    from shared.desk import notices

    assert {type(event) for event, *_ in TOLD} == {*notices._WORDS}


def test_words_without_end_are_cut_and_a_time_before_all_time_is_the_first() -> None:
    alert = said(ev.Halted(by="me", reason="x" * 2000), at_ms=-5)
    assert (len(alert.detail), MAX_WORDS, alert.at_ms) == (1000, 1000, 0)
    assert said(ev.Resumed(by="y" * 2000, reason="")).context["by"] != "y" * 2000


def test_what_is_everyday_is_passed_over_and_the_rest_keeps_its_number() -> None:
    events: list[ev.Event] = [ev.ResumeExpired(), ev.VenueBack(), ev.ResumeExpired(), ev.Disarmed(by="me", reason="")]
    happened = [(Record(n, 1, 5, event.kind, "", "", ""), event) for n, event in enumerate(events, start=4)]
    assert [(each.alert.code, each.seq) for each in tell("alpha", happened).filed] == [
        ("venue_back", 5),
        ("disarmed", 7),
    ]
