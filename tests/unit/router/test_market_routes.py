"""Candles from the hot window and the archive, and books by shard."""

from __future__ import annotations

from typing import Any

import pytest

from shared.archive.candles import CandleArchive
from shared.archive.hot import Window
from shared.archive.keys import hot_key
from shared.archive.ndjson import Row
from shared.errors import StorageUnavailable
from shared.model import Interval
from tests.unit.router.native import NOW_MS, World, problem, run
from tests.unit.router.test_pages import walk

DAY_MS = 86_400_000
PATH = "/v1/candles?venue=us&symbol=AAPL&interval=1d"


def bar(day: int, symbol: str = "AAPL") -> Row:
    return Row(symbol, day * DAY_MS, "1.5", "2", "1", "1.75", str(day))


def archived(world: World, days: list[int]) -> None:
    archive = CandleArchive(world.db, world.archive, "us", Interval.D1)
    rows = [bar(day, symbol) for day in days for symbol in ("AAPL", "IBM")]
    stored = run(archive.put(rows, f"run-{days[0]}"))
    bars: dict[str, dict[int, Row]] = {}
    for each in rows:
        bars.setdefault(each.symbol, {})[each.open_time_ms] = each
    run(world.db.batch([archive.index(stored, NOW_MS), archive.watermarks(bars, NOW_MS)]))


def heat(world: World, days: list[int]) -> None:
    window = Window("us", Interval.D1, 100)
    window.add(bar(day) for day in days)
    world.hot.held[hot_key("us", Interval.D1)] = window.to_bytes()


def days_of(items: list[dict[str, Any]]) -> list[int]:
    return [item["open_time_ms"] // DAY_MS for item in items]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
@pytest.mark.parametrize(
    "hot_days", [[], [48, 49], list(range(40, 50)), [45, 46]], ids=["cold", "short", "hot", "behind"]
)
def test_every_bar_once_wherever_it_lies(world: World, limit: int, hot_days: list[int]) -> None:
    world.instrument("AAPL")
    days = [*range(1, 5), *range(30, 50)]  # a long gap: a page may then be short, or empty
    archived(world, days[:10])
    archived(world, days[10:])
    if hot_days:
        heat(world, hot_days)
    items, _ = walk(world, PATH, limit)
    assert days_of(items) == sorted(days, reverse=True)
    assert items[0] == {
        "open_time_ms": 49 * DAY_MS,
        "open": "1.5",
        "high": "2",
        "low": "1",
        "close": "1.75",
        "volume": "49",
    }


def test_a_hot_page_touches_no_object(world: World) -> None:
    archived(world, list(range(1, 50)))
    heat(world, list(range(40, 50)))
    world.archive.reads.clear()
    world.db.round_trips = 0
    assert days_of(world.ask("GET", f"{PATH}&limit=5").json()["items"]) == [49, 48, 47, 46, 45]
    assert world.archive.reads == []
    assert world.db.round_trips == 1


def test_a_cache_that_does_not_answer_is_read_past(world: World) -> None:
    archived(world, list(range(1, 50)))
    heat(world, list(range(40, 50)))
    world.hot.down = True
    assert days_of(world.ask("GET", f"{PATH}&limit=5").json()["items"]) == [49, 48, 47, 46, 45]


def test_a_range_of_candles(world: World) -> None:
    archived(world, list(range(1, 50)))
    asked = f"{PATH}&from_ms={10 * DAY_MS}&to_ms={12 * DAY_MS}"
    assert days_of(walk(world, asked, 2)[0]) == [12, 11, 10]
    assert walk(world, f"{PATH}&from_ms={60 * DAY_MS}", 2)[0] == []
    said = problem(world.ask("GET", f"{PATH}&from_ms=2&to_ms=1"), 422, "invalid")
    assert "from_ms" in said["detail"]


def test_an_instrument_without_bars_has_an_empty_page(world: World) -> None:
    world.instrument("AAPL")
    assert world.ask("GET", PATH).json()["items"] == []


def test_an_object_that_is_gone_is_said_to_be(world: World) -> None:
    archived(world, list(range(1, 50)))
    world.archive.held.clear()
    problem(world.ask("GET", PATH), 503, "storage_unavailable")


def test_books_of_all_shards_by_instrument(world: World) -> None:
    for number in range(201):
        world.instrument(f"S{number:03}")
    world.instrument("EURUSD", "fx")
    for shard, symbol in (("us:0", "us:S000"), ("us:1", "us:S200"), ("fx:0", "fx:EURUSD")):
        world.books.answers[shard, "books"] = {"items": [{"instrument": symbol, "stale": False}], "connected": True}
    assert [item["instrument"] for item in walk(world, "/v1/books", 2)[0]] == ["fx:EURUSD", "us:S000", "us:S200"]
    assert len(walk(world, "/v1/books?venue=fx", 2)[0]) == 1
    world.books.answers["us:1", "books"] = StorageUnavailable("gone", code="peer_unavailable")
    body = world.ask("GET", "/v1/books").json()
    assert len(body["items"]) == 2
    assert body["unavailable"] == [{"shard": "us:1", "code": "peer_unavailable", "detail": "gone"}]


def test_one_book_is_asked_of_its_shard(world: World) -> None:
    for number in range(201):
        world.instrument(f"S{number:03}")
    world.books.answers["us:1", "book"] = {"instrument": "us:S200", "stale": True}
    assert world.ask("GET", "/v1/books/us/S200?depth=5").json()["stale"] is True
    assert world.books.asked == [("us:1", "book", {"symbol": "S200", "depth": 5})]
    problem(world.ask("GET", "/v1/books/us/S200?depth=0"), 422, "invalid")
