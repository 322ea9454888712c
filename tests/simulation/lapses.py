"""Mistakes of the protections, planted: each lets a little more through than it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from shared.desk.protections import (
    consecutive_losses,
    cooldown,
    error_rate,
    low_profit_symbol,
    min_notional_and_precision,
    price_band,
    self_trade,
    spread_too_wide,
    stoploss_guard,
    trading_hours,
    venue_down,
)

Change = Callable[[Any], Any]


@contextmanager
def looser(kind: type[Any], method: str, setting: str, change: Change) -> Iterator[None]:
    """The protection's method reads one of its settings as another."""
    real = getattr(kind, method)

    def lax(self: Any, *rest: Any) -> Any:
        return real(self.model_copy(update={setting: change(getattr(self, setting))}), *rest)

    with patch.object(kind, method, lax):
        yield


def blind(where: Any, name: str) -> AbstractContextManager[Any]:
    """A rule never speaks against anything."""
    return patch.object(where, name, lambda *_: None)


@contextmanager
def stays_a_minute_longer() -> Iterator[None]:
    """The end of a window is taken for a part of it."""
    has = trading_hours.Window.has

    def late(self: Any, day: Any, minute: int) -> bool:
        return has(self, day, minute) or has(self, day, minute - 1)

    with patch.object(trading_hours.Window, "has", late):
        yield


@contextmanager
def meets_only_beyond() -> Iterator[None]:
    """Two orders of one price are not taken for a trade."""
    meets = self_trade._meets

    def beyond(order: Any, intent: Any, reach: Any) -> bool:
        return bool(meets(order, intent, reach)) and order.limit_price != reach

    with patch.object(self_trade, "_meets", beyond):
        yield


def _one_more(most: int) -> int:
    return most + 1


def _half(seconds: int) -> int:
    return seconds // 2


def _twice(bps: int) -> int:
    return 2 * bps


Planted = Callable[[], AbstractContextManager[Any]]
LAPSES: dict[str, tuple[str, Planted]] = {
    "loses_once_more": (
        "consecutive_losses",
        partial(looser, consecutive_losses.ConsecutiveLosses, "finds", "losses", _one_more),
    ),
    "cools_down_half": ("cooldown", partial(looser, cooldown.Cooldown, "refuse", "for_s", _half)),
    "fails_once_more": ("error_rate", partial(looser, error_rate.ErrorRate, "finds", "errors", _one_more)),
    "gives_another_chance": (
        "low_profit_symbol",
        partial(looser, low_profit_symbol.LowProfitSymbol, "refuse", "trades", _one_more),
    ),
    "forgets_the_tick": ("min_notional_and_precision", partial(blind, min_notional_and_precision, "_off_tick")),
    "forgets_the_lot": ("min_notional_and_precision", partial(blind, min_notional_and_precision, "_off_lot")),
    "forgets_the_minima": ("min_notional_and_precision", partial(blind, min_notional_and_precision, "_too_small")),
    "takes_any_price": ("price_band", partial(blind, price_band.PriceBand, "_is_absurd")),
    "chases_a_flash": ("price_band", partial(blind, price_band.PriceBand, "_has_jumped")),
    "meets_only_beyond": ("self_trade", meets_only_beyond),
    "pays_twice_the_spread": (
        "spread_too_wide",
        partial(looser, spread_too_wide.SpreadTooWide, "refuse", "max_bps", _twice),
    ),
    "needs_no_quote": (
        "spread_too_wide",
        partial(looser, spread_too_wide.SpreadTooWide, "refuse", "require_quote", lambda _: False),
    ),
    "is_stopped_once_more": (
        "stoploss_guard",
        partial(looser, stoploss_guard.StoplossGuard, "_among", "stops", _one_more),
    ),
    "stays_a_minute_longer": ("trading_hours", stays_a_minute_longer),
    "enters_what_is_down": ("venue_down", partial(blind, venue_down.VenueDown, "finds")),
}
"""The protection, and what is wrong with it."""
