"""The channels that the settings describe, each with its own secrets."""

from __future__ import annotations

from typing import Any, cast

import httpx
from pydantic import SecretStr, ValidationError

from shared.alerts import config as cf
from shared.alerts.channel import Channel
from shared.alerts.discord import Discord
from shared.alerts.email import Email
from shared.alerts.pagerduty import PagerDuty
from shared.alerts.slack import Slack
from shared.alerts.sms import Sms
from shared.alerts.telegram import Telegram
from shared.alerts.webhook import Webhook
from shared.clock import Clock
from shared.errors import Invalid
from shared.jsontext import read_json
from shared.model.base import Model

NAME = "ALERT_SECRETS"


def channels(
    wanted: cf.AlertChannels, secrets: SecretStr, client: httpx.AsyncClient, clock: Clock
) -> dict[str, Channel]:
    """Every configured channel by name; `Invalid` where its secrets are missing or wrong, or belong to no channel."""
    given = _given(secrets)
    for name in given:
        if name not in wanted.channels:
            raise Invalid.field(f"{NAME}.{name}", "***", "is no channel of ALERTS", "remove it")
    return {name: _channel(name, each, given.get(name), client, clock) for name, each in wanted.channels.items()}


def _given(secrets: SecretStr) -> dict[str, Any]:
    rule, remedy = "must be a JSON object, channel name to its secrets", "docs/alerts.md shows one"
    try:
        found = read_json(secrets.get_secret_value())
    except Invalid:
        raise Invalid.field(NAME, "***", rule, remedy) from None
    if not isinstance(found, dict):
        raise Invalid.field(NAME, "***", rule, remedy)
    return found


def _channel(name: str, config: cf.AnyChannel, given: Any, client: httpx.AsyncClient, clock: Clock) -> Channel:
    kind = cf.SECRETS[config.kind]
    if given is None:
        fields = ", ".join(kind.model_fields)
        raise Invalid.field(f"{NAME}.{name}", None, "is missing", f"give it {fields}")
    secret = _secret(name, kind, given)
    try:
        return _made(config, secret, client, clock)
    except Invalid as error:
        raise Invalid(f"{NAME}.{name}.{error.detail}", field=f"{NAME}.{name}") from None


def _made(config: cf.AnyChannel, secret: Model, client: httpx.AsyncClient, clock: Clock) -> Channel:
    match config:
        case cf.TelegramConfig():
            return Telegram(config, cast("cf.TokenSecret", secret), client)
        case cf.EmailConfig():
            return Email(config, cast("cf.ApiKeySecret", secret), client)
        case cf.SmsConfig():
            return Sms(config, cast("cf.AuthTokenSecret", secret), client)
        case cf.PagerDutyConfig():
            return PagerDuty(config, cast("cf.RoutingKeySecret", secret), client)
        case cf.SlackConfig():
            return Slack(config, cast("cf.UrlSecret", secret), client)
        case cf.DiscordConfig():
            return Discord(config, cast("cf.UrlSecret", secret), client)
        case cf.WebhookConfig():
            return Webhook(config, cast("cf.SigningSecret", secret), client, clock)


def _secret(name: str, kind: type[Model], given: Any) -> Model:
    """The secrets of one channel; what is wrong is named without any value."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join([NAME, name, *(str(part) for part in first["loc"])])
        rule = str(first["msg"]).removeprefix("Value error, ")
        raise Invalid.field(where, "***", rule[:1].lower() + rule[1:], "docs/alerts.md shows one") from None
