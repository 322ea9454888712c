"""The built-in markets are those that docs/replay.md describes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tools.replay.bar import Bar, parse_bar
from tools.replay.datasets import builtin_markets
from tools.replay.errors import DatasetError
from tools.replay.market import Market
from tools.replay.series import RecordedSeries
from tools.replay.sources.packaged import packaged_file, rows

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def markets() -> dict[str, Market]:
    return {market.venue: market for market in builtin_markets()}


def recorded(market: Market) -> dict[str, tuple[Bar, ...]]:
    return {symbol: one.bars for (symbol, _), one in market.series.items() if isinstance(one, RecordedSeries)}


def day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def test_counts_and_dates(markets: dict[str, Market]) -> None:
    found = {
        symbol: (len(bars), day(bars[0].open_time_ms)[:10], day(bars[-1].open_time_ms)[:10])
        for market in markets.values()
        for symbol, bars in recorded(market).items()
    }
    assert found == {
        "AAPL": (3270, "2000-03-01", "2013-03-01"),
        "FB": (196, "2012-05-18", "2013-03-01"),
        "GOOG": (2148, "2004-08-19", "2013-03-01"),
        "IBM": (3270, "2000-03-01", "2013-03-01"),
        "MSFT": (3270, "2000-03-01", "2013-03-01"),
        "SPX": (3562, "1999-01-04", "2013-03-01"),
        "IXIC": (3562, "1999-01-04", "2013-03-01"),
        "EURUSD": (6225, "2017-01-01", "2017-12-29"),
    }


def test_what_is_played_and_what_is_history(markets: dict[str, Market]) -> None:
    us, fx = markets["us"], markets["fx"]
    assert (day(us.play_from_ms), day(us.closes[0]), day(us.closes[-1]), len(us.closes)) == (
        "2004-01-02 00:00",
        "2004-01-03 00:00",
        "2013-03-02 00:00",
        2306,
    )
    assert (day(fx.play_from_ms), day(fx.closes[0]), day(fx.closes[-1]), len(fx.closes)) == (
        "2017-01-12 06:00",
        "2017-01-12 07:00",
        "2017-12-29 22:00",
        6025,
    )
    assert len(us.closed(("AAPL", "1d"), us.play_from_ms, 0, None, 10_000)) == 964
    assert us.closed(("FB", "1d"), us.play_from_ms, 0, None, 100) == ()
    assert len(fx.closed(("EURUSD", "1h"), fx.play_from_ms, 0, None, 10_000)) == 200


def test_every_recorded_row_is_consistent_and_on_tick(markets: dict[str, Market]) -> None:
    for market in markets.values():
        assert market.refused == 0
        for symbol, bars in recorded(market).items():
            tick = market.instruments[symbol].tick_size
            assert market.instruments[symbol].listed_ms == bars[0].open_time_ms
            for bar in bars:
                assert parse_bar(bar.open_time_ms, bar[1:]) == bar
                assert all(Decimal(price).as_tuple().exponent == tick.as_tuple().exponent for price in bar[1:5])


def test_prices_are_as_traded_on_the_day(markets: dict[str, Market]) -> None:
    aapl = markets["us"].series["AAPL", "1d"]
    split = aapl.latest(int(datetime(2005, 3, 1, tzinfo=UTC).timestamp() * 1000))
    assert split is not None
    assert split.bar.open == "44.68"  # the day before closed at 88.99


def test_a_missing_package_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="pip install --no-deps no-such-dist"):
        packaged_file("no_such_package", "no-such-dist", "x.csv")
    with pytest.raises(DatasetError, match="is missing"):
        packaged_file("aiohttp", "aiohttp", "x.csv")
    (tmp_path / "x.csv").write_text("a,b\n1\n")
    with pytest.raises(DatasetError, match="header is"):
        list(rows(tmp_path / "x.csv", ["a"]))
    with pytest.raises(DatasetError, match=r"x\.csv:2: 1 fields, not 2"):
        list(rows(tmp_path / "x.csv", ["a", "b"]))
