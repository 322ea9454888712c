"""The venue behind its wire: requests in, replies out; keys, accounts, the journal and the dead man's switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from shared.model import exact
from tests.sandbox import bodies, keys
from tests.sandbox.account import Account
from tests.sandbox.checks import Refusal
from tests.sandbox.engine import Engine
from tests.sandbox.faults import Faults, Rule
from tests.sandbox.journal import Journal
from tests.sandbox.keys import ClockSkew, Key
from tests.sandbox.market import Market
from tests.sandbox.message import Reply, Request
from tests.sandbox.order import Fill, Order
from tests.sandbox.pages import page
from tests.sandbox.setup import Setup
from tests.sandbox.stream import Stream
from tests.sandbox.venue_time import VenueTime

CLIENT = "client"

ENDPOINTS: Mapping[tuple[str, str], str] = {
    ("POST", "/v1/orders"): "place",
    ("DELETE", "/v1/order"): "cancel",
    ("GET", "/v1/order"): "order",
    ("GET", "/v1/orders"): "orders",
    ("GET", "/v1/fills"): "fills",
    ("GET", "/v1/positions"): "positions",
    ("GET", "/v1/balances"): "balances",
    ("GET", "/v1/key"): "key",
    ("POST", "/v1/keep-alive"): "keep_alive",
    ("GET", "/v1/time"): "time",
    ("GET", "/v1/instruments"): "instruments",
    ("GET", "/v1/updates"): "updates",
}
OPEN_TO_ALL = ("time", "instruments")
NEEDS_TRADE = ("place", "cancel", "keep_alive")


class Exchange:
    """One client account and the market around it. Not safe for threads: one loop calls it."""

    def __init__(self, setup: Setup, real_ms: Callable[[], int], key: Key, journal_file: Path | None = None) -> None:
        self.setup = setup
        self._real_ms = real_ms
        self._journal_file = journal_file
        self.time = VenueTime(real_ms, setup.start_ms)
        self.journal = Journal(self.time, journal_file)
        self.faults = Faults(setup.seed)
        self.faults.replace(setup.rules)
        self.engine = Engine(setup.instruments, self.time.market_ms, self._told)
        self.account = Account(
            CLIENT,
            cash=dict(setup.cash),
            positions=dict(setup.positions),
            maker_bps=setup.maker_bps,
            taker_bps=setup.taker_bps,
            fee_asset=setup.fee_asset,
        )
        self.engine.accounts[CLIENT] = self.account
        self.stream = Stream(self.faults, self.journal)
        self.market = Market(self.engine, setup.seed, setup.depth)
        self.keys: Mapping[str, Key] = {key.key: key}
        self.maintenance = False
        self._calls_ms: list[int] = []
        self._dead_man_ms: int | None = None
        for symbol in self.engine.instruments:
            self.market.move(symbol, setup.price(symbol))

    def anew(self, setup: Setup) -> Exchange:
        """Another one on the same key, which has the rights of the new setup."""
        (old,) = self.keys.values()
        key = Key(old.key, old.secret, old.account, frozenset(setup.rights))
        return Exchange(setup, self._real_ms, key, self._journal_file)

    def endpoint(self, request: Request) -> str:
        """The name that faults and the journal call it by; empty where there is none."""
        return ENDPOINTS.get((request.method, request.path), "")

    def received(self, request: Request, rule: Rule | None) -> int:
        """Writes down that a request came, handled or not; its number."""
        name, fault = self.endpoint(request), rule.kind if rule else ""
        query = "" if name == "updates" else request.query
        body = request.body.decode("utf-8", "replace")
        return self.journal.note("request", endpoint=name, query=query, body=body, fault=fault)

    def handle(self, request: Request, rule: Rule | None = None, number: int = 0) -> Reply:
        """Answers one request. `rule` is the fault that struck it, where that is one of the venue's own doing."""
        try:
            reply = self._answer(request, rule)
        except ClockSkew as error:
            reply = Reply(error.status, {"error": error.code, "message": str(error), "server_ms": error.server_ms})
        except Refusal as error:
            wait = {"Retry-After": "1"} if error.status in (429, 503) else {}
            reply = Reply(error.status, {"error": error.code, "message": str(error)}, wait)
        self.journal.note("answer", to=number, status=reply.status, code=reply.body.get("error", ""))
        return reply

    def tick(self) -> None:
        """What time brings: ends of orders, and the switch of a dead man."""
        self.engine.expire()
        if self._dead_man_ms is not None and self.time.wall_ms() >= self._dead_man_ms:
            self._dead_man_ms = None
            self.journal.note("dead_man", open=len(self.account.open_orders()))
            for order in self.account.open_orders():
                self.engine.cancel(order, "dead_man")

    def authorized(self, request: Request, rule: Rule | None = None) -> Key:
        """`Refusal` for a request without a good signature, a right that its key lacks, or too many calls."""
        skew_ms = rule.skew_ms if rule is not None and rule.kind == "skew" else 0
        key = keys.check(request, self.keys, self.time, self.setup.max_window_ms, skew_ms)
        needed = "trade" if self.endpoint(request) in NEEDS_TRADE else "read"
        if needed not in key.rights:
            raise Refusal(403, "no_right", f"the key may not {needed}")
        return key

    def _answer(self, request: Request, rule: Rule | None) -> Reply:
        name = self.endpoint(request)
        if not name:
            raise Refusal(404, "no_such_route", f"{request.method} {request.path}")
        if self.maintenance:
            raise Refusal(503, "maintenance", "the venue is being worked on")
        key = None if name in OPEN_TO_ALL else self.authorized(request, rule)
        self._limit()
        self.tick()
        if name == "updates":
            raise Refusal(426, "not_a_websocket", "connect with an Upgrade header")
        query = {field: values[0] for field, values in parse_qs(request.query).items()}
        match name:
            case "time":
                return Reply(200, {"wall_ms": self.time.signing_ms(), "market_ms": self.time.market_ms()})
            case "instruments":
                return Reply(200, {"items": [each.wire() for each in self.setup.instruments]})
            case "key":
                return Reply(200, {"rights": sorted(key.rights if key else ())})
            case "place":
                return self._place(bodies.read(bodies.PlaceBody, request.body), rule)
            case "cancel":
                return self._cancel(self._named(query), rule)
            case "order":
                return Reply(200, {"order": self._named(query).wire()})
            case "keep_alive":
                return self._keep_alive(bodies.read(bodies.KeepAliveBody, request.body).within_s)
            case _:
                return page(self.account, name, query, self.setup.page_size, rule)

    def _limit(self) -> None:
        if self.setup.rate_per_s:
            now_ms = self.time.wall_ms()
            self._calls_ms = [at for at in self._calls_ms if at > now_ms - 1000]
            if len(self._calls_ms) >= self.setup.rate_per_s:
                raise Refusal(429, "too_many_requests", f"{self.setup.rate_per_s} calls a second are allowed")
            self._calls_ms.append(now_ms)

    def _place(self, body: bodies.PlaceBody, rule: Rule | None) -> Reply:
        terms = body.terms()
        if body.client_id is not None and not self.setup.client_ids:
            raise Refusal(422, "client_id_not_taken", "this venue names orders itself")
        known = self.account.by_client_id.get(body.client_id or "")
        if known is not None:
            if known.terms != terms:
                raise Refusal(409, "client_id_reused", f"{body.client_id} is another order's")
            return Reply(200, {"order": known.wire()})
        at_once = None
        if rule is not None and rule.kind == "partial_fill" and terms.symbol in self.engine.instruments:
            lot = self.engine.instruments[terms.symbol].lot
            at_once = exact.floor_to(exact.multiply(terms.qty, exact.ZERO if rule.share is None else rule.share), lot)
        order = self.engine.place(self.account, terms, body.client_id, at_once)
        self.engine.trigger(terms.symbol)
        self.market.refresh(terms.symbol)
        return Reply(201, {"order": order.wire()})

    def _cancel(self, order: Order, rule: Rule | None) -> Reply:
        if rule is not None and rule.kind == "lose_cancel" and order.is_open:
            self.fill(order)
        if not order.is_open:
            raise Refusal(409, "order_closed", f"{order.order_id} is {order.status}")
        self.engine.cancel(order)
        return Reply(200, {"order": order.wire()})

    def fill(self, order: Order) -> None:
        """The market comes to the order and takes all that is left of it."""
        t = order.terms
        if order.waits and t.trigger_price is not None:
            self.market.move(t.symbol, t.trigger_price)
        if order.is_open and t.limit_price is not None:
            self.market.trade(t.symbol, t.side.opposite, order.remaining, t.limit_price)
        self.engine.release()

    def _named(self, query: Mapping[str, str]) -> Order:
        found: Order | None = None
        if "order_id" in query:
            found = self.account.orders.get(query["order_id"])
        elif self.setup.client_ids:
            found = self.account.by_client_id.get(query.get("client_id", ""))
        if found is None:
            raise Refusal(404, "order_not_found", f"no order {query.get('order_id') or query.get('client_id', '')}")
        return found

    def _keep_alive(self, within_s: int) -> Reply:
        self._dead_man_ms = self.time.wall_ms() + within_s * 1000 if within_s else None
        return Reply(200, {"until_ms": self._dead_man_ms})

    def _told(self, what: str, order: Order, fill: Fill | None) -> None:
        if order.account != CLIENT:
            return
        said: dict[str, Any] = {"order": order.wire()} if fill is None else {"fill": order.fill_wire(fill)}
        self.journal.note("filled" if fill else what, **said)
        self.stream.tell(order.wire())
