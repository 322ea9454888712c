"""A run's numbers as people read them: the same words in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

NOTHING: Final = "–"
DAY_MS: Final = 86_400_000
LAST_MS: Final = 253_402_300_799_000
SHOWN_DOUBTS: Final = 20
SHOWN_NAMES: Final = 5
FAILURES: Final = ("strategy_error", "over_budget")
"""What a refusal is called after which its strategy says nothing more."""


def when(at_ms: int) -> str:
    """`2024-05-01 13:00`, in UTC; midnight is the day alone. What lies beyond the year 9999 is its end."""
    at_ms = min(at_ms, LAST_MS)
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M" if at_ms % DAY_MS else "%Y-%m-%d")


def percent(value: float) -> str:
    """A fraction, with two digits after the point."""
    return f"{value * 100:.2f} %"


def plain(value: float) -> str:
    """A ratio."""
    return f"{value:.3f}"


def money(value: float) -> str:
    """An amount with its thousands set apart."""
    return f"{value:,.2f}"


def count(value: float) -> str:
    """A whole number."""
    return f"{value:,.0f}"


def lasting(value: float) -> str:
    """Milliseconds as days and hours."""
    days, rest = divmod(int(value), DAY_MS)
    hours = rest // 3_600_000
    return f"{days} d {hours} h" if days and hours else f"{days} d" if days else f"{rest / 3_600_000:.1f} h"


ROWS: Final[tuple[tuple[str, str, Callable[[float], str]], ...]] = (
    ("total_return", "return", percent),
    ("held_return", "return of holding", percent),
    ("cagr", "return a year (CAGR)", percent),
    ("volatility", "volatility a year", percent),
    ("sharpe", "Sharpe", plain),
    ("sortino", "Sortino", plain),
    ("calmar", "Calmar", plain),
    ("max_drawdown", "deepest drawdown", percent),
    ("drawdown_ms", "it lasted", lasting),
    ("longest_drawdown_ms", "longest drawdown", lasting),
    ("value_at_risk", "VaR of a bar, 95 %", percent),
    ("expected_shortfall", "CVaR of a bar, 95 %", percent),
    ("trades", "trades", count),
    ("win_rate", "won", percent),
    ("profit_factor", "profit factor", plain),
    ("expectancy", "average trade", money),
    ("sqn", "SQN", plain),
    ("kelly", "Kelly", percent),
    ("average_mae", "average MAE", money),
    ("average_mfe", "average MFE", money),
    ("fees", "fees", money),
    ("exposure", "time in the market", percent),
    ("turnover", "turnover, times the account", plain),
    ("bars", "bars", count),
)


def metric_rows(metrics: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """`(label, value, why there is none)` of a report's metrics, in the order people ask for them."""
    if metrics is None:
        return []
    undefined = metrics["undefined"]
    return [
        (label, NOTHING if metrics[name] is None else shown(metrics[name]), undefined.get(name, ""))
        for name, label, shown in ROWS
    ]


def doubts(told: Mapping[str, Any]) -> list[str]:
    """What speaks against a report's numbers, for people to see before them."""
    found = shortfalls(told["coverage"])
    for each in told["refused"]:
        at = when(each["bar_close_ms"])
        if each["code"] in FAILURES:
            where = f"failed on {each['symbol']}" if each["symbol"] else "failed"
            then = f", {at}, and said nothing from then on; what it held stayed open"
            never = " before its first bar, and said nothing"
            found.append(f"{each['by']} {where}{then if each['bar_close_ms'] else never}: {each['detail']}")
        elif each["by"] == "market":
            found.append(f"{each['symbol']}, {at}: {each['detail']}")
    if not told["trades"]:
        found.append(f"not one trade was closed; {_why_none(told)}")
    return found


def _why_none(told: Mapping[str, Any]) -> str:
    if told["refused"]:
        return "what was refused tells why"
    if told["open_symbols"]:
        return "nothing was refused either, and what was bought is held to the end"
    return "nothing was refused either" + ("" if told["proposals"] else ", and no strategy proposed anything")


def shortfalls(coverage: Mapping[str, Any] | None) -> list[str]:
    """What the archive lacks of what a backtest asked for, symbols that lack the same together."""
    if coverage is None:
        return []
    lacking: dict[str, list[str]] = {}
    for name, held in coverage["symbols"].items():
        if lacks := _lacks(held):
            lacking.setdefault(lacks, []).append(name)
    asked = f"asked for was {when(coverage['from_ms'])} to {when(coverage['to_ms'])}"
    found = [f"{_names(names)}: {lacks}; {asked}" for lacks, names in lacking.items()]
    more = len(found) - SHOWN_DOUBTS
    return (
        found if more <= 0 else [*found[:SHOWN_DOUBTS], f"{more} more such shortfalls; the report's coverage has all"]
    )


def _lacks(held: Mapping[str, Any]) -> str:
    said = []
    if held["listed_ms"] is not None:
        said.append(f"was listed on {when(held['listed_ms'])}, after the start")
    if not held["bars"]:
        return "; ".join([*said, "the archive has no bar of it in the span"])
    if held["starts_late"]:
        said.append(f"the archive begins at {when(held['first_ms'])}")
    if held["ends_early"]:
        said.append(f"the archive ends at {when(held['last_ms'])}")
    if held["holes"]:
        first, last = map(when, held["holes"][0])
        if held["missing"] is None:
            said.append(f"not known how many bars are missing in between, the first gap is from {first} to {last}")
        else:
            said.append(f"{count(held['missing'])} bars are missing in between, the first at {first}")
    return "; ".join(said)


def _names(names: Sequence[str]) -> str:
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


TRADE_HEAD: Final = ("symbol", "quantity", "bought", "at", "sold", "at", "result", "fees", "bars", "why")


def trade_row(trade: Mapping[str, Any]) -> tuple[str, ...]:
    """One closed trade, in the columns of `TRADE_HEAD`."""
    return (
        trade["symbol"],
        f"{trade['qty']:g}",
        when(trade["entry_ms"]),
        f"{trade['entry_price']:.8g}",
        when(trade["exit_ms"]),
        f"{trade['exit_price']:.8g}",
        money(trade["pnl"]),
        money(trade["fees"]),
        str(trade["bars"]),
        trade["reason"],
    )


REFUSED_HEAD: Final = ("by", "symbol", "code", "times", "first", "what")


def refused_row(refused: Mapping[str, Any]) -> tuple[str, ...]:
    """One kind of refusal, in the columns of `REFUSED_HEAD`."""
    first = when(refused["bar_close_ms"]) if refused["bar_close_ms"] else NOTHING
    return (refused["by"], refused["symbol"], refused["code"], count(refused["times"]), first, refused["detail"])
