"""Settings: one frozen, strict model per worker, read once at its entry. An unknown or malformed one refuses to start.

A worker's settings are the plain text variables of its environment; structured ones (`VENUES`, `DESKS`) are JSON.
Secrets are `SecretStr` and print as `***`. `docs/settings.md` lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from shared.alerts.config import AlertChannels
from shared.errors import Invalid
from shared.model.base import Model, invalid_from
from shared.model.decision import DecisionConfig, check_decisions
from shared.model.exact import NotNegative, Positive
from shared.model.instrument import Symbol, VenueName
from shared.model.interval import Interval
from shared.model.money import Asset
from shared.model.signal import StrategyName

DeskName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Environment = Literal["local", "staging", "production"]


Mode = Literal["paper", "demo", "live"]
MODES: tuple[Mode, ...] = ("paper", "demo", "live")
"""In the order of what is at stake: nothing, a venue's play money, money."""


def allows(ceiling: Mode, mode: Mode) -> bool:
    """Whether a worker whose `TRADING_MODE` is `ceiling` lets a desk of that mode trade."""
    return MODES.index(mode) <= MODES.index(ceiling)


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
    """How the paper venue fills: basis points of price or notional, and the share of a bar's volume an order may take.

    Bars are taken as the middle of the market: what takes liquidity pays half of `spread_bps` beside the slippage.
    `resting_stops`: stop orders, and groups of which one ends the others, may rest there; else the desk watches its levels alone.
    """

    fee_bps: NotNegative
    slippage_bps: NotNegative
    volume_share_bps: int = Field(ge=1, le=10_000)
    spread_bps: NotNegative = Decimal(0)
    resting_stops: bool = False

    @property
    def worse_bps(self) -> Decimal:
        """How much worse than the bar's own price a market order fills."""
        return self.slippage_bps + self.spread_bps / 2


class StrategyChoice(Model):
    name: StrategyName
    params: dict[str, int | float | str] = Field(default_factory=dict, max_length=64)


class VenueConfig(Model):
    """Where a venue's market data comes from. `calendar` says whether it trades around the clock or in sessions."""

    kind: Literal["replay"]
    interval: Interval
    calendar: Literal["continuous", "session"]
    history_bars: int = Field(default=200, ge=2, le=1000)
    concurrency: int = Field(default=4, ge=1, le=6)
    rate_per_s: float = Field(default=50.0, gt=0, le=1000)
    books: bool = True


class TradingVenue(Model):
    """Where a desk's orders go: the paper venue, or the account that the desk-worker's secrets belong to."""

    kind: Literal["paper", "sandbox"] = "paper"


Protections = dict[str, dict[str, JsonValue]]
"""By name, each with its settings; docs/protections.md lists them."""


def check_mode(mode: Mode, trading: TradingVenue) -> None:
    """ValueError where money and venue do not belong together."""
    if (mode == "paper") != (trading.kind == "paper"):
        raise ValueError(
            f"trading.kind {trading.kind!r} does not belong to mode {mode!r}:"
            " a paper desk trades on paper, a demo or live desk at a venue"
        )


class DeskConfig(Model):
    """`rehearsed_as` is the paper or demo desk whose record of `rehearsal_days` a live desk stands on."""

    venue: VenueName
    currency: Asset
    cash: Positive
    mode: Mode = "paper"
    trading: TradingVenue = TradingVenue()
    strategies: tuple[StrategyChoice, ...] = Field(min_length=1)
    decisions: DecisionConfig | None = None
    symbols: tuple[Symbol, ...] = ()
    limits: Limits
    protections: Protections = Field(default_factory=dict)
    rehearsed_as: DeskName | None = None
    rehearsal_days: int = Field(default=30, ge=1, le=3650)
    paper: Paper

    @model_validator(mode="after")
    def _mode_fits(self) -> Self:
        check_mode(self.mode, self.trading)
        return self


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
            # an unknown one may be a secret misspelt, and what is wrong with the whole would show the whole
            unknown = env.keys() - cls.model_fields.keys()
            raise invalid_from(error, {*secrets, *cls.HIDDEN, *unknown, error.title}) from None


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
            if not allows(self.TRADING_MODE, desk.mode):
                raise ValueError(f"DESKS.{name}.mode {desk.mode!r} is above TRADING_MODE {self.TRADING_MODE!r}")
            if desk.rehearsed_as == name:
                raise ValueError(f"DESKS.{name}.rehearsed_as must be another desk")
            check_decisions(desk.decisions, [each.name for each in desk.strategies], f"DESKS.{name}.")
        return self


class DeskSettings(Settings):
    """`SANDBOX_URL` with its key and secret: the account of the desks whose `trading.kind` is `sandbox`."""

    SANDBOX_URL: str = ""
    SANDBOX_KEY: SecretStr = SecretStr("")
    SANDBOX_SECRET: SecretStr = SecretStr("")

    def lacks(self) -> tuple[str, ...]:
        """The names of what such a desk needs and is not set."""
        held = {
            "SANDBOX_URL": self.SANDBOX_URL,
            "SANDBOX_KEY": self.SANDBOX_KEY.get_secret_value(),
            "SANDBOX_SECRET": self.SANDBOX_SECRET.get_secret_value(),
        }
        return tuple(name for name, value in held.items() if not value)


class BookSettings(Settings):
    LOCATION_HINT: str = ""


def require(value: str, name: str, remedy: str) -> str:
    """`value`, or `Invalid` where a setting is needed and empty."""
    if not value:
        raise Invalid.field(name, value, "must be set", remedy)
    return value
