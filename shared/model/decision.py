"""How a desk's brain gets from signals to proposals: settings of each stage. A stage that is not set does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.errors import Invalid
from shared.model import exact
from shared.model.base import Model
from shared.model.exact import NotNegative, Positive
from shared.model.signal import Action, StrategyName

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Regime = Literal["trending", "mean_reverting", "noisy", "chaotic"]
Hour = Annotated[int, Field(ge=0, le=23)]
EVERY_ROW = 100
MOST_BPS = Decimal(10_000)


class ScoreConfig(Model):
    """A strategy's scores are held against its own earlier ones once there are `after` of them; older ones count less, half
    after `half_life` signals."""

    after: int = Field(default=20, ge=2, le=10_000)
    half_life: int = Field(default=100, ge=2, le=100_000)


class FrameBias(Model):
    """The slope of an average of `ema` long bars, each of `bars` bars: rising adds `weight` to the bias, falling takes it."""

    bars: int = Field(ge=2, le=1000)
    ema: int = Field(ge=2, le=400)
    weight: float = Field(default=0.5, gt=0, le=1)


class BiasConfig(Model):
    """`weight` times the bias (-1 to 1) is added to a score (-1 to 1)."""

    weight: float = Field(default=0.25, gt=0, le=1)
    frame: FrameBias | None = None


class LearningConfig(Model):
    """Multiplicative weights: `rate` is eta, every weight stays within `floor` and `cap`, an outcome counts in full from
    `scale_r` times the risk taken. Another `epoch` begins with equal weights."""

    rate: float = Field(default=0.5, gt=0, le=10)
    floor: float = Field(default=0.02, ge=0, le=0.5)
    cap: float = Field(default=0.6, gt=0, le=1)
    scale_r: float = Field(default=3.0, gt=0, le=100)
    epoch: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.floor > self.cap:
            raise ValueError(f"floor {self.floor} must not be above cap {self.cap}")
        return self


COMMITTEE = "committee"
"""Whose name its signals and proposals have: it alone proposes where there is one."""


class CommitteeConfig(Model):
    """The strategies vote. It enters at a weighted sum of `enter_at` when `quorum` of them agree, and exits at `exit_at`.

    A vote fades to 0 within `hold_bars`. An exit counts `against` with its score, or is `neutral`: 0.
    """

    enter_at: float = Field(ge=0, le=1)
    exit_at: float = Field(ge=-1, le=1)
    quorum: int = Field(default=1, ge=1, le=64)
    hold_bars: int = Field(default=10, ge=1, le=10_000)
    exit_votes: Literal["against", "neutral"] = "against"
    learning: LearningConfig | None = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.exit_at > self.enter_at:
            raise ValueError(f"exit_at {self.exit_at} must not be above enter_at {self.enter_at}")
        return self


class Within(Model):
    """Both ends belong to it; an end that is left out is open."""

    min: float | None = None
    max: float | None = None

    def __contains__(self, value: float) -> bool:
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


class Hours(Model):
    """Hours of the UTC day, from `start` up to but not with `end`; over midnight where `end` comes first."""

    start: Hour
    end: Hour

    def __contains__(self, hour: int) -> bool:
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end


class PolicyRow(Model):
    """Where all its conditions hold, this is done; conditions that are left out hold.

    `symbols` may hold `*` and `?`. `hours` are those of the bar's close. `numbers` are the signal's own evidence, by name: one that
    the signal does not have holds no condition. Exits are always allowed, so only entries can be vetoed, asked about or shrunk.
    """

    symbols: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9._*?-]{1,32}$")] = "*"
    strategy: StrategyName | None = None
    action: Action | None = None
    score: Within | None = None
    bias: Within | None = None
    dissent: Within | None = None
    hours: Hours | None = None
    regimes: tuple[Regime, ...] = ()
    numbers: dict[Code, Within] = Field(default_factory=dict, max_length=16)
    do: Literal["allow", "shrink", "veto", "ask"]
    factor: Positive | None = None
    reason: Code

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.do == "shrink") != (self.factor is not None):
            raise ValueError("factor belongs to do shrink, and only to it")
        if self.factor is not None and self.factor >= 1:
            raise ValueError(f"factor {self.factor} must be below 1")
        if self.action is Action.EXIT and self.do != "allow":
            raise ValueError(f"an exit is always allowed: do must be allow, not {self.do}")
        return self


class FixedSize(Model):
    """`risk_bps` of equity are lost at the stop."""

    kind: Literal["fixed"]
    risk_bps: Annotated[Positive, Field(le=MOST_BPS)]


class VolatilitySize(Model):
    """Exposure (notional over equity) of `target` over the symbol's volatility, both a year, at most `most`. Volatility is that of
    the last `window` bars, of which a year has `bars_per_year`."""

    kind: Literal["volatility"]
    target: float = Field(gt=0, le=10)
    window: int = Field(default=20, ge=2, le=1000)
    bars_per_year: float = Field(gt=0, le=1_000_000)
    most: Annotated[Positive, Field(le=Decimal(100))]


class KellySize(Model):
    """`fraction` of the Kelly share of what was earned for the risk taken, at most `cap_bps` of equity.

    Before `after` outcomes of a strategy it is `before_bps`; where nothing was earned `floor_bps`, and no entry where that is 0.
    """

    kind: Literal["kelly"]
    fraction: float = Field(gt=0, le=1)
    cap_bps: Annotated[Positive, Field(le=MOST_BPS)]
    before_bps: Annotated[Positive, Field(le=MOST_BPS)]
    floor_bps: NotNegative = exact.ZERO
    after: int = Field(default=30, ge=2, le=10_000)

    @model_validator(mode="after")
    def _capped(self) -> Self:
        for name in ("before_bps", "floor_bps"):
            if getattr(self, name) > self.cap_bps:
                raise ValueError(f"{name} {getattr(self, name)} must not be above cap_bps {self.cap_bps}")
        return self


SizeConfig = Annotated[FixedSize | VolatilitySize | KellySize, Field(discriminator="kind")]


class DecisionConfig(Model):
    """The stages, in their order: score, bias, committee, policy, sizing."""

    score: ScoreConfig | None = None
    bias: BiasConfig | None = None
    committee: CommitteeConfig | None = None
    policy: tuple[PolicyRow, ...] = Field(default=(), max_length=EVERY_ROW)
    sizing: SizeConfig | None = None

    @model_validator(mode="after")
    def _shrinks_something(self) -> Self:
        if self.sizing is None and any(row.do == "shrink" for row in self.policy):
            raise ValueError("policy shrinks, so sizing must be set: without it the size is the desk's own")
        return self


def check_decisions(decisions: DecisionConfig | None, strategies: Sequence[str], where: str = "") -> None:
    """`Invalid` where decisions do not go with the names of the strategies that they are about: a committee asks for more members
    that agree than it has, or a row of the policy is for a name that decides nothing here and so would never hold. `where` is
    the path of what both stand in.
    """
    if decisions is None:
        return
    committee = decisions.committee
    if committee is not None and committee.quorum > len(strategies):
        raise Invalid.field(
            f"{where}decisions.committee.quorum",
            committee.quorum,
            f"must not be above the number of strategies, {len(strategies)}, or the committee never enters",
            "lower it, or name more strategies",
        )
    known = sorted(set(strategies)) if committee is None else [COMMITTEE]
    for at, row in enumerate(decisions.policy):
        if row.strategy is not None and row.strategy not in known:
            rule = "decides nothing here, so the row would never hold"
            remedy = f"choose from {', '.join(known)}, or leave it out"
            raise Invalid.field(f"{where}decisions.policy.{at}.strategy", row.strategy, rule, remedy)
