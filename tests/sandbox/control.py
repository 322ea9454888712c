"""The hand behind the market: `POST /control/{word}`, and what can be read of the venue without asking its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from pydantic import Field

from shared.model import Exact, Model, Positive, Side, exact
from tests.sandbox import bodies
from tests.sandbox.checks import Refusal
from tests.sandbox.exchange import Exchange
from tests.sandbox.faults import Script
from tests.sandbox.keys import Key
from tests.sandbox.message import Reply, Request
from tests.sandbox.order import Order


class Move(Model):
    """The price goes through each of these."""

    symbol: str
    prices: tuple[Positive, ...]


class Trade(Model):
    """Somebody `side`s (buys or sells) so much of what rests at this price or better."""

    symbol: str
    side: Side
    qty: Positive
    price: Positive


class Walk(Model):
    symbol: str
    steps: int = Field(ge=1, le=10_000)
    bps: int = Field(ge=1, le=1000)


class Time(Model):
    """`push_ms` brings the end of waits nearer, `market_ms` sets market time, `skew_ms` puts the clock of signatures wrong."""

    push_ms: int = Field(default=0, ge=0)
    market_ms: int | None = None
    skew_ms: int | None = None


class Switch(Model):
    on: bool


class Named(Model):
    """One order, by the id it was given or the venue's own."""

    client_id: str | None = None
    order_id: str | None = None


class Rights(Model):
    """What the key may do from now on; none at all: it is revoked."""

    rights: tuple[str, ...]


class Adjust(Model):
    """Money or a holding that comes or goes without any trade."""

    asset: str | None = None
    symbol: str | None = None
    amount: Exact


class Empty(Model):
    pass


def _move(venue: Exchange, told: Move) -> dict[str, Any]:
    _check_symbol(venue, told.symbol)
    for price in told.prices:
        venue.market.move(told.symbol, price)
    return {}


def _trade(venue: Exchange, told: Trade) -> dict[str, Any]:
    _check_symbol(venue, told.symbol)
    venue.market.trade(told.symbol, told.side, told.qty, told.price)
    return {}


def _walk(venue: Exchange, told: Walk) -> dict[str, Any]:
    _check_symbol(venue, told.symbol)
    return {"prices": [exact.text(price) for price in venue.market.walk(told.symbol, told.steps, told.bps)]}


def _time(venue: Exchange, told: Time) -> dict[str, Any]:
    venue.time.pushed_ms += told.push_ms
    if told.skew_ms is not None:
        venue.time.skew_ms = told.skew_ms
    if told.market_ms is not None:
        try:
            venue.time.set_market(told.market_ms)
        except ValueError as error:
            raise Refusal(400, "bad_request", str(error)) from None
    venue.tick()
    return {"wall_ms": venue.time.wall_ms(), "market_ms": venue.time.market_ms()}


def _faults(venue: Exchange, told: Script) -> dict[str, Any]:
    venue.faults.replace(told.rules)
    return {"rules": len(told.rules)}


def _maintenance(venue: Exchange, told: Switch) -> dict[str, Any]:
    venue.maintenance = told.on
    return {}


def _release(venue: Exchange, _told: Empty) -> dict[str, Any]:
    """What partial fills held back goes on."""
    venue.engine.release()
    return {}


def _fill(venue: Exchange, told: Named) -> dict[str, Any]:
    order = _order(venue, told)
    venue.fill(order)
    return {"order": order.wire()}


def _cancel(venue: Exchange, told: Named) -> dict[str, Any]:
    """As a person at the venue, or the venue itself, would."""
    order = _order(venue, told)
    venue.engine.cancel(order, "by_venue")
    return {"order": order.wire()}


def _forget(venue: Exchange, told: Named) -> dict[str, Any]:
    """The venue has never heard of the order."""
    order = _order(venue, told)
    venue.engine.cancel(order, "forgotten")
    del venue.account.orders[order.order_id]
    venue.account.by_client_id.pop(order.client_id or "", None)
    return {}


def _place(venue: Exchange, told: bodies.PlaceBody) -> dict[str, Any]:
    """An order that another hand places on the same account."""
    order = venue.engine.place(venue.account, told.terms(), told.client_id)
    venue.market.refresh(told.symbol)
    return {"order": order.wire()}


def _adjust(venue: Exchange, told: Adjust) -> dict[str, Any]:
    if told.asset is not None:
        venue.account.add_cash(told.asset, told.amount)
    if told.symbol is not None:
        venue.account.add_position(told.symbol, told.amount)
    venue.account.seq += 1
    return {}


def _rights(venue: Exchange, told: Rights) -> dict[str, Any]:
    (old,) = venue.keys.values()
    venue.keys = {old.key: Key(old.key, old.secret, old.account, frozenset(told.rights))}
    return {}


WORDS: Mapping[str, tuple[type[Model], Callable[[Exchange, Any], dict[str, Any]]]] = {
    "move": (Move, _move),
    "trade": (Trade, _trade),
    "walk": (Walk, _walk),
    "time": (Time, _time),
    "faults": (Script, _faults),
    "maintenance": (Switch, _maintenance),
    "release": (Empty, _release),
    "fill": (Named, _fill),
    "cancel": (Named, _cancel),
    "forget": (Named, _forget),
    "place": (bodies.PlaceBody, _place),
    "adjust": (Adjust, _adjust),
    "rights": (Rights, _rights),
}


def control(venue: Exchange, request: Request) -> Reply:
    """Does one word, or reads `journal?after=n`, `account` or `book?symbol=`; what cannot be done is a `Refusal`'s answer."""
    word = request.path.removeprefix("/control/")
    try:
        if request.method == "GET":
            return Reply(200, _read(venue, word, request.query))
        if word not in WORDS:
            raise Refusal(404, "no_such_word", f"{word}: these there are: {sorted(WORDS)}")
        kind, do = WORDS[word]
        told = bodies.read(kind, request.body or b"{}")
        venue.journal.note("control", word=word, told=told.wire())
        return Reply(200, do(venue, told))
    except Refusal as error:
        return Reply(error.status, {"error": error.code, "message": str(error)})


def _read(venue: Exchange, what: str, query: str) -> dict[str, Any]:
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    match what:
        case "journal":
            return {"rows": venue.journal.after(int(asked.get("after", "0")))}
        case "account":
            account = venue.account
            return {
                "balances": {asset: exact.text(total) for asset, total in account.cash.items()},
                "positions": {symbol: exact.text(qty) for symbol, qty in account.positions.items()},
                "orders": [order.wire() for order in account.orders.values()],
                "prices": {symbol: exact.text(price) for symbol, price in venue.market.mid.items()},
            }
        case _:
            raise Refusal(404, "no_such_word", f"{what}: journal and account can be read")


def _order(venue: Exchange, told: Named) -> Order:
    found = venue.account.by_client_id.get(told.client_id or "") or venue.account.orders.get(told.order_id or "")
    if found is None:
        raise Refusal(404, "order_not_found", f"no order {told.client_id or told.order_id}")
    return found


def _check_symbol(venue: Exchange, symbol: str) -> None:
    if symbol not in venue.engine.instruments:
        raise Refusal(422, "unknown_instrument", f"{symbol} is not traded here")
