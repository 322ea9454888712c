"""Venue `us`: daily bars of five stocks (bokeh-sampledata) and two indices (arch), 2004-01-02 to 2013-03-01.

What lies before 2004 is history. The stocks' record ends on 2013-03-01; the indices' later bars are left out, so that
the market ends as a whole. Prices are as traded on the day: splits and dividends are not adjusted for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from tools.replay.bar import DAY_MS, Bar, parse_bar
from tools.replay.errors import RuleError
from tools.replay.instrument import Instrument
from tools.replay.market import Market, recorded_market
from tools.replay.series import RecordedSeries
from tools.replay.sources.packaged import packaged_file, rows
from tools.replay.sources.refused import Refused

VENUE = "us"
PLAY_FROM_MS = int(datetime(2004, 1, 2, tzinfo=UTC).timestamp()) * 1000
END_MS = int(datetime(2013, 3, 2, tzinfo=UTC).timestamp()) * 1000
TICK, LOT = Decimal("0.01"), Decimal(1)

_STOCKS_HEADER = ["Ticker", "Date", "Open", "High", "Low", "Close", "Volume", "Adj Close"]
_INDEX_HEADER = ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"]
_INDICES = {"SPX": "data/sp500/sp500.csv.gz", "IXIC": "data/nasdaq/nasdaq.csv.gz"}


def us_market() -> Market:
    """The market `us`; raises DatasetError when a package is missing."""
    refused = Refused()
    bars: dict[str, list[Bar]] = defaultdict(list)
    for symbol, bar in (*_stocks(refused), *_indices(refused)):
        if bar.open_time_ms < END_MS:
            bars[symbol].append(bar)
    series = {(symbol, "1d"): RecordedSeries(DAY_MS, sorted(one)) for symbol, one in bars.items()}
    instruments = [_instrument(symbol, one.first_ms) for (symbol, _), one in series.items()]
    return recorded_market(VENUE, instruments, series, PLAY_FROM_MS, refusals=refused.details, refused=refused.count)


def _stocks(refused: Refused) -> Iterator[tuple[str, Bar]]:
    file = packaged_file("bokeh_sampledata", "bokeh-sampledata", "_data/stocks.csv.gz")
    for line, fields in rows(file, _STOCKS_HEADER):
        try:
            symbol, date, open_, high, low, close, volume, _ = fields
            yield symbol, _daily(date, "%Y-%m-%d", (open_, high, low, close, volume))
        except RuleError as broken:
            refused.add(str(file), line, broken)


def _indices(refused: Refused) -> Iterator[tuple[str, Bar]]:
    for symbol, inner in _INDICES.items():
        file = packaged_file("arch", "arch", inner)
        for line, fields in rows(file, _INDEX_HEADER):
            try:
                date, open_, high, low, close, _, volume = fields
                yield symbol, _daily(date, "%m/%d/%Y", (open_, high, low, close, volume))
            except RuleError as broken:
                refused.add(str(file), line, broken)


def _daily(date: str, pattern: str, texts: tuple[str, str, str, str, str]) -> Bar:
    try:
        midnight = datetime.strptime(date, pattern).replace(tzinfo=UTC)
    except ValueError as error:
        raise RuleError("Date", date, f"must be a date like {pattern}", "install the locked version") from error
    return parse_bar(int(midnight.timestamp()) * 1000, texts).rounded(TICK, LOT)


def _instrument(symbol: str, listed_ms: int) -> Instrument:
    return Instrument(
        symbol=symbol,
        base=symbol,
        quote="USD",
        tick="0.01",
        lot="1",
        min_qty="1",
        min_notional="1",
        multiplier="1",
        listed_ms=listed_ms,
        intervals=("1d",),
    )
