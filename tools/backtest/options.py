"""What a backtest is asked for on the command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from brain.backtest.plan import Plan
from brain.backtest.request import read
from brain.backtest.search import OBJECTIVES, Space, read_space
from brain.registry import STRATEGIES
from brain.request import unknown
from shared.backtest import Account
from shared.errors import Invalid
from shared.jsontext import named_twice, read_json
from shared.model import Interval, Model
from shared.model.decision import DecisionConfig
from tools.backtest.crew import cores
from tools.backtest.data import RECORDED, Data
from tools.backtest.study import How, size_of
from tools.failure import ToolError

AMPLE: Final = "1000000000000"
DEFAULTS: Final[Mapping[str, str]] = {"strategy": "sma_cross", "data": "us:IBM"}
SEVERAL: Final = "several: 'sma_cross fast=10 slow=50, rsi_reversion'"
MOST_JOBS: Final = 256
SEARCHES: Final = ("grid", "random", "evolution")


class _Parser(argparse.ArgumentParser):
    """Ends like every other error, and not with 2, which says that a strategy saw the future."""

    def error(self, message: str) -> NoReturn:
        raise ToolError(f"{message}; --help tells what there is")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line; what `make` passes comes as variables. ToolError for what is no option, or not one of its values."""
    env = os.environ
    parser = _Parser(prog="make backtest", description="Run a strategy over recorded bars.")
    add = parser.add_argument
    add("--strategy", default=env.get("STRATEGY") or None, help=f"STRATEGY: {', '.join(STRATEGIES)}; {SEVERAL}")
    add("--data", default=env.get("DATA") or None, help="DATA: a CSV file, or a recorded market: us, us:IBM, fx")
    add("--params", default=env.get("PARAMS") or "", help="PARAMS: of the one strategy, such as 'fast=10 slow=50'")
    add(
        "--decisions",
        type=Path,
        help="JSON file of how several decide together (docs/decisions.md; default: each alone)",
    )
    add("--interval", default=None, choices=[each.value for each in Interval], help="of a CSV file, if not its step")
    add("--account", type=Path, help="JSON file of the account, with limits, protections and carry (docs/backtests.md)")
    add("--cash", default=None, help="money at the start (default: 100000)")
    add("--fee-bps", default=None, help="of every fill's notional, in basis points (default: 10)")
    add("--slippage-bps", default=None, help="of every market order and stop (default: 0)")
    add("--risk-bps", type=int, default=None, help="of equity that a stop may lose (default: 100)")
    add("--warmup", type=int, default=0, help="bars at the beginning on which nothing is proposed (default: 0)")
    add("--bias", action="store_true", help="look for lookahead, and for how much history the ideas need")
    add("--search", choices=SEARCHES, help="try parameters of --space")
    add("--space", default="", help="such as 'fast=5:20:5 slow=30:90:20'; low:high[:step]")
    add("--count", type=int, default=100, help="tries of a random search or of evolution (default: 100)")
    add("--objective", choices=OBJECTIVES, default="sharpe", help="what is searched for (default: sharpe)")
    add("--walk-forward", metavar="TRAIN,TEST", help="search on so many bars, judge on so many, move on")
    add("--anchored", action="store_true", help="every stretch to search on begins at the first bar")
    add("--monte-carlo", type=int, default=0, metavar="N", help="the trades in so many other orders")
    add("--markets", type=int, default=0, metavar="N", help="backtests on so many markets made of the bars")
    add("--block", type=int, default=20, help="bars in a row in such a market (default: 20)")
    add(
        "--jobs",
        type=_jobs,
        default=cores(),
        metavar="N",
        help=f"backtests side by side (default: {cores()}, a core each)",
    )
    add("--seed", type=int, default=1, help="of all that is drawn (default: 1)")
    add("--name", default="", help="folder below build/backtest (default: strategy, parameters and data)")
    asked = parser.parse_args(argv)
    asked.unsaid = [name for name in DEFAULTS if getattr(asked, name) is None]
    for name in asked.unsaid:
        setattr(asked, name, DEFAULTS[name])
    return asked


def _jobs(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MOST_JOBS):
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 to {MOST_JOBS}")
    return int(text)


def chosen(asked: argparse.Namespace) -> str:
    """What was taken for want of a word, and how to say it; empty where all of it was said."""
    if not asked.unsaid:
        return ""
    taken = ", ".join(f"{name.upper()}={getattr(asked, name)}" for name in asked.unsaid)
    return (
        f"taking {taken}, since nothing else was said; choose with\n"
        f"  STRATEGY  {', '.join(STRATEGIES)}\n"
        f"  DATA      a CSV file, or a recorded market: {', '.join(RECORDED)}, or one symbol of it, such as us:IBM"
    )


def pairs(text: str, where: str) -> dict[str, str]:
    """`a=1 b=2` as texts by name."""
    found: dict[str, str] = {}
    for part in text.split():
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise ToolError(f"{where}: {part!r} must be name=value; write it like 'fast=10 slow=50'")
        if name in found:
            raise ToolError(f"{where}: {name} stands there twice; name it once")
        found[name] = value
    return found


def values(text: str, where: str = "PARAMS") -> dict[str, Any]:
    """The same with whole numbers, numbers and texts told apart."""
    return {name: _value(value) for name, value in pairs(text, where).items()}


def strategies(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Those that are named, each with the parameters behind its name; where it is but one, also with those of PARAMS."""
    parts = [part.strip() for part in asked.strategy.split(",")]
    if not all(parts):
        raise ToolError(f"STRATEGY {asked.strategy!r}: a name is missing beside a comma; {SEVERAL}")
    if asked.params and len(parts) > 1:
        raise ToolError(f"PARAMS {asked.params!r}: of which strategy? write them behind its name; {SEVERAL}")
    found = []
    for part in parts:
        name, *own = part.split(maxsplit=1)
        text = " ".join([*own, asked.params])
        found.append({"name": name, "params": values(text, "STRATEGY" if own else "PARAMS")})
    return found


def said(asked: argparse.Namespace) -> str:
    """The strategies as they were asked for, in one line, and by what stages they decide."""
    stages = [name for name, value in (decisions(asked) or {}).items() if value]
    how = f", decisions by {', '.join(stages)}" if stages else ""
    return " ".join(f"{asked.strategy} {asked.params}".split()) + how


def _value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def plan_of(asked: argparse.Namespace, data: Data) -> Plan:
    """What is run; ToolError for anything that does not fit, first for a strategy that is not there."""
    wanted = strategies(asked)
    try:
        for error in unknown(wanted, STRATEGIES).values():
            raise error
    except Invalid as error:
        raise ToolError(str(error.detail)) from None
    body = {
        "venue": data.venue,
        "interval": data.interval.value,
        "strategies": wanted,
        "decisions": decisions(asked),
        "account": account(asked, data.currency),
        "instruments": list(data.instruments),
        "market": dict(data.columns),
        "warmup_bars": asked.warmup,
    }
    try:
        return read(body)
    except Invalid as error:
        raise ToolError(str(error.detail)) from None


def account(asked: argparse.Namespace, currency: str) -> dict[str, Any]:
    """The file's, or one in which little but the strategy decides; the options have the last word."""
    told = _default(currency) if asked.account is None else _file(asked.account, Account, "--account")
    for where, name, value in (
        (told, "cash", asked.cash),
        (told["paper"], "fee_bps", asked.fee_bps),
        (told["paper"], "slippage_bps", asked.slippage_bps),
        (told["limits"], "risk_per_trade_bps", asked.risk_bps),
    ):
        if value is not None:
            where[name] = value
    return told


def _default(currency: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "cash": "100000",
        "limits": {
            "risk_per_trade_bps": 100,
            "max_order_notional": AMPLE,
            "max_symbol_notional": AMPLE,
            "max_total_notional": AMPLE,
            "max_open_positions": 1000,
            "max_open_orders": 500,
            "max_orders_per_minute": 10_000,
        },
        "paper": {"fee_bps": "10", "slippage_bps": "0", "volume_share_bps": 1000, "resting_stops": True},
    }


def decisions(asked: argparse.Namespace) -> dict[str, Any] | None:
    """The stages of the file; None: every strategy for itself."""
    return None if asked.decisions is None else _file(asked.decisions, DecisionConfig, "--decisions")


def _file(path: Path, model: type[Model], where: str) -> dict[str, Any]:
    try:
        text = path.read_bytes()
        read_json(text)
        if twice := named_twice(text):
            raise ToolError(f"{where} {path}: has {twice!r} twice in one object; which one is meant?")
        return model.parse(text).wire()
    except OSError as error:
        raise ToolError(f"{where}: {error}; name a JSON file") from None
    except Invalid as error:
        raise ToolError(f"{where} {path}: {error.detail}") from None


def how_of(asked: argparse.Namespace) -> How | None:
    """The search that is asked for."""
    if not asked.search:
        if asked.walk_forward or asked.space:
            raise ToolError("--search is missing: say grid, random or evolution")
        return None
    try:
        space: Space = read_space(pairs(asked.space, "--space"))
        how = How(asked.search, space, asked.count, asked.seed, asked.objective)
        size_of(how)
    except Invalid as error:
        raise ToolError(str(error.detail)) from None
    return how


def windows_of(text: str) -> tuple[int, int]:
    """`TRAIN,TEST`, both in bars."""
    train, _, test = text.partition(",")
    if not (train.isdecimal() and test.isdecimal()):
        raise ToolError(f"--walk-forward {text!r}: must be two numbers of bars; write it like 1000,250")
    return int(train), int(test)


def extras(account_told: Mapping[str, Any]) -> str:
    """The account in one line, for the title."""
    paper, limits = account_told["paper"], account_told["limits"]
    return f"{account_told['cash']} {account_told['currency']}, fee {paper['fee_bps']} bps, risk {limits['risk_per_trade_bps']} bps"
