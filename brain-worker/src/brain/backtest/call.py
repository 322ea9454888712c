"""A backtest over RPC: the report with what judges it and, where asked for, a page to look at; and how lucky a best run was."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from brain.backtest.about import about
from brain.backtest.deflated import Moments, deflated_sharpe, moments
from brain.backtest.engine import run
from brain.backtest.metrics.growth import returns
from brain.backtest.metrics.undefined import settled
from brain.backtest.page import page, prices_of
from brain.backtest.plan import Outcome, Plan
from brain.backtest.report import report
from brain.backtest.request import read
from brain.registry import STRATEGIES, AnyStrategy
from brain.request import exactly
from shared.coverage import Coverage
from shared.errors import Invalid
from shared.model.base import invalid_from

MAX_PLOTS = 12
"""Symbols whose prices are drawn: those that were traded most."""


def backtest(body: Any, strategies: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> dict[str, Any]:
    """One run, as docs/contracts.md has it; `Invalid` names what is wrong with the request, or the bar that is wrong."""
    if not isinstance(body, Mapping):
        raise Invalid.field("body", body, "must be an object")
    asked = dict(body)
    title = asked.pop("title", None)
    if not (title is None or isinstance(title, str)):
        raise Invalid.field("title", title, "must be a text or null")
    coverage = _coverage(asked.pop("coverage", None))
    plan = read(asked, strategies)
    outcome = run(plan)
    told = report(plan, outcome, coverage)
    drawn = None if title is None else _page(title, plan, told, coverage)
    return {"report": told, "moments": _moments(outcome), "page": drawn}


def judge(body: Any) -> dict[str, Any]:
    """`{"deflated_sharpe": 0..1 | null, "reason"}` of the chosen run among all that were tried."""
    if not isinstance(body, Mapping):
        raise Invalid.field("body", body, "must be an object")
    exactly(body, ("chosen", "sharpes"))
    chosen, sharpes = body["chosen"], body["sharpes"]
    if not isinstance(chosen, Mapping):
        raise Invalid.field("chosen", chosen, "must be a run's moments")
    exactly(chosen, Moments._fields, "chosen.")
    if not isinstance(sharpes, list):
        raise Invalid.field("sharpes", sharpes, "must be a list")
    sharpe, skew, kurtosis = (_number(f"chosen.{name}", chosen[name]) for name in ("sharpe", "skew", "kurtosis"))
    best = Moments(sharpe, skew, kurtosis, _whole("chosen.bars", chosen["bars"]))
    tried = [_number(f"sharpes.{at}", each) for at, each in enumerate(sharpes)]
    value, reason = settled(lambda: deflated_sharpe(best, tried))
    return {"deflated_sharpe": value, "reason": reason}


def _moments(outcome: Outcome) -> dict[str, Any] | None:
    """None where the account did not move, or had too few bars to."""
    try:
        found = moments(returns(outcome.equity))
    except ArithmeticError:
        return None
    return found._asdict() if all(map(math.isfinite, found)) else None


def _coverage(given: Any) -> Coverage | None:
    if given is None:
        return None
    try:
        return Coverage.model_validate_json(json.dumps(given))
    except ValidationError as error:
        raise invalid_from(error, where="coverage") from None


def _page(title: str, plan: Plan, told: Mapping[str, Any], coverage: Coverage | None) -> str:
    traded = [trade["symbol"] for trade in told["trades"]]
    shown = sorted(plan.series, key=lambda symbol: (-traded.count(symbol), symbol))[:MAX_PLOTS]
    prices = [prices_of(symbol, plan.series[symbol], plan.interval.ms) for symbol in sorted(shown)]
    return page(title, about(plan, coverage), told, prices)


def _number(name: str, value: Any) -> float:
    # a float without a fraction may have arrived as an int
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Invalid.field(name, value, "must be a finite number")
    return float(value)


def _whole(name: str, value: Any) -> int:
    if type(value) is not int:
        raise Invalid.field(name, value, "must be a whole number")
    return value
