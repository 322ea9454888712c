"""Market data of the replay venue over HTTP; its protocol is described in docs/replay.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from shared.errors import Invalid, VenueUnavailable
from shared.model import Candle, Instrument, Interval
from shared.venues.http import get_json
from shared.venues.trouble import RefusedRow, Trouble
from shared.venues.venue import VenueClock

MAX_SYMBOLS = 50
MAX_LIMIT = 100
TIMEOUT_S = 8.0
_COLUMNS = ("open", "high", "low", "close", "volume")


class ReplayVenue:
    """`MarketData` for one venue. Rows that break a rule are left out and told to `trouble`; the rest is kept."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        venue: str,
        interval: Interval,
        trouble: Trouble,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._client = client
        self._base = f"{base_url.rstrip('/')}/{venue}"
        self._venue = venue
        self._interval = interval
        self._trouble = trouble
        self._timeout_s = timeout_s

    async def clock(self) -> VenueClock:
        """Market time; raises `VenueUnavailable` when it cannot be read."""
        body = _object(await self._get("clock", {}), "clock")
        market_ms, ended = body.get("market_ms"), body.get("ended")
        if type(market_ms) is not int or market_ms < 0 or not isinstance(ended, bool):
            raise VenueUnavailable(f"clock: market_ms {market_ms!r} or ended {ended!r} is of the wrong kind")
        return VenueClock(market_ms, ended)

    async def instruments(self) -> list[Instrument]:
        """Those with bars of the configured interval, also those that list later, by symbol; bad ones are refused."""
        body = _object(await self._get("instruments", {}), "instruments")
        found: dict[str, Instrument] = {}
        for index, item in enumerate(_list(body.get("items"), "instruments.items")):
            instrument = self._instrument(index, item)
            if instrument is not None:
                found[instrument.symbol] = instrument
        return [found[symbol] for symbol in sorted(found)]

    async def candles(
        self, symbols: Sequence[str], interval: Interval, start_ms: int, limit: int
    ) -> Mapping[str, list[Candle]]:
        """Closed bars from `start_ms` on, ascending; a symbol that the answer leaves out is left out here too."""
        if not 1 <= len(symbols) <= MAX_SYMBOLS:
            raise Invalid.field("symbols", len(symbols), f"must be 1 to {MAX_SYMBOLS} symbols")
        if not 1 <= limit <= MAX_LIMIT:
            raise Invalid.field("limit", limit, f"must be 1 to {MAX_LIMIT}")
        params: dict[str, str | int] = {"symbols": ",".join(symbols), "interval": interval.value}
        params |= {"start_ms": start_ms, "limit": limit}
        body = _object(await self._get("candles", params), "candles")
        items = _object(body.get("items"), "candles.items")
        self._trouble.note("symbols_not_asked", len(items.keys() - set(symbols)))
        self._trouble.note("symbols_left_out", len(set(symbols) - items.keys()))
        return {each: self._series(each, interval, start_ms, limit, items[each]) for each in symbols if each in items}

    async def _get(self, path: str, params: Mapping[str, str | int]) -> Any:
        return await get_json(self._client, f"{self._base}/{path}", params, self._timeout_s)

    def _instrument(self, index: int, item: object) -> Instrument | None:
        if not isinstance(item, dict):
            self._trouble.refuse(RefusedRow("?", index, "instrument", repr(item), "must be an object"))
            return None
        intervals = item.get("intervals")
        if isinstance(intervals, list) and self._interval.value not in intervals:
            return None
        try:
            return Instrument.of(
                venue=self._venue,
                settle=item.get("quote"),
                **{name: value for name, value in item.items() if name not in {"intervals", "venue", "settle"}},
            )
        except Invalid as error:
            self._trouble.refuse(RefusedRow(str(item.get("symbol")), index, *_why(error, item)))
            return None

    def _series(self, symbol: str, interval: Interval, start_ms: int, limit: int, rows: object) -> list[Candle]:
        """The readable rows of one symbol, ascending, each open time once, from `start_ms` on and at most `limit`."""
        found: dict[int, Candle] = {}
        differing: set[int] = set()
        newest, disorder = -1, 0
        for index, row in enumerate(_list(rows, f"candles.items.{symbol}")):
            candle = self._candle(symbol, interval, index, row)
            if candle is None:
                continue
            at_ms = candle.open_time_ms
            disorder += at_ms < newest
            newest = max(newest, at_ms)
            known = found.setdefault(at_ms, candle)
            if known is candle:
                continue
            if known == candle:
                self._trouble.note("rows_duplicate")
                continue
            # Two truths about one bar: neither is believed, the gap finder asks again.
            differing.add(at_ms)
            twice = RefusedRow(symbol, index, "open_time_ms", str(at_ms), "stands twice, differing")
            self._trouble.refuse(twice, at_ms)
        self._trouble.note("rows_out_of_order", disorder)
        kept = [found[at_ms] for at_ms in sorted(found) if at_ms >= start_ms and at_ms not in differing]
        self._trouble.note("rows_not_asked", len(found) - len(differing) - len(kept[:limit]))
        return kept[:limit]

    def _candle(self, symbol: str, interval: Interval, index: int, row: object) -> Candle | None:
        if not isinstance(row, list) or len(row) != 1 + len(_COLUMNS):
            rule = f"must be a list of {1 + len(_COLUMNS)}"
            self._trouble.refuse(RefusedRow(symbol, index, "row", repr(row), rule))
            return None
        values = dict(zip(_COLUMNS, row[1:], strict=True))
        try:
            return Candle.of(instrument=f"{self._venue}:{symbol}", interval=interval, open_time_ms=row[0], **values)
        except Invalid as error:
            at_ms = row[0] if type(row[0]) is int and row[0] >= 0 else None
            self._trouble.refuse(RefusedRow(symbol, index, *_why(error, {"open_time_ms": row[0], **values})), at_ms)
            return None


def _why(error: Invalid, values: Mapping[str, Any]) -> tuple[str, str, str]:
    """(field, value, rule) of a refusal; a rule over several fields shows them all."""
    name = str(error.context.get("field", "row"))
    return name, repr(values.get(name, list(values.values()))), str(error.context.get("rule", error.detail))


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise VenueUnavailable(f"{what}: {str(value)[:80]!r} must be an object")
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise VenueUnavailable(f"{what}: {str(value)[:80]!r} must be a list")
    return value
