"""What a backtest is asked for over RPC, read strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from brain import series
from brain.backtest.plan import Plan, open_times
from brain.bars import Bars
from brain.registry import STRATEGIES, AnyStrategy
from brain.request import choices, decisions, exactly
from brain.series import Refusal
from shared.backtest import MAX_BARS, Account
from shared.desk import commands, guards
from shared.errors import Invalid
from shared.model import Instrument, Interval, Model
from shared.model.decision import check_decisions

M = TypeVar("M", bound=Model)
OPTIONAL = {"decisions": None}
FIELDS = ("decisions", "venue", "interval", "strategies", "account", "instruments", "market", "warmup_bars")


def read(body: Any, strategies: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> Plan:
    """The plan that a request asks for. Unlike a scan it takes no series that has a flaw: its numbers would be wrong."""
    if not isinstance(body, Mapping):
        raise Invalid.field("body", body, "must be an object")
    body = OPTIONAL | dict(body)
    exactly(body, FIELDS)
    venue = str(body["venue"])
    if body["interval"] not in [each.value for each in Interval]:
        raise Invalid.field(
            "interval", body["interval"], f"must be one of {', '.join(each.value for each in Interval)}"
        )
    interval = Interval(body["interval"])
    account = _read(Account, body["account"], "account")
    guards.read(account.protections)
    instruments = tuple(_read(Instrument, each, "instruments") for each in _list(body["instruments"], "instruments"))
    market = _market(body["market"], interval, {each.symbol for each in instruments})
    opening = commands.Open(
        desk="backtest",
        mode="paper",
        venue=venue,
        interval_ms=interval.ms,
        currency=account.currency,
        cash=account.cash,
        limits=account.limits,
        paper=account.paper,
        instruments=instruments,
        protections=account.protections,
    )
    warmup = body["warmup_bars"]
    if type(warmup) is not int or warmup < 0:
        raise Invalid.field("warmup_bars", warmup, "must be a whole number of 0 or more")
    warmup_ms = 0
    if warmup and (times := open_times(market)):
        warmup_ms = times[min(warmup, len(times)) - 1] + interval.ms
    chosen = choices(body["strategies"], strategies)
    decided = decisions(body["decisions"])
    check_decisions(decided, [each.strategy.name for each in chosen])
    return Plan(venue, interval, chosen, opening, market, account.carry, warmup_ms, decided)


def _market(given: Any, interval: Interval, listed: set[str]) -> dict[str, Bars]:
    if not isinstance(given, Mapping) or not given:
        raise Invalid.field("market", given, "must be an object of at least one symbol's columns")
    found: dict[str, Bars] = {}
    for symbol in sorted(given):
        if symbol not in listed:
            raise Invalid.field("market", symbol, "is not among the instruments", "send its instrument too")
        bars = series.whole(given[symbol], interval.ms)
        if isinstance(bars, Refusal):
            at = f" (the bar that closes at {bars.bar_close_ms})" if bars.bar_close_ms else ""
            raise Invalid(f"market.{symbol}: {bars.detail}{at}", code=bars.code, field=f"market.{symbol}")
        found[symbol] = bars
    if (count := sum(map(len, found.values()))) > MAX_BARS:
        raise Invalid.field("market", count, f"bars are more than {MAX_BARS}", "ask for less at a time")
    return found


def _list(given: Any, name: str) -> list[Any]:
    if not isinstance(given, list):
        raise Invalid.field(name, type(given).__name__, "must be a list")
    return given


def _read(model: type[M], given: Any, where: str) -> M:
    try:
        # as JSON: texts become decimals and enumerations, as everywhere on the wire
        return model.parse(json.dumps(given))
    except Invalid as error:
        raise Invalid(f"{where}.{error.detail}", field=where) from None
