"""A venue that exists only on paper: it fills the desk's orders on closed bars, by fixed rules, out of its own tables.

The rules, for one order and one bar that opens at or after the order's `market_ms` (so never the bar that caused it):

- a market order fills at the bar's open, worsened by `slippage_bps` and rounded to the tick against the order;
- a limit order fills at the open when the bar opens at the limit or better (a gap gives the better price), else at the limit
  when the bar trades through it (a buy: low < limit; touching is not enough), never with slippage;
- one order takes at most `volume_share_bps` of the bar's volume, floored to the lot; the rest waits for following bars, and a
  bar without volume fills nothing; the liquidity of one bar is not shared out among several orders;
- the fee is `fee_bps` of the notional in the quote asset, rounded half-even to 8 places;
- a fill at the open happens at the bar's open time, one at the limit at its close time; its id is a hash of order and bar.

The venue keeps no balances: what an account can afford is the desk's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import ConfigDict

from shared.config import Paper as Rules
from shared.errors import Conflict, NotFound, Refused
from shared.model import Candle, Exact, Fill, Instrument, Model, Money, Order, OrderKind, OrderStatus, Side, exact, ids
from shared.ports import Sql
from shared.venues.venue import AccountView, Credentials, Offers, OrderReport

_FEE_PLACES = Decimal("0.00000001")
_BPS = Decimal("0.0001")


class Working(Model):
    """An order as the venue keeps it. `seen_ms` is the open time of the newest bar it was matched against.

    A new field needs a default, and one that this release does not know is passed over: there is no log to read it from.
    """

    model_config = ConfigDict(extra="ignore")

    client_id: str
    instrument: str
    side: Side
    kind: OrderKind
    qty: Exact
    limit_price: Exact | None
    seen_ms: int
    status: OrderStatus
    filled_qty: Exact = exact.ZERO

    @classmethod
    def of_order(cls, order: Order) -> Working:
        return cls(
            client_id=order.client_id,
            instrument=order.instrument,
            side=order.side,
            kind=order.kind,
            qty=order.qty,
            limit_price=order.limit_price,
            seen_ms=order.market_ms - 1,
            status=OrderStatus.ACKNOWLEDGED,
        )

    def same_as(self, order: Order) -> bool:
        mine = (self.instrument, self.side, self.kind, self.qty, self.limit_price)
        return mine == (order.instrument, order.side, order.kind, order.qty, order.limit_price)

    @property
    def venue_order_id(self) -> str:
        return f"paper-{self.client_id[:16]}"


def price_at(working: Working, bar: Candle, instrument: Instrument, rules: Rules) -> tuple[Decimal, int] | None:
    """Price and market time at which the bar would fill the order; None where it would not."""
    sign = Decimal(working.side.sign)
    to_tick = exact.ceil_to if working.side is Side.BUY else exact.floor_to
    if working.limit_price is None:
        factor = exact.add(Decimal(1), exact.multiply(sign, exact.multiply(rules.slippage_bps, _BPS)))
        price = to_tick(exact.multiply(bar.open, factor), instrument.tick)
        return max(price, instrument.tick), bar.open_time_ms
    limit = working.limit_price
    if exact.multiply(sign, exact.subtract(bar.open, limit)) <= 0:
        # an open off the tick must not be rounded past the limit
        better = to_tick(bar.open, instrument.tick)
        return (min(better, limit) if working.side is Side.BUY else max(better, limit)), bar.open_time_ms
    through = bar.low < limit if working.side is Side.BUY else bar.high > limit
    return (limit, bar.close_time_ms) if through else None


def match(working: Working, bar: Candle, instrument: Instrument, rules: Rules) -> Fill | None:
    """The fill that the bar gives the order, if any; pure."""
    if bar.open_time_ms <= working.seen_ms or not bar.volume:
        return None
    found = price_at(working, bar, instrument, rules)
    share = exact.multiply(bar.volume, exact.multiply(Decimal(rules.volume_share_bps), _BPS))
    most = exact.floor_to(exact.ROUNDED.divide(share, instrument.multiplier), instrument.lot)
    qty = min(exact.subtract(working.qty, working.filled_qty), most)
    if found is None or qty <= 0:
        return None
    price, ts_ms = found
    notional = instrument.notional(qty, price)
    fee = exact.multiply(notional, exact.multiply(rules.fee_bps, _BPS)).quantize(_FEE_PLACES, context=exact.ROUNDED)
    return Fill(
        fill_id=ids.digest("paper", working.client_id, bar.open_time_ms),
        client_id=working.client_id,
        instrument=working.instrument,
        side=working.side,
        qty=qty,
        price=price,
        fee=Money(amount=fee, asset=instrument.quote),
        ts_ms=ts_ms,
    )


def work(working: Working, bars: Sequence[Candle], instrument: Instrument, rules: Rules) -> tuple[Working, list[Fill]]:
    """The order after the bars, which are ascending and all of its instrument, and what was filled."""
    fills = []
    for bar in bars:
        if not working.status.is_open:
            break
        fill = match(working, bar, instrument, rules)
        changes: dict[str, Any] = {"seen_ms": max(working.seen_ms, bar.open_time_ms)}
        if fill is not None:
            fills.append(fill)
            filled = exact.add(working.filled_qty, fill.qty)
            whole = filled == working.qty
            changes |= {"filled_qty": filled, "status": OrderStatus.FILLED if whole else OrderStatus.PARTLY_FILLED}
        working = working.model_copy(update=changes)
    return working, fills


class PaperVenue:
    """`Trading` over tables of its own, in transactions of its own: as independent of the desk as a real venue is."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._rules: Rules | None = None
        self._instruments: Mapping[str, Instrument] = {}
        sql.transaction(self._create)

    def _create(self) -> None:
        for table in _TABLES:
            self._sql.rows(table)

    def configure(self, rules: Rules, instruments: Mapping[str, Instrument]) -> None:
        """What applies from the next bar on; `place` refuses an instrument that is not among these."""
        self._rules = rules
        self._instruments = instruments

    @property
    def offers(self) -> Offers:
        return Offers()

    async def credentials(self) -> Credentials:
        return Credentials(valid=True, may_trade=True, may_withdraw=False)

    async def keep_alive(self, within_s: int) -> None:
        """Nothing: the venue lives and dies with the desk."""

    async def account(self, since_ms: int) -> AccountView:
        return AccountView(tuple(await self.open_orders()), (), None, None)

    async def place(self, order: Order) -> OrderReport:
        """Takes the order; the state of the first for an id that it has. `Conflict` for an id with another content."""
        held = self._working(order.client_id)
        if held is None:
            if order.instrument not in self._instruments:
                raise Refused(f"{order.instrument} is not traded here", code="unknown_instrument")
            held = Working.of_order(order)
            self._sql.transaction(lambda: self._keep(held))
        elif not held.same_as(order):
            raise Conflict(f"the id {order.client_id} belongs to another order", code="client_id_reused")
        return self._report(held)

    async def cancel(self, client_id: str, venue_order_id: str | None = None) -> OrderReport:
        """Cancels what is left of it; the final state where it is closed already. `NotFound` for an unknown id."""
        held = self._working(client_id)
        if held is None:
            raise NotFound(f"no order {client_id}", code="order_not_found")
        if held.status.is_open:
            held = held.model_copy(update={"status": OrderStatus.CANCELLED})
            gone = held
            self._sql.transaction(lambda: self._keep(gone))
        return self._report(held)

    async def order(self, client_id: str, venue_order_id: str | None = None) -> OrderReport | None:
        held = self._working(client_id)
        return None if held is None else self._report(held)

    async def open_orders(self) -> list[OrderReport]:
        return [self._report(held) for held in self._open()]

    def on_bars(self, candles: Sequence[Candle]) -> list[OrderReport]:
        """Matches closed bars against the open orders in one transaction; a report of each order that was filled."""
        if self._rules is None:
            raise ValueError("configure the paper venue before it is given bars")
        bars: dict[str, list[Candle]] = {}
        for candle in sorted(candles, key=lambda bar: bar.open_time_ms):
            bars.setdefault(candle.instrument, []).append(candle)
        touched = [held for held in self._open() if held.instrument in bars and held.instrument in self._instruments]
        rules = self._rules
        return self._sql.transaction(lambda: self._match_all(touched, bars, rules)) if touched else []

    def _match_all(
        self, touched: Sequence[Working], bars: Mapping[str, Sequence[Candle]], rules: Rules
    ) -> list[OrderReport]:
        reports = []
        for before in touched:
            after, fills = work(before, bars[before.instrument], self._instruments[before.instrument], rules)
            for fill in fills:
                self._sql.rows(
                    "INSERT INTO paper_fills (fill_id, client_id, ts_ms, body) VALUES (?, ?, ?, ?)",
                    fill.fill_id,
                    fill.client_id,
                    fill.ts_ms,
                    fill.json_text(),
                )
            if after != before:
                self._keep(after)
            if fills:
                reports.append(self._report(after))
        return reports

    def _keep(self, held: Working) -> None:
        self._sql.rows(
            "INSERT INTO paper_orders (client_id, is_open, body) VALUES (?, ?, ?)"
            " ON CONFLICT (client_id) DO UPDATE SET is_open = excluded.is_open, body = excluded.body",
            held.client_id,
            int(held.status.is_open),
            held.json_text(),
        )

    def _working(self, client_id: str) -> Working | None:
        found = self._sql.rows("SELECT body FROM paper_orders WHERE client_id = ?", client_id)
        return Working.parse(found[0][0]) if found else None

    def _open(self) -> list[Working]:
        found = self._sql.rows("SELECT body FROM paper_orders WHERE is_open = 1 ORDER BY rowid")
        return [Working.parse(body) for (body,) in found]

    def _report(self, held: Working) -> OrderReport:
        fills: list[tuple[Any, ...]] = []
        if held.filled_qty:
            fills = self._sql.rows("SELECT body FROM paper_fills WHERE client_id = ? ORDER BY rowid", held.client_id)
        return OrderReport(
            client_id=held.client_id,
            venue_order_id=held.venue_order_id,
            status=held.status,
            fills=tuple(Fill.parse(body) for (body,) in fills),
        )


_TABLES = (
    "CREATE TABLE IF NOT EXISTS paper_orders (client_id TEXT PRIMARY KEY, is_open INTEGER NOT NULL, body TEXT NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS paper_orders_open ON paper_orders (is_open) WHERE is_open = 1",
    "CREATE TABLE IF NOT EXISTS paper_fills"
    " (fill_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, ts_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS paper_fills_of ON paper_fills (client_id)",
)
