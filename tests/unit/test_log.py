"""Logs are one JSON object a line, and keep secrets to themselves."""

import json
import logging
import sys

import pytest

from shared import log


def line(event: str, **extra: object) -> dict[str, object]:
    record = logging.LogRecord("edgedesk.t", logging.INFO, __file__, 1, event, None, None)
    vars(record).update(extra)
    found: dict[str, object] = json.loads(log.JsonFormatter().format(record))
    return found


def test_context_stands_beside_the_event() -> None:
    assert line("order_sent", desk="stocks", n=1) == {
        "level": "info",
        "logger": "edgedesk.t",
        "event": "order_sent",
        "desk": "stocks",
        "n": 1,
    }


@pytest.mark.parametrize("text", ["key edk_abcd1234_SECRETsecret here", "Authorization: Bearer SECRETsecret"])
def test_keys_never_reach_a_line(text: str) -> None:
    assert "SECRETsecret" not in json.dumps(line(text, detail=text))


@pytest.mark.parametrize(
    "address",
    ["api.telegram.org/bot12:HUSH/sendMessage", "hooks.slack.com/services/T/B/HUSH", "discord.com/api/webhooks/1/HUSH"],
)
def test_addresses_that_are_secrets_never_reach_a_line(address: str) -> None:
    written = line("x", detail=f'POST "https://{address}?a=1" failed')["detail"]
    assert isinstance(written, str) and "HUSH" not in written and written.endswith('***" failed')


def test_a_field_named_like_a_secret_is_hidden() -> None:
    assert line("x", api_key="a", confirm_token="b")["api_key"] == "***"


def test_a_traceback_is_kept_and_redacted() -> None:
    try:
        raise ValueError("Bearer SECRETsecret")
    except ValueError:
        record = logging.LogRecord("t", logging.ERROR, __file__, 1, "bug", None, sys.exc_info())
    written = log.JsonFormatter().format(record)
    assert "ValueError" in written and "SECRETsecret" not in written


def test_only_warnings_and_worse_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    try:
        log.setup("INFO")
        log.get("t").info("calm")
        log.get("t").warning("grave")
    finally:
        logging.getLogger().handlers[:] = before
    out, err = capsys.readouterr()
    assert "calm" in out and "grave" not in out
    assert "grave" in err and "calm" not in err


def test_setup_replaces_what_was_there() -> None:
    before = logging.getLogger().handlers[:]
    try:
        log.setup("WARNING")
        log.setup("WARNING")
        handlers = logging.getLogger().handlers
        assert [type(handler.formatter) for handler in handlers] == [log.JsonFormatter] * 2
    finally:
        logging.getLogger().handlers[:] = before
