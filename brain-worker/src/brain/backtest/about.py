"""What a run was of, as people read it: without it a page of numbers is of nobody knows what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from brain.backtest.plan import Plan, open_times
from brain.backtest.words import count, when
from brain.request import Choice
from shared.coverage import Coverage, SymbolCoverage
from shared.model import exact
from shared.model.decision import DecisionConfig

Rows = list[tuple[str, str]]
SHOWN_SYMBOLS = 50


def about(plan: Plan, coverage: Coverage | None = None) -> Rows:
    """`(label, text)`: the strategies with all their parameters, what decides about them, symbols, span (what was asked for
    and what there was of it, where that is known), account and what guards it."""
    opening = plan.opening
    rows = [("strategy", strategy(each)) for each in plan.choices]
    rows += decided(plan.decisions)
    rows += [
        ("symbols", _symbols(plan)),
        ("span", _span(plan)),
        *covered(coverage),
        ("account", f"{exact.text(opening.cash)} {opening.currency}"),
        ("paper venue", _settings(opening.paper)),
        ("limits", _settings(opening.limits)),
    ]
    rows += [("protection", f"{name} {_pairs(settings)}".strip()) for name, settings in opening.protections.items()]
    if plan.carry.is_due:
        rows.append(("carry", _settings(plan.carry)))
    return rows


def strategy(choice: Choice) -> str:
    """Its name, its version and every parameter, those that were not given among them."""
    return f"{choice.strategy.name} (version {choice.strategy.version}) {_settings(choice.params)}".strip()


def decided(decisions: DecisionConfig | None) -> Rows:
    """How signals became proposals: a row for each stage that is set, and for each of the policy."""
    if decisions is None:
        return [("decisions", "none: every strategy for itself")]
    rows = []
    for stage, settings in decisions.model_dump(mode="json", exclude_none=True).items():
        if stage == "policy":
            rows += [(f"decisions: policy {at}", _pairs(_said(row))) for at, row in enumerate(settings)]
        else:
            rows.append((f"decisions: {stage}", _pairs(settings)))
    return rows or [("decisions", "no stage is set")]


def covered(coverage: Coverage | None) -> Rows:
    """What was asked for, and of each symbol what the archive held of it."""
    if coverage is None:
        return []
    rows = [("asked for", f"bars that open from {when(coverage.from_ms)} to {when(coverage.to_ms)}")]
    names = list(coverage.symbols)
    rows += [("archive", f"{name}: {_held(coverage.symbols[name])}") for name in names[:SHOWN_SYMBOLS]]
    if len(names) > SHOWN_SYMBOLS:
        rows.append(("archive", f"and {len(names) - SHOWN_SYMBOLS} more symbols"))
    return rows


def _held(held: SymbolCoverage) -> str:
    if held.first_ms is None or held.last_ms is None:
        return "no bar"
    missing = "not known how many are" if held.missing is None else "none" if not held.missing else count(held.missing)
    return f"{count(held.bars)} bars, the first {when(held.first_ms)}, the last {when(held.last_ms)}; {missing} missing in between"


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without the conditions that hold for everything."""
    return {name: value for name, value in row.items() if value not in ([], {})}


def _symbols(plan: Plan) -> str:
    names = sorted(plan.series)
    more = f", and {len(names) - SHOWN_SYMBOLS} more" if len(names) > SHOWN_SYMBOLS else ""
    return f"{plan.venue}: {', '.join(names[:SHOWN_SYMBOLS])}{more}; bars of {plan.interval.value}"


def _span(plan: Plan) -> str:
    times = open_times(plan.series)
    if not times:
        return "no bars"
    warm = f"; nothing is proposed until {when(plan.warmup_ms)}" if plan.warmup_ms else ""
    return f"{when(times[0])} to {when(times[-1] + plan.interval.ms)} UTC{warm}"


def _settings(settings: BaseModel) -> str:
    return _pairs(settings.model_dump(mode="json", exclude_none=True))


def _pairs(settings: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in _flat(settings))


def _flat(settings: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{where}{name}.")
        elif isinstance(value, list):
            yield where + name, ",".join(map(str, value))
        else:
            yield where + name, value
