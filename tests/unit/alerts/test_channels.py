"""What arrives at each service, on real sockets, and what is made of its answers."""

from __future__ import annotations

import asyncio
import base64
import html
import logging
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared import log
from shared.alerts import http
from shared.alerts.channel import MAX_REST_S, ChannelRefused, ChannelUnavailable
from shared.errors import DeskError
from shared.model.alert import Alert
from tests.unit.alerts.receiver import Arrived, Receiver, Reply
from tests.unit.alerts.samples import HUSH, ID, KINDS, NOW_MS, PATHS, SECRETS, SID, SIGNING, alert, channel

pytestmark = pytest.mark.native
if sys.platform == "emscripten":
    pytest.skip("needs sockets", allow_module_level=True)

BASIC = base64.b64encode(f"{SID}:{HUSH}".encode()).decode()
GOOD = {
    "telegram": Reply(200, b'{"ok":true,"result":{"message_id":1}}'),
    "email": Reply(200, b'{"id":"1"}'),
    "sms": Reply(201, b'{"sid":"SM1"}'),
    "pagerduty": Reply(202, b'{"status":"success"}'),
    "slack": Reply(200, b"ok"),
    "discord": Reply(200, b'{"id":"1"}'),
    "webhook": Reply(204),
}
EVERY = pytest.mark.parametrize("kind", KINDS)
AT = "2023-11-14T22:13:19.007Z"


def send(kind: str, *replies: Reply, what: Alert | None = None) -> tuple[int | DeskError, list[Arrived]]:
    """The status or the failure of one `send`, and what arrived."""

    async def go() -> tuple[int | DeskError, list[Arrived]]:
        async with Receiver(*replies) as service, httpx.AsyncClient() as client:
            try:
                return await channel(kind, service.url, client).send(what or alert()), service.arrived
            except DeskError as error:
                return error, service.arrived

    return asyncio.run(go())


def sent(kind: str, **changes: Any) -> Arrived:
    status, (arrived,) = send(kind, GOOD[kind], what=alert(**changes))
    assert status == GOOD[kind].status
    assert arrived.method == "POST"
    return arrived


def failure(kind: str, *replies: Reply) -> DeskError:
    error, _ = send(kind, *replies)
    assert isinstance(error, DeskError), error
    return error


def test_telegram() -> None:
    arrived = sent("telegram")
    assert arrived.target == f"/bot{SECRETS['telegram']['token']}/sendMessage"
    assert arrived.headers["content-type"] == "application/json"
    assert arrived.json == {
        "chat_id": "-100123",
        "text": "<b>CRITICAL stocks: halted by &lt;risk&gt; &amp; co</b>\n"
        f"drawdown_25%\nby: risk\nseq: 7\nhalted at {AT} ({ID})",
        "parse_mode": "HTML",
        "disable_notification": False,
        "link_preview_options": {"is_disabled": True},
    }
    assert sent("telegram", severity="info").json["disable_notification"] is True


def test_email() -> None:
    arrived = sent("email")
    assert arrived.target == "/"
    assert arrived.headers["authorization"] == f"Bearer {HUSH}"
    assert arrived.headers["idempotency-key"] == ID
    assert arrived.json == {
        "from": "Desk <desk@example.org>",
        "to": ["a@example.org", "b@example.org"],
        "subject": "CRITICAL stocks: halted by <risk> & co",
        "text": f"drawdown_25%\nby: risk\nseq: 7\nhalted at {AT} ({ID})",
    }


def test_sms() -> None:
    arrived = sent("sms")
    assert arrived.target == f"/2010-04-01/Accounts/{SID}/Messages.json"
    assert arrived.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(arrived.headers["authorization"].removeprefix("Basic ")).decode() == f"{SID}:{HUSH}"
    text = f"CRITICAL stocks: halted by <risk> & co\ndrawdown_25%\nby: risk\nseq: 7\nhalted at {AT} ({ID})"
    assert arrived.form == {"To": ["+15005550009"], "From": ["+15005550006"], "Body": [text]}


def test_pagerduty() -> None:
    assert sent("pagerduty").json == {
        "routing_key": HUSH,
        "event_action": "trigger",
        "dedup_key": "stocks:halted:7",
        "client": "edgedesk",
        "payload": {
            "summary": "CRITICAL stocks: halted by <risk> & co",
            "source": "desk-eu",
            "severity": "critical",
            "timestamp": AT,
            "component": "stocks",
            "class": "halted",
            "custom_details": {"detail": "drawdown_25%", "id": ID, "by": "risk", "seq": 7},
        },
    }


def test_pagerduty_resolves_what_is_over() -> None:
    status, arrived = send(
        "pagerduty", GOOD["pagerduty"], what=alert(severity="info", code="resumed", resolves=["k1", "k2"])
    )
    assert status == 202
    assert [each.json for each in arrived] == [
        {"routing_key": HUSH, "event_action": "resolve", "dedup_key": key} for key in ("k1", "k2")
    ]
    error, arrived = send(
        "pagerduty", GOOD["pagerduty"], Reply(500), what=alert(severity="info", resolves=["k1", "k2"])
    )
    assert isinstance(error, ChannelUnavailable), "one incident still open is no yes"
    assert len(arrived) == 2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "pagerduty"])
def test_to_the_others_a_resume_is_a_message_like_any(kind: str) -> None:
    arrived = sent(kind, severity="info", code="resumed", title="resumed by edk_1", resolves=["k1"])
    assert b"resumed by edk" in arrived.body.replace(b"+", b" ").replace(b"\\\\", b"")


def test_slack() -> None:
    arrived = sent("slack")
    assert arrived.target == PATHS["slack"]
    assert arrived.json == {
        "text": "CRITICAL stocks: halted by &lt;risk&gt; &amp; co\n"
        f"drawdown_25%\nby: risk\nseq: 7\nhalted at {AT} ({ID})",
        "mrkdwn": False,
        "unfurl_links": False,
    }


def test_discord() -> None:
    arrived = sent("discord")
    assert arrived.target == PATHS["discord"] + "?wait=true"
    assert arrived.json == {
        "content": "CRITICAL stocks: halted by \\<risk\\> & co\ndrawdown\\_25%\nby: risk\nseq: 7\n"
        f"halted at {AT.replace('-', chr(92) + '-')} \\({ID}\\)",
        "allowed_mentions": {"parse": []},
    }


def test_webhook() -> None:
    arrived = sent("webhook")
    assert arrived.target == "/in"
    assert arrived.headers["content-type"] == "application/json"
    assert arrived.headers["webhook-id"] == ID
    assert arrived.headers["webhook-timestamp"] == str(NOW_MS // 1000)
    assert arrived.headers["webhook-signature"].startswith("v1,")
    assert arrived.json == {"type": "edgedesk.alert", "timestamp": AT, "data": alert().wire()}


LIMITS: dict[str, tuple[int, Callable[[Arrived], str]]] = {
    "telegram": (4096, lambda arrived: str(arrived.json["text"])),
    "sms": (1600, lambda arrived: arrived.form["Body"][0]),
    "slack": (3000, lambda arrived: str(arrived.json["text"])),
    "discord": (2000, lambda arrived: str(arrived.json["content"])),
}


@pytest.mark.parametrize("kind", LIMITS)
def test_a_long_text_is_cut_to_what_the_service_takes(kind: str) -> None:
    limit, text_of = LIMITS[kind]
    told = text_of(sent(kind, detail="<&_😀" * 1000, title="<" * 200))
    assert limit - 12 <= len(told.encode("utf-16-le")) // 2 <= limit
    assert told.endswith("…")
    if kind == "telegram":
        assert html.unescape(told).startswith("<b>CRITICAL stocks: <<<") and "</b>\n" in told


@EVERY
def test_a_service_that_has_too_much_to_do_says_for_how_long(kind: str) -> None:
    error = failure(kind, Reply(429, b"slow down", (("Retry-After", "7"),)))
    assert isinstance(error, ChannelUnavailable)
    assert (error.retry_after_s, error.context) == (7.0, {"http": 429})
    assert "answered 429: slow down" in error.detail


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (b'{"ok":false,"error_code":429,"parameters":{"retry_after":31}}', 31.0),
        (b'{"message":"limited","retry_after":0.65,"global":false}', 0.65),
        (b'{"retry_after":1e9}', MAX_REST_S),
        (b'{"retry_after":-1}', None),
        (b'{"retry_after":true}', None),
        (b'{"parameters":[]}', None),
        (b"[" * 5000, None),
    ],
)
def test_what_a_body_says_about_the_rest_is_heard(body: bytes, seconds: float | None) -> None:
    error = failure("telegram", Reply(429, body))
    assert isinstance(error, ChannelUnavailable)
    assert error.retry_after_s == seconds


@pytest.mark.parametrize("value", ["Wed, 21 Oct 2015 07:28:00 GMT", "-5", "1e5", "²", "", "99999999999"])
def test_a_retry_after_that_is_no_plain_number_is_passed_over(value: str) -> None:
    error = failure("slack", Reply(503, headers=(("retry-after", value),)) if value.isascii() else Reply(503))
    assert isinstance(error, ChannelUnavailable)
    assert error.retry_after_s is None


@EVERY
@pytest.mark.parametrize("status", [408, 425, 500, 502, 503])
def test_a_service_in_trouble_may_be_asked_again(kind: str, status: int) -> None:
    assert isinstance(failure(kind, Reply(status)), ChannelUnavailable)


@EVERY
@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 410])
def test_a_no_is_a_no_and_a_redirect_is_not_followed(kind: str, status: int) -> None:
    elsewhere = (("location", "/elsewhere"),)
    error, arrived = send(kind, Reply(status, b"no", elsewhere))
    assert isinstance(error, ChannelRefused)
    assert error.context == {"http": status}
    assert len(arrived) == 1


@EVERY
def test_a_service_that_says_nothing_is_not_waited_for(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT_S", 0.2)
    error = failure(kind, Reply(hang=True))
    assert isinstance(error, ChannelUnavailable)
    assert error.detail == "no answer within 0.2 s"


@EVERY
def test_a_service_that_never_ends_its_answer_is_not_waited_for(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT_S", 0.2)
    error = failure(kind, Reply(200 if kind == "webhook" else GOOD[kind].status, drip=True))
    assert isinstance(error, ChannelUnavailable)
    assert error.detail == "no answer within 0.2 s"


@EVERY
@pytest.mark.parametrize("cut", [1, 10_000])
def test_an_answer_cut_short_is_no_yes(kind: str, cut: int) -> None:
    good = GOOD[kind]
    long = Reply(200 if kind == "webhook" else good.status, good.body + b" " * 20, cut=min(cut, len(good.body) + 15))
    assert isinstance(failure(kind, long), ChannelUnavailable)


@EVERY
def test_nobody_there(kind: str) -> None:
    async def go() -> None:
        async with Receiver() as service:
            url = service.url
        async with httpx.AsyncClient() as client:
            await channel(kind, url, client).send(alert())

    with pytest.raises(ChannelUnavailable, match="Connect"):
        asyncio.run(go())


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("telegram", b'{"ok":false}'),
        ("telegram", b"<html>"),
        ("telegram", b"[]"),
        ("telegram", b"[" * 100_000),
        ("slack", b"<html>sign in</html>"),
        ("slack", b""),
        ("discord", b"{}"),
        ("discord", b"ok"),
        ("pagerduty", b"ok"),
        ("sms", b"ok"),
    ],
)
def test_a_200_that_is_not_the_services_own_yes_is_none(kind: str, body: bytes) -> None:
    assert isinstance(failure(kind, Reply(200, body)), ChannelUnavailable)


def test_an_endless_answer_is_cut() -> None:
    assert len(failure("sms", Reply(400, b"x" * 5_000_000)).detail) < 300


@EVERY
@pytest.mark.parametrize("status", [400, 500, 200])
def test_no_secret_comes_back_whatever_the_service_repeats(
    kind: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    before = logging.getLogger().handlers[:]
    log.setup("DEBUG")
    logging.getLogger().handlers[:] = [caplog.handler]
    try:
        error, (arrived,) = send(kind, Reply(status, echo=True))
    finally:
        logging.getLogger().handlers[:] = before
    assert HUSH in repr(arrived) or BASIC in repr(arrived) or kind == "webhook"
    if isinstance(error, DeskError):
        told = repr(error) + error.detail + repr(error.wire()) + repr(error.__cause__)
        assert HUSH not in told and SIGNING not in told and BASIC not in told
    assert HUSH not in caplog.text


def test_a_channel_does_not_print_its_secrets() -> None:
    async def go() -> None:
        async with httpx.AsyncClient() as client:
            for kind in KINDS:
                made = channel(kind, "https://service.example", client)
                assert HUSH not in repr(vars(made)), kind
                assert HUSH not in repr(vars(made)["_post"].__dict__), kind

    asyncio.run(go())
