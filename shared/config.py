"""Settings: one frozen, strict model per worker, read once at its entry. An unknown or malformed one refuses to start.

A worker's settings are the plain text variables of its environment; structured ones (`VENUES`, `DESKS`) are JSON.
Secrets are `SecretStr` and print as `***`. `docs/settings.md` lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from shared.alerts.config import AlertChannels
from shared.errors import Invalid
from shared.model.base import Model, invalid_from
from shared.model.exact import NotNegative, Positive
from shared.model.instrument import Symbol, VenueName
from shared.model.interval import Interval
from shared.model.money import Asset
from shared.model.signal import StrategyName

DeskName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Environment = Literal["local", "staging", "production"]


def _mode(value: object) -> object:
    if value != "paper":
        raise ValueError('must be "paper": demo and live trading come with a later release')
    return value


Mode = Annotated[Literal["paper"], BeforeValidator(_mode)]


class Limits(Model):
    """What a desk may do at most; money in the reporting currency, shares of equity in basis points."""

    risk_per_trade_bps: int = Field(default=50, ge=1, le=1000)
    max_order_notional: Positive
    max_symbol_notional: Positive
    max_total_notional: Positive
    max_open_positions: int = Field(ge=1, le=1000)
    max_open_orders: int = Field(default=200, ge=1, le=500)
    max_orders_per_minute: int = Field(ge=1, le=10_000)
    max_data_age_ms: int = Field(default=60_000, ge=1000)
    max_signal_age_bars: int = Field(default=1, ge=1, le=10)


class Paper(Model):
    """How the paper venue fills: basis points of price or notional, and the share of a bar's volume an order may take."""

    fee_bps: NotNegative
    slippage_bps: NotNegative
    volume_share_bps: int = Field(ge=1, le=10_000)


class StrategyChoice(Model):
    name: StrategyName
    params: dict[str, int | float] = Field(default_factory=dict)


class VenueConfig(Model):
    """Where a venue's market data comes from. `calendar` says whether it trades around the clock or in sessions."""

    kind: Literal["replay"]
    interval: Interval
    calendar: Literal["continuous", "session"]
    history_bars: int = Field(default=200, ge=2, le=1000)
    concurrency: int = Field(default=4, ge=1, le=6)
    rate_per_s: float = Field(default=50.0, gt=0, le=1000)
    books: bool = True


class DeskConfig(Model):
    venue: VenueName
    currency: Asset
    cash: Positive
    strategies: tuple[StrategyChoice, ...] = Field(min_length=1)
    symbols: tuple[Symbol, ...] = ()
    limits: Limits
    paper: Paper


def _json_of(kind: Any, hide: bool = False) -> BeforeValidator:
    """Reads JSON text strictly as `kind`; what is wrong keeps its path, and with `hide` shows no value."""
    adapter = TypeAdapter(kind)

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return adapter.validate_json(value)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
            raise ValueError(
                f"is wrong at {invalid_from(error, {where, error.title} if hide else ()).detail}"
            ) from None

    return BeforeValidator(read)


Venues = dict[VenueName, VenueConfig]
Desks = dict[DeskName, DeskConfig]


class Settings(BaseModel):
    """What every worker has."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    HIDDEN: ClassVar[frozenset[str]] = frozenset()
    """Settings that no error shows, beside the secrets: a secret may have been put there by mistake."""

    ENVIRONMENT: Environment
    TRADING_MODE: Mode
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @classmethod
    def load(cls, env: Mapping[str, Any]) -> Self:
        """From the text variables of the environment; `Invalid` names the setting, the value and the rule."""
        try:
            return cls.model_validate(dict(env))
        except ValidationError as error:
            secrets = {name for name, field in cls.model_fields.items() if field.annotation is SecretStr}
            raise invalid_from(error, secrets | cls.HIDDEN) from None


class RouterSettings(Settings):
    KEY_PEPPER: SecretStr = Field(min_length=32)
    MAX_BODY_BYTES: int = Field(default=65_536, ge=1024, le=1_048_576)
    LOCATION_HINT: str = ""


class CronSettings(Settings):
    HIDDEN = frozenset({"ALERTS"})

    VENUES: Annotated[Venues, _json_of(Venues)]
    DESKS: Annotated[Desks, _json_of(Desks)]
    REPLAY_URL: str = ""
    RETENTION_DAYS: int = Field(default=30, ge=1, le=3650)
    LOCATION_HINT: str = ""
    ALERTS: Annotated[AlertChannels, _json_of(AlertChannels, hide=True), Field(default="{}", validate_default=True)]
    ALERT_SECRETS: SecretStr = SecretStr("{}")
    """JSON, channel name to its secrets; `shared.alerts.build` holds it against `ALERTS`."""

    @model_validator(mode="after")
    def _desks_have_venues(self) -> Self:
        for name, desk in self.DESKS.items():
            if desk.venue not in self.VENUES:
                raise ValueError(f"DESKS.{name}.venue {desk.venue!r} is not in VENUES")
        return self


class DeskSettings(Settings):
    pass


class BookSettings(Settings):
    LOCATION_HINT: str = ""


def require(value: str, name: str, remedy: str) -> str:
    """`value`, or `Invalid` where a setting is needed and empty."""
    if not value:
        raise Invalid.field(name, value, "must be set", remedy)
    return value
