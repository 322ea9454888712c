"""What else is asked about a run: bias, parameters, the next stretch, chance. Each gives tables and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from brain.backtest import bias
from brain.backtest.each import Each
from brain.backtest.engine import run
from brain.backtest.metrics import metrics
from brain.backtest.montecarlo import Quantiles, over_markets, reordered
from brain.backtest.page import Section
from brain.backtest.plan import Outcome, Plan
from brain.backtest.search import Found, Search, Space, Trial, combinations, drawn, grid
from brain.backtest.walkforward import Forward, walk_forward, windows
from brain.backtest.words import NOTHING, metric_rows, money, percent, plain, when
from brain.bar import Bar
from shared.clock import seeded
from tools.backtest.evolve import evolve
from tools.failure import ToolError

SHOWN_TRIES = 10
SHOWN_CHEATS = 20


class Study(NamedTuple):
    """`told` is for report.json, under `name`."""

    name: str
    told: Any
    sections: Sequence[Section]


def bias_of(plan: Plan) -> Study:
    """Lookahead and warm-up."""
    cheats, warmups = bias.lookahead(plan), bias.warmup(plan)
    rows = [(each.strategy, each.symbol, when(each.bar_close_ms), each.how) for each in cheats[:SHOWN_CHEATS]]
    note = f"{len(cheats)} saw what they could not have seen." if cheats else "Nobody saw the future."
    looked = Section("Lookahead", ("strategy", "symbol", "first bar", "what happened"), rows, note)
    told = {"lookahead": [each._asdict() for each in cheats], "warmup": [_warmup(each) for each in warmups]}
    return Study("bias", told, [looked, *map(_warmup_section, warmups)])


def _warmup(found: bias.Warmup) -> dict[str, Any]:
    return {**found._asdict(), "rows": [each._asdict() for each in found.rows]}


def _warmup_section(found: bias.Warmup) -> Section:
    rows = [(f"{each.bars:,}", f"{each.ideas:,}", f"{each.changed:,}", f"{each.worst:.2g}") for each in found.rows]
    agreed = f"its ideas agree from bar {found.needed}" if found.needed else "its ideas never agree"
    note = f"{found.strategy} declares {found.declared} bars of warm-up; {agreed}."
    return Section("Warm-up", ("after bars", "ideas", "that differ", "by at most"), rows, note)


class How(NamedTuple):
    """How parameters are looked for: `grid`, `random` or `evolution`, with so many `tries` at most."""

    kind: str
    space: Space
    tries: int
    seed: int
    objective: str


def size_of(how: How) -> int:
    """Backtests in one search, at most."""
    return combinations(how.space) if how.kind == "grid" else how.tries


def look(plan: Plan, how: How, each: Each) -> Found:
    """One search."""
    search = Search(plan, how.objective, each=each)
    if how.kind == "evolution":
        evolve(how.space, search.tries, how.tries, how.seed)
        return search.found()
    return search.all(grid(how.space) if how.kind == "grid" else drawn(how.space, how.tries, seeded(how.seed)))


def search_of(plan: Plan, how: How, each: Each) -> Study:
    """The best parameters, and how much of that is luck."""
    found = look(plan, how, each)
    if not found.trials:
        raise ToolError(f"--search: the strategy took none of the {found.refused} combinations tried; mend --space")
    rows = [
        (_params(each.params), NOTHING if each.value is None else plain(each.value), f"{each.trades:,}")
        for each in found.trials[:SHOWN_TRIES]
    ]
    luck = f"none: {found.why}" if found.deflated is None else percent(found.deflated)
    note = (
        f"{len(found.trials):,} tries, {found.refused:,} combinations refused. Probability that the best is more than the best"
        f" of as many lucky ones (deflated Sharpe ratio; 95 % is customary): {luck}."
    )
    told = {**found._asdict(), "trials": [_trial(each) for each in found.trials]}
    return Study("search", told, [Section(f"Search ({how.kind})", ("parameters", how.objective, "trades"), rows, note)])


def _trial(trial: Trial) -> dict[str, Any]:
    return {"params": trial.params, "value": trial.value, "trades": trial.trades, "sharpe_per_bar": trial.sharpe}


def _params(params: Mapping[str, Any] | None) -> str:
    return " ".join(f"{name}={value:g}" for name, value in params.items()) if params else NOTHING


def forward_of(plan: Plan, how: How, train: int, test: int, anchored: bool, each: Each) -> Study:
    """Parameters chosen on one stretch and judged on the next."""
    times = sorted({bar.open_time_ms for bars in plan.series.values() for bar in bars})
    chosen = windows(times, train, test, anchored, plan.interval.ms)
    found = walk_forward(plan, chosen, lambda part: look(part, how, each))
    rows = [
        (
            when(each.window.test_ms),
            when(each.window.end_ms),
            _params(each.params),
            NOTHING if each.within is None else plain(each.within),
            percent(each.gain),
            f"{each.trades:,}",
        )
        for each in found.steps
    ]
    head = ("from", "to", "parameters", f"{how.objective} before", "return", "trades")
    judged = _judged(plan, found)
    sections = [Section("Walk forward", head, rows, "Each stretch with what was best on the bars before it.")]
    if judged is not None:
        numbers = [(label, value) for label, value, _ in metric_rows(judged)]
        sections.append(Section("The stretches that were not searched", ("number", "value"), numbers))
    steps = [{**each._asdict(), "window": each.window._asdict()} for each in found.steps]
    told = {"steps": steps, "metrics": judged, "t": list(found.times_ms), "equity": list(found.equity)}
    return Study("walk_forward", told, sections)


def _judged(plan: Plan, found: Forward) -> dict[str, Any] | None:
    if not found.times_ms:
        return None
    return metrics(
        found.equity, found.times_ms, found.trades, plan.interval.ms, found.exposure_bars, found.traded_notional
    )._asdict()


def chance_of(plan: Plan, outcome: Outcome, runs: int, seed: int) -> Study:
    """The trades in other orders, and drawn anew."""
    if not outcome.trades:
        raise ToolError("--monte-carlo: no trade was closed, so there is nothing to reorder")
    start = float(plan.opening.cash)
    told, rows = {}, []
    for name, replace in (("other orders", False), ("drawn anew", True)):
        found = reordered(outcome.trades, start, runs, seeded(seed), replace=replace)
        told[name.replace(" ", "_")] = found._asdict()
        rows.append((f"{name}: deepest drawdown", *map(percent, found.max_drawdown)))
        if replace:
            rows.append((f"{name}: equity at the end", *map(money, found.final_equity)))
    note = f"{runs:,} runs. {percent(found.ruined)} of those drawn anew lost the account."
    head = ("", *Quantiles._fields)
    return Study("monte_carlo", told, [Section("Chance: the trades", head, rows, note)])


def markets_of(plan: Plan, runs: int, block: int, seed: int, each: Each) -> Study:
    """Backtests on markets made of the bars of the plan's one symbol."""
    [bars] = plan.series.values()
    found = over_markets(bars, block, runs, seeded(seed), partial(_return_on, plan), each)
    row = ("return", *map(percent, found))
    note = f"{runs:,} backtests on markets made of blocks of {block} bars."
    return Study("markets", found._asdict(), [Section("Chance: the bars", ("", *Quantiles._fields), [row], note)])


def _return_on(plan: Plan, made: Sequence[Bar]) -> float:
    outcome = run(plan._replace(series=dict.fromkeys(plan.series, made)))
    return outcome.equity[-1] / float(plan.opening.cash) - 1.0
