"""Stage 5: how much the brain wants; the desk's own limits bound it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from brain.bar import Bar
from brain.decisions.moments import Moments
from brain.decisions.signals import PLACES, decimal_of
from brain.indicators.realised import RealisedVolatility
from shared.model import exact
from shared.model.decision import DecisionConfig, FixedSize, KellySize, VolatilitySize
from shared.model.proposal import Size

BPS = 10_000.0
_STEP = Decimal(1).scaleb(-PLACES)


class Sized(NamedTuple):
    """`size` None with a `code` where nothing should be entered, and without one where the size is the desk's own. `numbers` are
    what it was found from."""

    size: Size | None
    code: str = ""
    numbers: Mapping[str, float] = {}


class Sizer:
    """Of a desk; it follows each symbol's volatility where that is what sizes."""

    def __init__(self, config: DecisionConfig) -> None:
        self._config = config.sizing
        self._volatility: dict[str, RealisedVolatility] = {}

    def take(self, symbol: str, bar: Bar) -> None:
        """One closed bar."""
        config = self._config
        if isinstance(config, VolatilitySize):
            known = self._volatility.get(symbol)
            if known is None:
                known = self._volatility[symbol] = _volatility(config)
            known.update(bar.close)

    def size(self, symbol: str, earned: Moments | None, factor: Decimal) -> Sized:
        """Of an entry, times the policy's factor; `earned` is what its strategy earned, in units of the risk taken."""
        config = self._config
        if config is None:
            return Sized(None)
        if isinstance(config, FixedSize):
            return _risk(config.risk_bps, factor, {})
        if isinstance(config, KellySize):
            return kelly(config, earned, factor)
        known = self._volatility.get(symbol)
        return target(config, None if known is None else known.value, factor)

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {symbol: each.state() for symbol, each in sorted(self._volatility.items())}

    def restore(self, state: Mapping[str, Any]) -> None:
        """ValueError, TypeError or LookupError for what does not fit."""
        config = self._config
        if isinstance(config, VolatilitySize):
            for symbol, kept in state.items():
                known = self._volatility[symbol] = _volatility(config)
                known.restore(kept)


def target(config: VolatilitySize, volatility: float | None, factor: Decimal) -> Sized:
    """Exposure = target / volatility, both a year, at most `most`; a price that does not move gets the most.

    Source: volatility targeting; Moreira and Muir, Volatility-Managed Portfolios, Journal of Finance 72 (2017).
    """
    if volatility is None or volatility != volatility:
        return Sized(None, "volatility_unknown")
    wanted = config.most
    if volatility * float(config.most) > config.target:
        wanted = min(config.most, decimal_of(config.target / volatility))
    exposure = _times(wanted, factor)
    numbers = {"volatility": volatility, "exposure": float(exposure)}
    return Sized(Size(exposure=exposure), "", numbers) if exposure else Sized(None, "size_zero", numbers)


def kelly(config: KellySize, earned: Moments | None, factor: Decimal) -> Sized:
    """Risk = fraction * m / E[r^2], at most `cap_bps` of equity, of outcomes `r` with mean `m` and E[r^2] = m^2 + variance.

    It maximises `f m - f^2 E[r^2] / 2`, the expected growth of equity to second order. Sources: Kelly, A New Interpretation of
    Information Rate, Bell System Technical Journal 35 (1956); Thorp, The Kelly Criterion in Blackjack, Sports Betting, and the
    Stock Market (2006), which also says why only a part of it is taken.
    """
    if earned is None or earned.count < config.after:
        return _risk(config.before_bps, factor, {"outcomes": float(earned.count if earned else 0)})
    second = earned.mean * earned.mean + earned.variance
    share = config.fraction * earned.mean / second if second > 0.0 else 0.0
    numbers = {"outcomes": float(earned.count), "mean_r": earned.mean, "kelly": share}
    wanted = config.floor_bps
    if share > 0.0:
        cap = config.cap_bps
        wanted = max(wanted, cap if share * BPS >= float(cap) else min(cap, decimal_of(share * BPS)))
    return _risk(wanted, factor, numbers) if wanted else Sized(None, "no_edge", numbers)


def _risk(bps: Decimal, factor: Decimal, numbers: Mapping[str, float]) -> Sized:
    wanted = _times(bps, factor)
    told = {**numbers, "risk_bps": float(wanted)}
    return Sized(Size(risk_bps=wanted), "", told) if wanted else Sized(None, "size_zero", told)


def _times(wanted: Decimal, factor: Decimal) -> Decimal:
    # never more than was meant, and no more digits than a proposal may have
    return exact.floor_to(exact.multiply(wanted, factor), _STEP)


def _volatility(config: VolatilitySize) -> RealisedVolatility:
    return RealisedVolatility(config.window, config.bars_per_year)
