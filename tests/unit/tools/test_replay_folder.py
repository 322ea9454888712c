"""A dataset folder becomes the market `file`: duplicates, steps, quotes, history."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tools.replay.errors import DatasetError
from tools.replay.market import Market
from tools.replay.series import RecordedSeries
from tools.replay.sources.folder import load_folder, split_symbol
from tools.replay.sources.rows import HEADER

pytestmark = pytest.mark.native

HOUR = 3_600_000


def load(folder: Path, *rows: str, name: str = "a.csv") -> Market:
    content = "\n".join([",".join(HEADER), *rows]) + "\n"
    (folder / name).write_bytes(gzip.compress(content.encode()) if name.endswith("gz") else content.encode())
    return load_folder(folder)


def bars(market: Market, symbol: str, interval: str = "1h") -> list[tuple[object, ...]]:
    series = market.series[symbol, interval]
    assert isinstance(series, RecordedSeries)
    return [tuple(bar) for bar in series.bars]


def test_steps_are_the_most_decimals_that_are_written(tmp_path: Path) -> None:
    market = load(tmp_path, f"BTCUSDT,1h,{HOUR},1,2.5,0.5,1.125,3.1", "BTCUSDT,1h,0,1,1,1,1,0", name="a.csv.gz")
    instrument = market.instruments["BTCUSDT"]
    assert (instrument.tick, instrument.lot, instrument.min_qty) == ("0.001", "0.1", "0.1")
    assert (instrument.base, instrument.quote, instrument.listed_ms) == ("BTC", "USDT", 0)
    assert bars(market, "BTCUSDT")[1] == (HOUR, "1.000", "2.500", "0.500", "1.125", "3.1")


def test_volume_is_rounded_to_eight_decimals(tmp_path: Path) -> None:
    market = load(tmp_path, "A,1h,0,1,1,1,1,0.123456789012345678")
    assert market.instruments["A"].lot == "0.00000001"
    assert bars(market, "A")[0][-1] == "0.12345679"


def test_eighteen_decimals_stay_exact(tmp_path: Path) -> None:
    price = "123456789012345678.123456789012345678"
    assert bars(load(tmp_path, f"A,1h,0,{price},{price},{price},{price},1"), "A")[0][1] == price


def test_an_identical_row_is_dropped_and_a_differing_one_refused(tmp_path: Path) -> None:
    market = load(tmp_path, "A,1h,0,1,1,1,1,5", "A,1h,0,1.0,1,1,1,5", "A,1h,0,1,1,1,1,6", "A,1d,0,1,1,1,1,6")
    assert [(one.line, one.column) for one in market.refusals] == [(4, "open_time_ms")]
    assert "1 identical duplicate rows dropped, the first at line 3" in market.notes[0]
    assert market.instruments["A"].intervals == ("1h", "1d")
    assert bars(market, "A")[0][-1] == "5"


def test_rows_of_all_files_play_on_one_clock_in_order_of_time(tmp_path: Path) -> None:
    load(tmp_path, *[f"A,1h,{HOUR * n},1,1,1,1,1" for n in (5, 3, 1)])
    market = load(tmp_path, *[f"B,1h,{HOUR * n},1,1,1,1,1" for n in (4, 3, 9)], name="b.csv")
    assert market.play_from_ms == 2 * HOUR
    assert list(market.closes) == [HOUR * n for n in (4, 5, 6, 10)]


@pytest.mark.parametrize(("count", "history"), [(1, 0), (2, 0), (3, 1), (599, 199), (600, 200), (900, 200)])
def test_history_is_two_hundred_closes_or_a_third(tmp_path: Path, count: int, history: int) -> None:
    market = load(tmp_path, *[f"A,1h,{HOUR * n},1,1,1,1,1" for n in range(count)])
    assert len(market.closes) == count - history
    assert len(market.closed(("A", "1h"), market.play_from_ms, 0, None, 1_000)) == history


@pytest.mark.parametrize(
    ("symbol", "split"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("BTC-USDC", ("BTC", "USDC")),
        ("EURUSD", ("EUR", "USD")),
        ("USDJPY", ("USD", "JPY")),
        ("AAPL", ("AAPL", "USD")),
        ("EUR", ("EUR", "USD")),
        ("-USD", ("-USD", "USD")),
    ],
)
def test_the_quote_asset_is_read_from_the_symbol(symbol: str, split: tuple[str, str]) -> None:
    assert split_symbol(symbol) == split


def test_a_folder_with_nothing_to_play_says_why(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        load_folder(tmp_path / "none")
    with pytest.raises(DatasetError, match=r"holds no \*\.csv"):
        load_folder(tmp_path)
    with pytest.raises(DatasetError, match=r"a\.csv:2: low='NaN'"):
        load(tmp_path, "A,1h,0,1,1,NaN,1,1")
