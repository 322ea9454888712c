"""The setting `ALERTS`: which channels there are, and which severity goes to which of them, in that order."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from shared.model.alert import Severity
from shared.model.base import Model

NEEDED = {Severity.INFO: 1, Severity.WARNING: 1, Severity.CRITICAL: 2}
"""How many channels an alert has to reach."""


def checked_url(value: str) -> str:
    """An https address with a host; http only to this very machine, where a test listens."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must be an address such as https://example.org/path") from None
    local = host in {"127.0.0.1", "localhost"}
    if not host or (parts.scheme != "https" and not (local and parts.scheme == "http")):
        raise ValueError("must be an https address with a host")
    if parts.username is not None or parts.fragment:
        raise ValueError("must have no user name and no fragment")
    return value


ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Url = Annotated[str, StringConstraints(max_length=500, pattern=r"^[\x21-\x7e]+$"), AfterValidator(checked_url)]
_MAILBOX = r"[^\s<>@,]+@[^\s<>@,]+"
Sender = Annotated[
    str, StringConstraints(max_length=400, pattern=rf"^([^\x00-\x1f\x7f<>@,]+ <{_MAILBOX}>|{_MAILBOX})$")
]
Mailbox = Annotated[str, StringConstraints(max_length=320, pattern=rf"^{_MAILBOX}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


class ChannelConfig(Model):
    """What every channel has. `per_minute`: so many attempts at most, but critical alerts are never held back."""

    per_minute: int = Field(default=20, ge=1, le=600)


class TelegramConfig(ChannelConfig):
    kind: Literal["telegram"]
    chat_id: Annotated[str, StringConstraints(pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{5,32})$")]
    api_url: Url = "https://api.telegram.org"


class EmailConfig(ChannelConfig):
    kind: Literal["email"]
    sender: Sender
    to: tuple[Mailbox, ...] = Field(min_length=1, max_length=50)
    api_url: Url = "https://api.resend.com/emails"


class SmsConfig(ChannelConfig):
    kind: Literal["sms"]
    account_sid: Annotated[str, StringConstraints(pattern=r"^AC[0-9a-f]{32}$")]
    sender: Annotated[str, StringConstraints(pattern=r"^(\+[1-9][0-9]{6,14}|[A-Za-z0-9 ]{1,11})$")]
    to: Phone
    api_url: Url = "https://api.twilio.com"


class PagerDutyConfig(ChannelConfig):
    kind: Literal["pagerduty"]
    source: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[\x20-\x7e]+$")] = "edgedesk"
    api_url: Url = "https://events.pagerduty.com/v2/enqueue"


class SlackConfig(ChannelConfig):
    kind: Literal["slack"]


class DiscordConfig(ChannelConfig):
    kind: Literal["discord"]


class WebhookConfig(ChannelConfig):
    kind: Literal["webhook"]
    url: Url


AnyChannel = Annotated[
    TelegramConfig | EmailConfig | SmsConfig | PagerDutyConfig | SlackConfig | DiscordConfig | WebhookConfig,
    Field(discriminator="kind"),
]
_Route = tuple[ChannelName, ...]


class AlertRoutes(Model):
    """Channels by severity, in the order of trying."""

    critical: _Route = ()
    warning: _Route = ()
    info: _Route = ()

    def route(self, severity: Severity) -> tuple[str, ...]:
        """The channels of one severity."""
        found: tuple[str, ...] = getattr(self, severity.value)
        return found


class AlertChannels(Model):
    """The whole setting. `repeat_s`: an alert with the same dedupe key within so many seconds is only counted."""

    channels: dict[ChannelName, AnyChannel] = Field(default_factory=dict, max_length=20)
    routes: AlertRoutes = AlertRoutes()
    repeat_s: int = Field(default=3600, ge=0, le=604_800)

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        for severity in Severity:
            route = self.routes.route(severity)
            for name in route:
                if name not in self.channels:
                    raise ValueError(f"routes.{severity} names {name!r}, which is not in channels")
            if len(set(route)) != len(route):
                raise ValueError(f"routes.{severity} names a channel twice")
            if route and len(route) < NEEDED[severity]:
                raise ValueError(f"routes.{severity} must name at least {NEEDED[severity]} channels, or none")
        return self


def _visible(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise ValueError("must be printable ASCII without spaces")
    return value


_Secret = Annotated[SecretStr, Field(min_length=1, max_length=500), AfterValidator(_visible)]


class TokenSecret(Model):
    """Of `telegram`: what BotFather gave."""

    token: _Secret


class ApiKeySecret(Model):
    """Of `email`."""

    api_key: _Secret


class AuthTokenSecret(Model):
    """Of `sms`: the account's auth token."""

    auth_token: _Secret


class RoutingKeySecret(Model):
    """Of `pagerduty`: the integration key of a service."""

    routing_key: _Secret


class UrlSecret(Model):
    """Of `slack` and `discord`: the whole address; who has it can post."""

    url: _Secret

    @model_validator(mode="after")
    def _is_an_address(self) -> Self:
        checked_url(self.url.get_secret_value())
        return self


class SigningSecret(Model):
    """Of `webhook`: `whsec_` and 24 to 64 bytes in base64."""

    signing_secret: _Secret


SECRETS: dict[str, type[Model]] = {
    "telegram": TokenSecret,
    "email": ApiKeySecret,
    "sms": AuthTokenSecret,
    "pagerduty": RoutingKeySecret,
    "slack": UrlSecret,
    "discord": UrlSecret,
    "webhook": SigningSecret,
}
"""What each kind of channel needs in `ALERT_SECRETS`."""
