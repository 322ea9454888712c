"""Venue `fx`: EURUSD hourly, ask prices of 2017 (gym-anytrading), on a clock of its own.

Times are UTC: the week opens at 22:00 on Sunday in winter and at 21:00 in summer, which is 17:00 in New York.
Volume is taken as recorded, in units of EUR, rounded to one: it runs from 1.3e8 to 1.6e11 an hour, with fractions, so
that it cannot be a count of ticks.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from tools.replay.bar import HOUR_MS, Bar, parse_bar
from tools.replay.errors import RuleError
from tools.replay.instrument import Instrument
from tools.replay.market import Market, recorded_market
from tools.replay.series import RecordedSeries
from tools.replay.sources.packaged import packaged_file, rows
from tools.replay.sources.refused import Refused

VENUE = "fx"
SYMBOL = "EURUSD"
HISTORY_BARS = 200
TICK, LOT = Decimal("0.00001"), Decimal(1)

_HEADER = ["Time", "Open", "High", "Low", "Close", "Volume"]
_TIME = "%d.%m.%Y %H:%M:%S.%f"


def fx_market() -> Market:
    """The market `fx`; raises DatasetError when the package is missing."""
    refused = Refused()
    series = RecordedSeries(HOUR_MS, sorted(_bars(refused)))
    instrument = Instrument(
        symbol=SYMBOL,
        base="EUR",
        quote="USD",
        tick="0.00001",
        lot="1",
        min_qty="1",
        min_notional="1",
        multiplier="1",
        listed_ms=series.first_ms,
        intervals=("1h",),
    )
    play_from_ms = series.closes()[HISTORY_BARS - 1]
    return recorded_market(
        VENUE,
        [instrument],
        {(SYMBOL, "1h"): series},
        play_from_ms,
        refusals=refused.details,
        refused=refused.count,
    )


def _bars(refused: Refused) -> list[Bar]:
    file = packaged_file("gym_anytrading", "gym-anytrading", "datasets/data/FOREX_EURUSD_1H_ASK.csv")
    bars = []
    for line, fields in rows(file, _HEADER):
        try:
            time, open_, high, low, close, volume = fields
            bars.append(_hourly(time, (open_, high, low, close, volume)))
        except RuleError as broken:
            refused.add(str(file), line, broken)
    return bars


def _hourly(time: str, texts: tuple[str, str, str, str, str]) -> Bar:
    try:
        begins = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise RuleError("Time", time, f"must be a time like {_TIME}", "install the locked version") from error
    return parse_bar(int(begins.timestamp()) * 1000, texts).rounded(TICK, LOT)
