"""What a backtest runs on: a CSV file, or a recorded market (`us`, `us:IBM`, `fx`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from shared.model import Interval
from tools.backtest.table import read_table
from tools.failure import ToolError
from tools.replay.bar import Bar
from tools.replay.errors import ReplayError
from tools.replay.instrument import Instrument
from tools.replay.market import Market
from tools.replay.sources.folder import infer_instrument
from tools.replay.sources.fx import fx_market
from tools.replay.sources.us import us_market

RECORDED: Final[Mapping[str, Callable[[], Market]]] = {"us": us_market, "fx": fx_market}
ALL: Final = 2**60


class Data(NamedTuple):
    """`columns` and `instruments` as a request for a backtest has them; `currency` is what the prices are in."""

    name: str
    venue: str
    interval: Interval
    instruments: Sequence[Mapping[str, Any]]
    columns: Mapping[str, Mapping[str, list[Any]]]
    currency: str
    warnings: Sequence[str] = ()


def load(given: str, interval: Interval | None = None) -> Data:
    """ToolError where there is no such data, or something is wrong with it."""
    name, _, symbol = given.partition(":")
    if name in RECORDED:
        return _recorded(name, symbol, interval)
    file = Path(given)
    if not file.is_file():
        known = ", ".join(RECORDED)
        raise ToolError(f"DATA={given!r}: is neither a CSV file nor a recorded market; name a file, or one of {known}")
    table = read_table(file, interval)
    symbol = re.sub(r"[^A-Z0-9._-]", "", file.name.removesuffix(".gz").removesuffix(".csv").upper())[:32] or "DATA"
    instrument = infer_instrument(symbol, {table.interval.value: list(table.bars)})
    return Data(
        symbol.lower(),
        "file",
        table.interval,
        [_instrument("file", instrument)],
        {symbol: _columns(table.bars)},
        instrument.quote,
        table.warnings,
    )


def _recorded(name: str, symbol: str, interval: Interval | None) -> Data:
    try:
        market = RECORDED[name]()
    except ReplayError as error:
        raise ToolError(f"DATA={name}: {error}") from None
    if symbol and symbol not in market.instruments:
        raise ToolError(f"DATA={name}:{symbol}: is not recorded; choose one of {', '.join(market.instruments)}")
    chosen = [each for each in market.instruments.values() if symbol in ("", each.symbol)]
    length = chosen[0].intervals[0]
    if interval not in (None, length):
        raise ToolError(f"--interval {interval}: {name} was recorded in bars of {length}; leave it out")
    return Data(
        f"{name}-{symbol.lower()}" if symbol else name,
        market.venue,
        Interval(length),
        [_instrument(market.venue, each) for each in chosen],
        {each.symbol: _columns(market.series[each.symbol, length].window(0, ALL, ALL)) for each in chosen},
        chosen[0].quote,
    )


def _instrument(venue: str, instrument: Instrument) -> dict[str, Any]:
    told = {name: value for name, value in instrument.to_json().items() if name != "intervals"}
    return {"venue": venue, "settle": instrument.quote, **told}


def _columns(bars: Sequence[Bar]) -> dict[str, list[Any]]:
    times, *prices = zip(*bars, strict=True)
    return {"t": list(times)} | {
        name: [float(text) for text in column] for name, column in zip("ohlcv", prices, strict=True)
    }
