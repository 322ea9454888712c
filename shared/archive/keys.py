"""Where everything lies: the key layout of R2 and KV, documented in docs/storage.md."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.model import Interval

_HOUR_MS = 3_600_000


def day_of(ts_ms: int) -> str:
    """Market date in UTC, YYYY-MM-DD."""
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d")


def unit_of(day: str, interval: Interval) -> str:
    """What is compacted into one object: a day of short bars, a month (YYYY-MM) of bars of an hour or more."""
    return day[:7] if interval.ms >= _HOUR_MS else day


def days_of(unit: str) -> tuple[str, str]:
    """First and last day of a unit, as text that compares like dates."""
    return (unit, unit) if len(unit) == len("YYYY-MM-DD") else (f"{unit}-01", f"{unit}-31")


def run_key(venue: str, interval: Interval, day: str, run: str) -> str:
    """One object per venue and run; `day` is that of its newest bar."""
    return f"{interval_prefix(venue, interval)}{day}/{run}.ndjson.gz"


def compacted_key(venue: str, interval: Interval, unit: str) -> str:
    """The one object of a unit."""
    name = "day" if len(unit) == len("YYYY-MM-DD") else "month"
    return f"{interval_prefix(venue, interval)}{unit}/{name}.ndjson.gz"


def part_key(venue: str, interval: Interval, unit: str, run: str) -> str:
    """Some of a unit's objects in one, while there are too many for one run."""
    return f"{interval_prefix(venue, interval)}{unit}/part-{run}.ndjson.gz"


def run_of(key: str) -> str:
    """The run that wrote the object."""
    return key.rsplit("/", 1)[-1].removesuffix(".ndjson.gz").removeprefix("part-")


def interval_prefix(venue: str, interval: Interval) -> str:
    """What every object of a venue and interval begins with."""
    return f"candles/v1/{venue}/{interval.value}/"


def report_key(desk: str, day: str) -> str:
    """A desk's report of one market day."""
    return f"reports/v1/{desk}/{day}.json"


def backtest_key(backtest: str, name: str) -> str:
    """Of a backtest: its `bars`, or a run's result by its number."""
    return f"backtests/v1/{backtest}/{name}.json.gz"


def page_key(backtest: str, number: int) -> str:
    """A run's result to be looked at."""
    return f"backtests/v1/{backtest}/{number}.html.gz"


def hot_key(venue: str, interval: Interval) -> str:
    """KV: the hot window."""
    return f"hot/v1/{venue}/{interval.value}"


def clock_key(venue: str) -> str:
    """KV: the market's clock as ingest last saw it."""
    return f"clock/v1/{venue}"
