"""Run a strategy over recorded bars: numbers on the terminal, a page and JSON in build/backtest."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from brain.backtest.about import about
from brain.backtest.engine import Backtest
from brain.backtest.page import page, prices_of
from brain.backtest.plan import Outcome, Plan
from brain.backtest.report import report
from brain.backtest.words import FAILURES
from brain.registry import BROKEN
from shared.errors import Invalid
from shared.model import Interval
from shared.model.ids import params_id
from tools.backtest import options, show, study
from tools.backtest.check import check
from tools.backtest.crew import Crew
from tools.backtest.data import load
from tools.failure import ToolError, run_main, say, warn
from tools.paths import BUILD, ROOT

AT_ONCE = 2000
NAMED = 3
"""Strategies in the name of a folder, at most."""
WIDE = 140
"""Characters in a line of what is not read on a terminal."""


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[..., object]]:
    """A bar on stderr; what it gives moves it on, by one or by so many."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda by=1: bar.advance(task, by)


def run(plan: Plan) -> Outcome:
    """With a bar that shows how far it is."""
    backtest = Backtest(plan)
    with progress("bars", backtest.total) as tick:
        left = True
        while left:
            before = backtest.done
            left = backtest.advance(AT_ONCE)
            tick(backtest.done - before)
    return backtest.outcome()


def studies(asked: argparse.Namespace, plan: Plan, outcome: Outcome, how: study.How | None) -> list[study.Study]:
    """Everything that was asked for beside the run, but bias."""
    found = []
    if how is not None and not asked.walk_forward:
        with progress("tries", study.size_of(how)) as tick:
            found.append(study.search_of(plan, how, Crew(asked.jobs, tick)))
    if how is not None and asked.walk_forward:
        train, test = options.windows_of(asked.walk_forward)
        with progress("tries", None) as tick:
            found.append(study.forward_of(plan, how, train, test, asked.anchored, Crew(asked.jobs, tick)))
    if asked.monte_carlo:
        found.append(study.chance_of(plan, outcome, asked.monte_carlo, asked.seed))
    if asked.markets:
        with progress("markets", asked.markets) as tick:
            crew = Crew(asked.jobs, tick)
            found.append(study.markets_of(plan, asked.markets, asked.block, asked.seed, crew))
    return found


def folder_of(plan: Plan) -> str:
    """Another one for other strategies, other parameters or other decisions."""
    first, *rest = plan.choices
    if not rest and plan.decisions is None:
        return f"{first.strategy.name}-{first.params_id[:8]}"
    names = "-".join(each.strategy.name for each in plan.choices[:NAMED]) + ("-and-more" if len(rest) >= NAMED else "")
    decisions = None if plan.decisions is None else plan.decisions.wire()
    return f"{names}-{params_id({'by': [each.key for each in plan.choices], 'decisions': decisions})[:8]}"


def write(name: str, title: str, plan: Plan, told: dict[str, object], more: Sequence[study.Study]) -> str:
    """The folder that was written."""
    folder = BUILD / "backtest" / (re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.") or "run")
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [{"name": each.strategy.name, "params": each.params.wire()} for each in plan.choices]
    decisions = None if plan.decisions is None else plan.decisions.wire()
    whole = {"title": title, "strategies": chosen, "decisions": decisions, **told}
    whole |= {each.name: each.told for each in more}
    (folder / "report.json").write_text(json.dumps(whole, allow_nan=False, indent=1) + "\n")
    prices = [prices_of(symbol, bars, plan.interval.ms) for symbol, bars in plan.series.items()]
    sections = [each for one in more for each in one.sections]
    (folder / "report.html").write_text(page(title, about(plan), told, prices, sections))
    return folder.relative_to(ROOT).as_posix()


def failed(plan: Plan, told: Mapping[str, Any]) -> str:
    """Why the run is none: its only strategy failed, on every symbol, before anything was traded. Empty where it is one."""
    why = {each["symbol"]: each for each in told["refused"] if each["code"] in FAILURES}
    # one that follows the whole market fails on no symbol of its own
    whole = "" in why or plan.series.keys() <= why.keys()
    if len(plan.choices) > 1 or told["trades"] or told["open_symbols"] or not whole:
        return ""
    first = next(iter(why.values()))
    return f"{first['by']} failed before anything was traded: {first['detail']}"


def main() -> int:
    """0, or 2 when a strategy saw the future, which no error ends with. ToolError, after the report, for a run that is none."""
    asked = options.arguments()
    if told := options.chosen(asked):
        say(told)
    data = load(asked.data, Interval(asked.interval) if asked.interval else None)
    for warning in data.warnings:
        say(f"warning: {warning}")
    plan = options.plan_of(asked, data)
    for line in BROKEN.values():
        warn(line)
    how = options.how_of(asked)
    check(asked, plan, how)
    title = f"{options.said(asked)} on {asked.data}"
    try:
        # before anything else has seen the bars
        more = [study.bias_of(plan)] if asked.bias else []
        outcome = run(plan)
        more += studies(asked, plan, outcome, how)
    except Invalid as error:
        raise ToolError(str(error.detail)) from None
    result = report(plan, outcome)
    for doubt in result["doubts"]:
        say(f"warning: {doubt}")
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    show.report(
        console,
        f"{title} ({options.extras(options.account(asked, data.currency))})",
        result,
        [each for one in more for each in one.sections],
    )
    name = asked.name or f"{folder_of(plan)}-{data.name}"
    say(f"wrote {write(name, title, plan, result, more)}/report.html and report.json")
    if any(each.name == "bias" and each.told["lookahead"] for each in more):
        return 2
    if why := failed(plan, result):
        raise ToolError(why)
    return 0


if __name__ == "__main__":
    run_main(main)
