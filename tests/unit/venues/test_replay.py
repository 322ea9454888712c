"""The replay adapter: strict reading, over an in-memory transport."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from shared.errors import Invalid, Refused, VenueUnavailable
from shared.model import Candle, Interval
from shared.venues import http
from shared.venues.replay import ReplayVenue
from shared.venues.trouble import MAX_SAMPLES, Trouble
from shared.venues.venue import VenueClock

STEP = 60_000
GOOD = ["10", "12", "9", "11", "100"]


def venue(answer: httpx.Response | Exception) -> tuple[ReplayVenue, Trouble, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    trouble = Trouble()
    client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return ReplayVenue(client, "http://venue/", "us", Interval.M1, trouble), trouble, seen


def candles(
    items: Any, symbols: tuple[str, ...] = ("A",), limit: int = 100
) -> tuple[Mapping[str, list[Candle]], Trouble]:
    adapter, trouble, _ = venue(httpx.Response(200, json={"market_ms": 0, "items": items}))
    return asyncio.run(adapter.candles(symbols, Interval.M1, 0, limit)), trouble


def opens(found: Mapping[str, list[Candle]], symbol: str = "A") -> list[int]:
    return [each.open_time_ms // STEP for each in found[symbol]]


def row(number: int, *values: Any) -> list[Any]:
    return [number * STEP, *(values or GOOD)]


def test_asks_as_the_protocol_says() -> None:
    adapter, _, seen = venue(httpx.Response(200, json={"market_ms": 1, "items": {"A": [row(1)], "B": []}}))
    found = asyncio.run(adapter.candles(("A", "B"), Interval.M1, 60_000, 7))
    assert str(seen[0].url) == "http://venue/us/candles?symbols=A%2CB&interval=1m&start_ms=60000&limit=7"
    assert found["A"][0].instrument == "us:A"
    assert found["B"] == []


@pytest.mark.parametrize(
    ("bad", "field", "rule"),
    [
        (row(2, "x", "12", "9", "11", "1"), "open", "plain decimal"),
        (row(2, "10", "12", "9", "11", "-1"), "volume", "0 or more"),
        (row(2, "10", "12", "9", "11", 5), "volume", "decimal written as text"),
        (row(2, "10", "1e400", "9", "11", "1"), "high", "plain decimal"),
        (row(2, "0", "12", "9", "11", "1"), "open", "above 0"),
        (row(2, "10", "9", "12", "11", "1"), "Candle", "does not hold"),
        ([2.5 * STEP, *GOOD], "open_time_ms", "integer"),
        (["120000", *GOOD], "open_time_ms", "integer"),
        ([-STEP, *GOOD], "Candle", "multiple"),
        ([True, *GOOD], "open_time_ms", "integer"),
        ([STEP * 2 + 1, *GOOD], "Candle", "multiple"),
        ([2 * STEP, "10"], "row", "list of 6"),
        ({"t": 1}, "row", "list of 6"),
        (None, "row", "list of 6"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_and_the_rest_kept(bad: Any, field: str, rule: str) -> None:
    found, trouble = candles({"A": [row(1), bad, row(3)]})
    assert opens(found) == [1, 3]
    assert trouble.counts["rows_refused"] == 1
    sample = trouble.samples[0]
    assert (sample.symbol, sample.number, sample.field) == ("A", 1, field)
    assert rule in sample.rule
    assert str(sample)


def test_samples_are_few_and_every_refused_time_is_kept() -> None:
    _, trouble = candles({"A": [row(n, "x", "12", "9", "11", "1") for n in range(40)]})
    assert trouble.counts["rows_refused"] == 40
    assert len(trouble.samples) == MAX_SAMPLES
    assert trouble.refused_at == {"A": {n * STEP for n in range(40)}}


def test_duplicates_are_dropped_and_differing_ones_both_refused() -> None:
    found, trouble = candles({"A": [row(1), row(1), row(2), row(2, "10", "12", "9", "10", "100"), row(3)]})
    assert opens(found) == [1, 3]
    assert trouble.counts == {"rows_duplicate": 1, "rows_refused": 1}


def test_rows_out_of_order_are_sorted_with_a_count() -> None:
    found, trouble = candles({"A": [row(3), row(1), row(2)]})
    assert opens(found) == [1, 2, 3]
    assert trouble.counts == {"rows_out_of_order": 2}


def test_rows_and_symbols_not_asked_for_are_left_out() -> None:
    found, trouble = candles({"A": [row(1), row(2)], "Z": [row(1)]}, ("A", "B"), limit=1)
    assert opens(found) == [1]
    assert "B" not in found
    assert "Z" not in found
    assert trouble.counts == {"symbols_not_asked": 1, "symbols_left_out": 1, "rows_not_asked": 1}


def test_an_empty_answer_is_an_empty_answer() -> None:
    found, trouble = candles({"A": []})
    assert found == {"A": []}
    assert not trouble.counts


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(500), "answered 500"),
        (httpx.Response(503, text="busy"), "answered 503"),
        (httpx.Response(200, content=b""), "not JSON"),
        (httpx.Response(200, content=b'{"market_ms": 1, "items": {"A": [[6000'), "not JSON"),
        (httpx.Response(200, content=b"\xff\xfe<html>"), "not JSON"),
        (httpx.Response(200, content=b'{"items": {"A": [[0, NaN]]}}'), "not JSON"),
        (httpx.Response(200, content=b"[" * 100_000), "not JSON"),
        (httpx.Response(200, json=[1]), "must be an object"),
        (httpx.Response(200, json={"items": []}), "candles.items"),
        (httpx.Response(200, json={"items": {"A": {}}}), "candles.items.A"),
        (httpx.Response(200, json={}), "candles.items"),
        (httpx.ReadTimeout("slow"), "no answer within"),
        (httpx.ConnectError("refused"), "ConnectError"),
        (httpx.RemoteProtocolError("cut"), "RemoteProtocolError"),
    ],
)
def test_whatever_leaves_the_answer_unknown_is_unavailable(answer: httpx.Response | Exception, says: str) -> None:
    adapter, _, _ = venue(answer)
    with pytest.raises(VenueUnavailable, match=says):
        asyncio.run(adapter.candles(("A",), Interval.M1, 0, 10))


def test_a_body_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 10)
    with pytest.raises(VenueUnavailable, match="bytes"):
        candles({"A": []})


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("-1", None), ("9" * 9, None)])
def test_retry_after_is_handed_on(header: str, seconds: float | None) -> None:
    adapter, _, _ = venue(httpx.Response(429, headers={"Retry-After": header}))
    with pytest.raises(VenueUnavailable) as error:
        asyncio.run(adapter.clock())
    assert error.value.retry_after_s == seconds


def test_a_plain_no_is_refused() -> None:
    adapter, _, _ = venue(httpx.Response(404, json={"error": "unknown-symbol"}))
    with pytest.raises(Refused, match="404"):
        asyncio.run(adapter.candles(("A",), Interval.M1, 0, 10))


@pytest.mark.parametrize(("symbols", "limit"), [((), 10), (tuple(map(str, range(51))), 10), (("A",), 0), (("A",), 101)])
def test_more_than_the_protocol_allows_is_never_asked(symbols: tuple[str, ...], limit: int) -> None:
    adapter, _, seen = venue(httpx.Response(200))
    with pytest.raises(Invalid):
        asyncio.run(adapter.candles(symbols, Interval.M1, 0, limit))
    assert not seen


def test_clock() -> None:
    adapter, _, _ = venue(
        httpx.Response(200, json={"venue": "us", "market_ms": 5, "bar": 1, "bars": 2, "ended": False})
    )
    assert asyncio.run(adapter.clock()) == VenueClock(5, False)


@pytest.mark.parametrize(
    "body", [{"market_ms": "5", "ended": False}, {"market_ms": True, "ended": False}, {"market_ms": 5}, {"ended": True}]
)
def test_a_clock_that_says_nonsense_is_unavailable(body: dict[str, Any]) -> None:
    adapter, _, _ = venue(httpx.Response(200, json=body))
    with pytest.raises(VenueUnavailable):
        asyncio.run(adapter.clock())


def test_instruments_of_the_interval_by_symbol_and_bad_ones_refused() -> None:
    good = {
        "base": "A", "quote": "USD", "tick": "0.01", "lot": "1", "min_qty": "1", "min_notional": "0",
        "multiplier": "1", "listed_ms": 5, "intervals": ["1m"],
    }  # fmt: skip
    items = [
        {**good, "symbol": "B"}, {**good, "symbol": "A"}, {**good, "symbol": "D", "intervals": ["1d"]},
        {**good, "symbol": "C", "tick": "0"}, {**good, "symbol": "E", "colour": "red"}, "F",
    ]  # fmt: skip
    adapter, trouble, _ = venue(httpx.Response(200, json={"items": items}))
    found = asyncio.run(adapter.instruments())
    assert [each.id for each in found] == ["us:A", "us:B"]
    assert found[0].settle == "USD"
    assert [sample.field for sample in trouble.samples] == ["tick", "colour", "instrument"]
