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
    [
        "api.telegram.org/bot12:HUSH/sendMessage",
        "hooks.slack.com/services/T/B/HUSH",
        "discord.com/api/webhooks/1/HUSH",
        "discordapp.com/api/v10/webhooks/1/HUSH",
        "DISCORD.com/API/V9/Webhooks/1/HUSH",
        "Hooks.Slack.COM/services/T/B/HUSH",
        "API.Telegram.org/BOT12:HUSH/sendMessage",
    ],
)
def test_addresses_that_are_secrets_never_reach_a_line(address: str) -> None:
    written = line("x", detail=f'POST "https://{address}?a=1" failed')["detail"]
    assert isinstance(written, str) and "HUSH" not in written and written.endswith('***" failed')


def test_a_field_named_like_a_secret_is_hidden() -> None:
    assert line("x", api_key="a", confirm_token="b")["api_key"] == "***"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "routing_key",
            "api-key",
            "apikey",
            "X-Api-Key",
            "apiKey",
            "private_key",
            "privateKey",
            "Authorization",
            "auth",
        ),
        *(
            "x-auth-key",
            "passwd",
            "password",
            "signature",
            "webhook-signature",
            "credential",
            "credentials",
            "sandbox_key",
        ),
        *("KEY_PEPPER", "alerts.chat.bot_token", "channels.0.secret", "tokens.3", "params.token.int", "token.[key]"),
    ],
)
def test_what_is_named_like_a_secret_is_one(name: str) -> None:
    assert log.is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "market.TOKENUSD.o",
        "market.TOKENUSD.t.3",
        "secrets.chat.kind",
        "idempotency-key",
        "key",
        "keys.0",
        "",
        ".",
        "int",
        "7",
    ],
)
def test_only_the_last_name_of_a_path_counts(name: str) -> None:
    assert not log.is_secret(name)


def test_a_secret_within_a_value_is_hidden() -> None:
    found = line("x", settings={"token": "HUSH", "n": [{"private-key": "HUSH", "ok": 1}]}, tokens=["HUSH"])
    assert found["settings"] == {"token": "***", "n": [{"private-key": "***", "ok": 1}]}
    assert found["tokens"] == "***"


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
