"""Venue `file`: every `*.csv` and `*.csv.gz` of a folder, on one clock.

The header is `symbol,interval,open_time_ms,open,high,low,close,volume`. A row that breaks a rule is refused with file,
line, column, value, rule and remedy, and the rest plays. What the files do not say is inferred per symbol:

- tick: one unit of the most decimals that a price is written with; lot: the same for volume, at most 8 decimals
  (volume is rounded to it); min_qty one lot; min_notional "1" of the quote asset;
- quote: USDT, USDC, EUR, GBP, JPY or USD when the symbol ends with it and something stands before it; otherwise USD;
- history: the first 200 bar closes, or the first third of them when there are fewer than 600.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tools.replay.bar import INTERVALS_MS, Bar
from tools.replay.errors import DatasetError, RuleError
from tools.replay.instrument import Instrument
from tools.replay.market import Market, SeriesKey, by_length, recorded_market
from tools.replay.number import decimals, step_of
from tools.replay.series import RecordedSeries
from tools.replay.sources.refused import Refused
from tools.replay.sources.rows import Row, read_rows

VENUE = "file"
HISTORY_BARS = 200
MAX_LOT_DECIMALS = 8
QUOTES = ("USDT", "USDC", "EUR", "GBP", "JPY", "USD")


@dataclass
class _Loaded:
    """What the files hold so far: bars by series and open time, refused rows, and notes."""

    bars: dict[SeriesKey, dict[int, Bar]] = field(default_factory=lambda: defaultdict(dict))
    refused: Refused = field(default_factory=Refused)
    notes: list[str] = field(default_factory=list)

    def read(self, file: Path) -> None:
        """Add one file; identical duplicates are dropped with a note, differing ones refused."""
        dropped: list[int] = []
        for row in read_rows(file, self.refused):
            try:
                if not self._add(row):
                    dropped.append(row.line)
            except RuleError as broken:
                self.refused.add(str(file), row.line, broken)
        if dropped:
            note = f"{len(dropped)} identical duplicate rows dropped, the first at line {dropped[0]}"
            self.notes.append(f"{file}: {note}")

    def _add(self, row: Row) -> bool:
        series = self.bars[row.symbol, row.interval]
        known = series.setdefault(row.bar.open_time_ms, row.bar)
        if known is row.bar:
            return True
        if list(map(Decimal, known[1:])) == list(map(Decimal, row.bar[1:])):
            return False
        rule = f"differs from an earlier row of the same symbol, interval and time: {','.join(known[1:])}"
        raise RuleError("open_time_ms", row.bar.open_time_ms, rule, "keep one of the two rows")


def load_folder(folder: Path) -> Market:
    """The market `file` of a folder; its `refusals`, `refused` and `notes` say what was left out.

    Raises DatasetError when there is no such folder, no CSV file in it, or no row that can be played.
    """
    if not folder.is_dir():
        raise DatasetError(f"DATASET={folder}: is not a folder; name one that holds *.csv or *.csv.gz")
    files = sorted(file for file in folder.iterdir() if file.name.endswith((".csv", ".csv.gz")))
    if not files:
        raise DatasetError(f"DATASET={folder}: holds no *.csv or *.csv.gz; put at least one there")
    loaded = _Loaded()
    for file in files:
        loaded.read(file)
    if not loaded.bars:
        first = "; ".join(map(str, loaded.refused.details[:3])) or "every file is empty"
        raise DatasetError(f"DATASET={folder}: no row can be played ({loaded.refused.count} refused): {first}")
    return _market(loaded)


def _market(loaded: _Loaded) -> Market:
    by_symbol: dict[str, dict[str, list[Bar]]] = defaultdict(dict)
    for (symbol, interval), bars in loaded.bars.items():
        by_symbol[symbol][interval] = sorted(bars.values())
    series: dict[SeriesKey, RecordedSeries] = {}
    instruments = []
    for symbol, intervals in sorted(by_symbol.items()):
        instrument = infer_instrument(symbol, intervals)
        instruments.append(instrument)
        for interval, one in intervals.items():
            rounded = (bar.rounded(instrument.tick_size, instrument.lot_size) for bar in one)
            series[symbol, interval] = RecordedSeries(INTERVALS_MS[interval], rounded)
    closes = sorted({close for one in series.values() for close in one.closes()})
    history = min(HISTORY_BARS, len(closes) // 3)
    play_from_ms = closes[history - 1] if history else closes[0] - 1
    refused = loaded.refused
    return recorded_market(
        VENUE,
        instruments,
        series,
        play_from_ms,
        refusals=refused.details,
        refused=refused.count,
        notes=loaded.notes,
    )


def infer_instrument(symbol: str, intervals: dict[str, list[Bar]]) -> Instrument:
    """What the files do not say about `symbol`, by the rules of this module; `intervals` maps each to its bars."""
    bars = [bar for one in intervals.values() for bar in one]
    tick = step_of(max(decimals(Decimal(text)) for bar in bars for text in bar[1:5]))
    lot = step_of(min(MAX_LOT_DECIMALS, max(decimals(Decimal(bar.volume)) for bar in bars)))
    base, quote = split_symbol(symbol)
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        tick=tick,
        lot=lot,
        min_qty=lot,
        min_notional="1",
        multiplier="1",
        listed_ms=min(bar.open_time_ms for bar in bars),
        intervals=by_length(intervals),
    )


def split_symbol(symbol: str) -> tuple[str, str]:
    """(base, quote): "BTC-USDT" -> ("BTC", "USDT"), "EURUSD" -> ("EUR", "USD"), "AAPL" -> ("AAPL", "USD")."""
    for quote in QUOTES:
        base = re.sub(r"[._-]+$", "", symbol.removesuffix(quote))
        if symbol.endswith(quote) and base:
            return base, quote
    return symbol, "USD"
