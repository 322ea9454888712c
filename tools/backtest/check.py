"""What would otherwise only be noticed after the run, or never: refused before anything is run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from itertools import islice
from typing import Any

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from brain.backtest.montecarlo import MOST_RUNS
from brain.backtest.plan import Plan, open_times
from brain.backtest.search import MOST, Range, drawn, grid, with_params
from brain.backtest.walkforward import windows
from brain.registry import KINDS
from shared.clock import seeded
from shared.errors import Invalid
from tools.backtest.options import pairs, windows_of
from tools.backtest.study import How
from tools.failure import ToolError

SHOWN_SYMBOLS = 10


def check(asked: argparse.Namespace, plan: Plan, how: How | None) -> None:
    """ToolError for what no bar, no symbol or no parameter could fit."""
    times = open_times(plan.series)
    if asked.warmup >= len(times):
        raise ToolError(f"--warmup {asked.warmup}: must be below the {len(times)} bars")
    _symbols(plan)
    if how is not None:
        _search(asked, plan, how)
    if asked.walk_forward:
        train, test = windows_of(asked.walk_forward)
        try:
            windows(times, train, test, asked.anchored, plan.interval.ms)
        except Invalid as error:
            raise ToolError(f"--walk-forward {asked.walk_forward}: {error.detail}") from None
    if asked.markets and len(plan.series) != 1:
        raise ToolError(f"--markets: is for one symbol, not {len(plan.series)}; name one, such as DATA=us:IBM")
    for name, runs in (("--monte-carlo", asked.monte_carlo), ("--markets", asked.markets)):
        if not 0 <= runs <= MOST_RUNS:
            raise ToolError(f"{name} {runs}: must be 0 to {MOST_RUNS}")
    if asked.markets and not 1 <= asked.block < len(times):
        raise ToolError(f"--block {asked.block}: must be 1 to {len(times) - 1}, below the number of bars")


def _symbols(plan: Plan) -> None:
    """A strategy that looks for a symbol which the data has not would never say anything."""
    for choice in plan.choices:
        for name, field in choice.strategy.params_model.model_fields.items():
            value = getattr(choice.params, name)
            if KINDS.get(field.annotation) == "symbol" and value not in plan.series:
                known = sorted(plan.series)
                more = f" and {len(known) - SHOWN_SYMBOLS} more" if len(known) > SHOWN_SYMBOLS else ""
                raise ToolError(
                    f"{choice.strategy.name}: {name}={value} is no symbol of the data; choose from"
                    f" {', '.join(known[:SHOWN_SYMBOLS])}{more}, such as PARAMS='{name}={known[0]}'"
                )


def _search(asked: argparse.Namespace, plan: Plan, how: How) -> None:
    if len(plan.choices) > 1:
        raise ToolError(
            f"--search: is for one strategy, not {len(plan.choices)}; a sweep of POST /v1/backtests takes one of several"
        )
    strategy, texts = plan.choices[0].strategy, pairs(asked.space, "--space")
    known: Mapping[str, FieldInfo] = strategy.params_model.model_fields
    for name, each in how.space.items():
        if name not in known:
            raise ToolError(f"--space: {name} is not a parameter of {strategy.name}; choose from {', '.join(known)}")
        _bounds(f"--space {name}: {texts[name]}", known[name], each)
    if how.kind != "grid" and not 1 <= how.tries <= MOST:
        raise ToolError(f"--count {how.tries}: must be 1 to {MOST}")
    _taken(plan, how)


def _bounds(where: str, field: FieldInfo, each: Range) -> None:
    if field.annotation is str:
        raise ToolError(f"{where} is a range, and the parameter a symbol; name it in PARAMS")
    if field.annotation is int and not each.is_whole:
        raise ToolError(f"{where} must be whole numbers, the step too, as the parameter is")
    low: Any = next(mark.ge for mark in field.metadata if isinstance(mark, Ge))
    high: Any = next(mark.le for mark in field.metadata if isinstance(mark, Le))
    if each.low < low or each.high > high:
        partly = "" if each.low > high or each.high < low else "partly "
        raise ToolError(f"{where} lies {partly}outside of {low} … {high}")


def _taken(plan: Plan, how: How) -> None:
    """ToolError where the strategy takes no combination at all, such as a fast average that is always the slower one."""
    tries = how.tries if how.kind == "random" else MOST
    candidates = grid(how.space) if how.kind == "grid" else drawn(how.space, tries, seeded(how.seed))
    why = ""
    for params in islice(candidates, MOST):
        try:
            with_params(plan, params)
        except Invalid as error:
            why = why or error.detail
        else:
            return
    raise ToolError(f"--space: the strategy takes none of its combinations; the first: {why}")
