"""Alerts on their way: in order, at least once, to as many channels as they need, and no secret on the way."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cron import alerts
from cron.consumer import ACK, consume
from cron.context import Context, Done
from cron.minute import minute
from shared.alerts import rows
from shared.alerts.channel import ChannelRefused, ChannelUnavailable
from shared.alerts.config import AlertChannels
from shared.alerts.plan import CHANNEL_FAILED, MAX_TRIES
from shared.errors import StorageUnavailable
from shared.model.alert import Alert
from shared.model.ids import digest
from tests.unit.cron.world import MINUTE_MS, World, settings

ROUTES = {"critical": ["pager", "chat", "mail"], "warning": ["chat", "mail"]}


class Stand:
    """A channel in memory; `fail` may raise."""

    def __init__(self, fail: Callable[[Alert], None] = lambda alert: None) -> None:
        self.fail = fail
        self.got: list[Alert] = []
        self.asked = 0

    async def send(self, alert: Alert) -> int:
        await asyncio.sleep(0)
        self.asked += 1
        self.fail(alert)
        self.got.append(alert)
        return 202


def unavailable(rest_s: float | None = None) -> Callable[[Alert], None]:
    def fail(_: Alert) -> None:
        raise ChannelUnavailable("answered 503", retry_after_s=rest_s, http=503)

    return fail


def refused(_: Alert) -> None:
    raise ChannelRefused("answered 401", http=401)


class Office:
    """The world of the jobs, with three channels."""

    def __init__(self, routes: dict[str, list[str]] | None = None, repeat_s: int = 3600, per_minute: int = 20) -> None:
        self.world = World(config=settings(books=False))
        self.stands = {name: Stand() for name in ("pager", "chat", "mail")}
        wanted = {name: {"kind": "slack", "per_minute": per_minute} for name in self.stands}
        whole = {"channels": wanted, "routes": ROUTES if routes is None else routes, "repeat_s": repeat_s}
        parsed = AlertChannels.parse(json.dumps(whole))
        self.world.settings = self.world.settings.model_copy(update={"ALERTS": parsed})
        self.filed = 0

    def __getattr__(self, name: str) -> Stand:
        return self.stands[name]

    def file(self, severity: str = "critical", channel: str | None = None, **changes: Any) -> str:
        """Files an alert now; its id."""
        self.filed += 1
        now_ms = self.world.clock.now_ms()
        fields: dict[str, Any] = {
            "id": digest(self.filed),
            "desk": "alpha",
            "severity": severity,
            "code": "halted",
            "dedupe_key": f"key:{self.filed}",
            "title": "halted",
            "at_ms": now_ms,
        }
        alert = Alert.parse(json.dumps({**fields, **changes}))
        asyncio.run(self.world.db.batch(rows.insert([rows.Filed(alert, channel=channel)])))
        return alert.id

    @property
    def context(self) -> Context:
        ports = replace(self.world.ports, channels=self.stands)
        return Context(ports, self.world.settings, self.world.clock.now_ms())

    def run(self, after_ms: int = 0) -> Done:
        self.world.clock.advance(after_ms)
        return asyncio.run(alerts.run(self.context))

    def row(self, alert_id: str) -> dict[str, Any]:
        return self.world.db.all("SELECT * FROM alerts WHERE id = ?", alert_id)[0]

    def told(self, alert_id: str) -> tuple[str, str | None, int | None]:
        row = self.row(alert_id)
        return row["state"], row["reason"], row["due_ms"]

    def attempts(self, alert_id: str) -> list[tuple[str, int, int | None]]:
        found = self.world.db.all("SELECT * FROM alert_attempts WHERE alert_id = ? ORDER BY rowid", alert_id)
        return [(row["channel"], row["ok"], row["status"]) for row in found]

    def failures(self) -> list[dict[str, Any]]:
        return self.world.db.all("SELECT * FROM alerts WHERE code = ? ORDER BY at_ms, id", CHANNEL_FAILED)


def test_a_halt_reaches_two_channels_in_the_order_of_the_route() -> None:
    office = Office()
    halt = office.file()
    assert office.run() == Done({"due": 1, "suppressed": 0, "attempts": 2, "attempts_failed": 0, "delivered": 1})
    assert office.told(halt) == ("delivered", None, None)
    assert office.attempts(halt) == [("pager", 1, 202), ("chat", 1, 202)]
    assert not office.mail.got
    assert office.run().counts == {"due": 0}


def test_a_warning_reaches_one_channel() -> None:
    office = Office()
    office.file("warning")
    office.run()
    assert (len(office.chat.got), len(office.mail.got), len(office.pager.got)) == (1, 0, 0)


def test_what_nobody_wants_to_hear_is_only_recorded() -> None:
    office = Office()
    info = office.file("info")
    office.run()
    assert office.told(info) == ("recorded", None, None)
    assert office.attempts(info) == []


def test_a_failing_channel_is_followed_by_the_next_and_told_of() -> None:
    office = Office()
    office.pager.fail = refused
    halt = office.file()
    done = office.run()
    assert office.told(halt) == ("delivered", None, None)
    assert office.attempts(halt) == [("pager", 0, 401), ("chat", 1, 202), ("mail", 1, 202)]
    assert done.problems == ("pager: channel_refused: answered 401",)
    (failed,) = office.failures()
    assert (failed["severity"], failed["dedupe_key"]) == ("warning", f"{CHANNEL_FAILED}:pager")
    office.run(MINUTE_MS)
    assert [alert.code for alert in office.chat.got] == ["halted", CHANNEL_FAILED]
    assert office.chat.got[-1].context == {"channel": "pager", "kind": "slack"}


def test_a_channel_that_may_be_asked_again_is_asked_three_times() -> None:
    office = Office()
    office.pager.fail = unavailable()
    halt = office.file()
    office.run()
    assert office.attempts(halt) == [("pager", 0, 503)] * 3 + [("chat", 1, 202), ("mail", 1, 202)]
    assert office.world.waits.slept == [0.375, 0.75]


def test_a_short_rest_is_waited_for() -> None:
    office = Office()

    def once(_: Alert) -> None:
        office.pager.fail = lambda alert: None
        unavailable(4.0)(_)

    office.pager.fail = once
    halt = office.file()
    office.run()
    assert office.attempts(halt) == [("pager", 0, 503), ("pager", 1, 202), ("chat", 1, 202)]
    assert office.world.waits.slept == [4.0]
    assert not office.failures()


def test_a_long_rest_is_kept_by_the_next_runs_too() -> None:
    office = Office()
    office.chat.fail = unavailable(600.0)
    first = office.file("warning")
    office.run()
    assert office.attempts(first) == [("chat", 0, 503), ("mail", 1, 202)]
    office.file("warning")
    office.run(5 * MINUTE_MS)
    assert office.chat.asked == 1
    office.chat.fail = lambda alert: None
    office.file("warning")
    office.run(6 * MINUTE_MS)
    assert len(office.chat.got) >= 1


def test_a_channel_that_still_rests_is_told_of_again_once_the_window_is_over() -> None:
    office = Office(repeat_s=60)
    office.chat.fail = unavailable(600.0)
    office.file("warning")
    office.run()
    office.file("warning")
    office.run(5 * MINUTE_MS)
    assert office.chat.asked == 1
    assert [row["dedupe_key"] for row in office.failures()] == [f"{CHANNEL_FAILED}:chat"] * 2
    assert "left alone" in json.loads(office.failures()[-1]["body"])["detail"]


def test_a_channel_that_failed_is_not_asked_again_in_the_same_run() -> None:
    office = Office()
    office.chat.fail = refused
    for _ in range(5):
        office.file("warning")
    office.run()
    assert (office.chat.asked, len(office.mail.got)) == (1, 5)
    assert len(office.failures()) == 1


def test_a_halt_that_reaches_only_one_says_so_loudly_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    office = Office()
    office.pager.fail = office.mail.fail = refused
    halt = office.file()
    office.run()
    state, reason, due_ms = office.told(halt)
    assert (state, due_ms) == ("unreached", office.world.clock.now_ms() + MINUTE_MS)
    assert reason == "reached 1 of 2 (chat); pager: channel_refused: answered 401; mail: channel_refused: answered 401"
    assert [record.levelno for record in caplog.records if record.message == "alert_unreached"] == [logging.ERROR]
    office.mail.fail = lambda alert: None
    office.run(MINUTE_MS)
    assert office.told(halt) == ("delivered", None, None)
    assert [alert.id for alert in office.chat.got].count(halt) == 1, "who has it is not told again"


def test_a_halt_that_reaches_nobody_is_given_up_in_the_end(caplog: pytest.LogCaptureFixture) -> None:
    office = Office()
    for stand in office.stands.values():
        stand.fail = refused
    halt = office.file()
    for _ in range(MAX_TRIES):
        assert office.row(halt)["due_ms"] is not None
        office.run(20 * MINUTE_MS)
    state, reason, due_ms = office.told(halt)
    assert (state, due_ms, office.row(halt)["tries"]) == ("unreached", None, MAX_TRIES)
    assert reason is not None and reason.startswith("reached 0 of 2; pager: ")
    asked = office.pager.asked
    office.run(60 * MINUTE_MS)
    assert office.pager.asked == asked


def test_a_halt_without_any_channel_is_unreached_and_says_why() -> None:
    office = Office(routes={})
    halt = office.file()
    office.run()
    why = "reached 0 of 2; ALERTS routes critical to 0 channels, it needs 2"
    assert office.told(halt) == ("unreached", why, None)


def test_the_failure_to_tell_of_a_failure_is_no_alert() -> None:
    office = Office()
    for stand in office.stands.values():
        stand.fail = refused
    office.file("warning")
    for _ in range(30):
        office.run(MINUTE_MS)
    assert sorted(json.loads(row["body"])["context"]["channel"] for row in office.failures()) == ["chat", "mail"]


def test_a_channel_is_not_told_of_its_own_failure() -> None:
    office = Office(routes={"warning": ["chat"]})
    office.chat.fail = refused
    office.file("warning")
    office.run()
    (failed,) = office.failures()
    asked = office.chat.asked
    office.run()
    assert office.chat.asked == asked
    assert office.told(failed["id"])[0] == "unreached"


def test_the_same_again_is_only_counted() -> None:
    office = Office()
    first = office.file("warning", dedupe_key="same")
    again = []
    for _ in range(3):
        office.world.clock.advance(MINUTE_MS)
        again.append(office.file("warning", dedupe_key="same"))
    assert office.run().counts["suppressed"] == 3
    assert len(office.chat.got) == 1
    assert {(office.row(each)["state"], office.row(each)["same_as"]) for each in again} == {("suppressed", first)}
    office.world.clock.advance(58 * MINUTE_MS)
    office.file("warning", dedupe_key="same")
    office.run()
    assert len(office.chat.got) == 2


def test_the_window_begins_at_what_was_sent_not_at_what_was_counted() -> None:
    office = Office(repeat_s=600)
    for _ in range(31):
        office.file("warning", dedupe_key="same")
        office.run()
        office.world.clock.advance(MINUTE_MS)
    assert len(office.chat.got) == 4


def test_what_nobody_got_does_not_silence_the_next() -> None:
    office = Office(routes={})
    first = office.file(dedupe_key="same")
    office.run()
    office.world.clock.advance(MINUTE_MS)
    second = office.file(dedupe_key="same")
    office.run()
    assert office.told(first)[0] == office.told(second)[0] == "unreached"


def test_a_limit_makes_warnings_wait_and_criticals_not() -> None:
    office = Office(per_minute=2)
    waiting = [office.file("warning") for _ in range(5)]
    office.run()
    assert (len(office.chat.got), len(office.mail.got)) == (2, 0)
    held = [office.row(each) for each in waiting if office.row(each)["state"] == "pending"]
    assert [(row["tries"], row["reason"]) for row in held] == [(0, "chat has had 2 a minute")] * 3
    office.file("critical")
    office.run()
    assert len(office.chat.got) == 3
    for _ in range(3):
        office.run(MINUTE_MS)
    assert {office.row(each)["state"] for each in waiting} == {"delivered"}


def test_a_limit_counts_the_runs_of_the_minute_and_tries_that_failed() -> None:
    office = Office(per_minute=2)

    def once(_: Alert) -> None:
        office.chat.fail = lambda alert: None
        unavailable()(_)

    office.chat.fail = once
    first = office.file("warning")
    office.world.clock.advance(1)
    second = office.file("warning")
    office.run()
    assert (office.attempts(first), office.attempts(second)) == ([("chat", 0, 503), ("chat", 1, 202)], [])
    third = office.file("warning")
    office.run()
    assert (office.row(third)["state"], len(office.chat.got)) == ("pending", 1)
    office.run(MINUTE_MS + 1)
    assert {office.row(each)["state"] for each in (second, third)} == {"delivered"}


def test_a_test_goes_to_the_one_channel_it_is_meant_for() -> None:
    office = Office()
    ring = office.file("info", channel="mail")
    office.run()
    assert office.attempts(ring) == [("mail", 1, 202)]
    assert office.told(ring)[0] == "delivered"


def test_a_test_of_a_channel_that_there_is_not_says_so() -> None:
    office = Office()
    ring = office.file("info", channel="pigeon")
    office.run()
    assert office.told(ring) == (
        "unreached",
        "reached 0 of 1; no channel 'pigeon': ALERTS has chat, mail, pager",
        None,
    )


def test_criticals_go_first() -> None:
    office = Office()
    for severity in ("info", "warning", "critical"):
        office.file(severity, title=severity)
    office.run()
    assert [alert.title for alert in office.chat.got] == ["critical", "warning"]


def test_a_run_that_dies_after_sending_sends_again() -> None:
    office = Office()
    halt = office.file()

    def fail(sql: str) -> None:
        if sql.startswith("INSERT INTO alert_attempts"):
            raise StorageUnavailable("D1 did not answer")

    office.world.db.fail = fail
    with pytest.raises(StorageUnavailable):
        office.run()
    office.world.db.fail = lambda sql: None
    assert office.row(halt)["state"] == "pending"
    office.run()
    assert office.pager.asked == 1, "not at once"
    office.run(MINUTE_MS)
    assert (office.pager.asked, len(office.chat.got), office.told(halt)[0]) == (2, 1, "delivered")


def test_an_alert_on_which_a_run_dies_does_not_hold_up_the_others() -> None:
    office = Office()

    def bug(alert: Alert) -> None:
        if alert.title == "poison":
            raise RuntimeError("a bug")

    office.pager.fail = bug
    office.file(title="poison")
    good = office.file()
    with pytest.raises(RuntimeError):
        office.run()
    office.run()
    assert office.told(good)[0] == "delivered"


def test_an_alert_on_which_every_run_dies_is_given_up() -> None:
    office = Office()

    def bug(_: Alert) -> None:
        raise RuntimeError("a bug")

    office.pager.fail = bug
    halt = office.file()
    for _ in range(MAX_TRIES):
        with pytest.raises(RuntimeError):
            office.run(61 * MINUTE_MS)
    office.run(61 * MINUTE_MS)
    assert office.told(halt) == ("unreached", "every run that tried to send it died", None)


def test_a_row_that_cannot_be_read_is_unreached() -> None:
    office = Office()
    bad = office.file()
    office.world.db.change("UPDATE alerts SET body = '{' WHERE id = ?", bad)
    good = office.file()
    office.run()
    assert office.told(bad)[0] == "unreached" and "cannot be read" in (office.told(bad)[1] or "")
    assert office.told(good)[0] == "delivered"


def test_two_runs_at_once_send_it_once() -> None:
    office = Office()
    office.file()

    async def both() -> None:
        await asyncio.gather(alerts.run(office.context), alerts.run(office.context))

    asyncio.run(both())
    assert (office.pager.asked, office.chat.asked) == (1, 1)


def test_a_run_ends_in_time_and_leaves_the_rest_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(per_minute=600)

    def slow(_: Alert) -> None:
        office.world.clock.advance(25_000)

    office.chat.fail = slow
    for _ in range(6):
        office.file("warning")
    assert office.run().counts["delivered"] == 3
    assert office.run().counts["delivered"] == 3


def test_the_tick_delivers_beside_the_trading() -> None:
    office = Office()
    halt = office.file()
    office.world.clock.advance(MINUTE_MS)
    asyncio.run(minute(office.context))
    assert office.told(halt)[0] == "delivered"
    assert [run["state"] for run in office.world.runs("alerts")] == ["done"]
    office.world.clock.advance(MINUTE_MS)
    asyncio.run(minute(office.context))
    assert len(office.world.runs("alerts")) == 1, "nothing is due: no run"


def test_a_channel_that_hangs_holds_up_no_trading() -> None:
    office = Office()
    office.file()
    office.world.clock.advance(MINUTE_MS)

    async def tick() -> None:
        traded = asyncio.Event()
        place = office.world.db

        async def send(_: Alert) -> int:
            await traded.wait()
            return 202

        office.pager.send = send  # type: ignore[method-assign]
        place.fail = lambda sql: traded.set() if "'monitor'" in sql or "fingerprint" in sql else None
        await asyncio.wait_for(minute(office.context), 10)

    asyncio.run(tick())
    assert office.world.runs("monitor")[0]["state"] == "done"


def test_a_bell_is_a_run() -> None:
    office = Office()
    halt = office.file()
    body = {"v": 1, "id": "bell1", "job": "alerts", "scope": "", "requested_by": "edk_x", "queued_ms": 5}
    assert asyncio.run(consume(office.context, json.dumps(body))) == ACK
    assert office.told(halt)[0] == "delivered"


def test_a_resume_resolves_at_the_pager_whoever_hears_of_it_and_is_tried_until_it_does() -> None:
    office = Office(ROUTES | {"info": ["mail"]})
    config = office.world.settings.ALERTS
    kinds = {"kind": "pagerduty"}
    whole = {"channels": {**config.wire()["channels"], "pager": kinds}, "routes": config.wire()["routes"]}
    office.world.settings = office.world.settings.model_copy(update={"ALERTS": AlertChannels.parse(json.dumps(whole))})
    halt = office.file()
    resumed = office.file("info", code="resumed", resolves=["key:1"])
    office.pager.fail = unavailable()
    office.run()
    assert office.told(halt)[0] == "delivered"
    assert office.told(resumed)[:2] == ("unreached", "reached 1 of 2 (mail); pager: channel_unavailable: answered 503")
    office.pager.fail = lambda _: None
    office.run(after_ms=MINUTE_MS)
    assert office.told(resumed)[0] == "delivered"
    assert [each.resolves for each in office.pager.got] == [("key:1",)]
    assert len(office.mail.got) == 2, "the halt, for the pager was down, and the resume"


def test_a_d1_that_is_away_fails_no_tick() -> None:
    office = Office()

    def fail(sql: str) -> None:
        raise StorageUnavailable("D1 did not answer")

    office.world.db.fail = fail
    assert "done" not in asyncio.run(minute(office.context))


def test_an_alert_is_filed_once() -> None:
    office = Office()
    first = office.file()
    office.filed -= 1
    assert office.file(title="other") == first
    assert len(office.world.db.all("SELECT * FROM alerts")) == 1
    assert rows.insert([]) == []
