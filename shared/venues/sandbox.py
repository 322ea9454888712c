"""`Trading` at the sandbox venue of the tests, over signed HTTP; its protocol is described in docs/venues.md.

Nothing is ever sent twice in one call: what had no answer that can be read raises `VenueUnavailable`, and the caller asks.
"""

from __future__ import annotations

from typing import Any

import httpx

from shared.clock import Clock
from shared.errors import NotFound, Refused, VenueUnavailable
from shared.model import Model, Order, TimeInForce, exact, symbol_of, venue_of
from shared.venues import sandbox_wire as wire
from shared.venues.sandbox_account import look
from shared.venues.sandbox_line import TIMEOUT_S, SandboxLine
from shared.venues.sandbox_wire import WireFill, WireKey, WireOne, WireOrder
from shared.venues.venue import AccountView, Credentials, Offers, OrderReport

OFFERS = Offers(resting_stops=True, oco=True, dead_man=True)
_BAD_KEY = frozenset({"bad_key", "bad_signature", "no_right"})


class _Done(Model):
    """An answer of which nothing but its arrival matters."""

    until_ms: int | None


class SandboxVenue:
    """`venue` is the name in the desk's instruments (`us` of `us:AAPL`). Without `offers.client_ids` orders go by the venue's ids.

    An order that was not placed by the desk has a stand-in for a client id (`sandbox_wire.name_of`); so has, without client ids,
    one that this object did not place or was not asked about.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        key: str,
        secret: str,
        clock: Clock,
        venue: str,
        offers: Offers = OFFERS,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._line = SandboxLine(client, base_url, key, secret, clock, timeout_s)
        self._venue = venue
        self._offers = offers
        self._names: dict[str, str] = {}

    @property
    def offers(self) -> Offers:
        return self._offers

    def updates_url(self) -> str:
        """The address of the stream that `SandboxFeed` reads."""
        return self._line.updates_url()

    async def place(self, order: Order) -> OrderReport:
        """`Refused` (`not_offered`, `unknown_instrument`) before anything is sent where the venue cannot take such an order."""
        self._check(order)
        answer = await self._line.call(WireOne, "POST", "/v1/orders", body=self._body(order))
        said = answer.order
        asked = (symbol_of(order.instrument), order.side, order.qty)
        if (said.symbol, said.side, said.qty) != asked:
            raise VenueUnavailable(f"place {order.client_id}: the answer is about another order, {said.order_id}")
        return self._report(said, order.client_id)

    async def cancel(self, client_id: str, venue_order_id: str | None = None) -> OrderReport:
        """What lost to a fill, or had ended before, answers its final state."""
        named = self._named(client_id, venue_order_id)
        try:
            answer = await self._line.call(WireOne, "DELETE", "/v1/order", named)
        except Refused as error:
            if error.error_code != "order_closed":
                raise
            answer = await self._line.call(WireOne, "GET", "/v1/order", named)
        return self._report(answer.order, client_id)

    async def order(self, client_id: str, venue_order_id: str | None = None) -> OrderReport | None:
        """Where the venue takes no client ids, an order without the venue's own cannot be asked about: `Refused`, `not_offered`."""
        try:
            answer = await self._line.call(WireOne, "GET", "/v1/order", self._named(client_id, venue_order_id))
        except NotFound:
            return None
        return self._report(answer.order, client_id)

    async def account(self, since_ms: int) -> AccountView:
        """All pages of all lists, at one and the same moment of the account; `VenueUnavailable` where that cannot be had."""
        whole = await look(self._line, since_ms)
        return AccountView(
            orders=tuple(wire.report_of(each, self._venue, self._name(each)) for each in whole.orders),
            fills=tuple(wire.fill_of(each, self._venue, self._name(each)) for each in whole.fills),
            positions={f"{self._venue}:{each.symbol}": each.qty for each in whole.holdings if each.qty},
            balances={each.asset: each.total for each in whole.balances if each.total},
        )

    async def credentials(self) -> Credentials:
        try:
            rights = (await self._line.call(WireKey, "GET", "/v1/key")).rights
        except Refused as error:
            if error.error_code not in _BAD_KEY:
                raise
            return Credentials(valid=False, detail=error.detail)
        return Credentials(valid=True, may_trade="trade" in rights, may_withdraw="withdraw" in rights)

    async def keep_alive(self, within_s: int) -> None:
        if self._offers.dead_man:
            await self._line.call(_Done, "POST", "/v1/keep-alive", body={"within_s": within_s})

    def _check(self, order: Order) -> None:
        if venue_of(order.instrument) != self._venue:
            raise Refused(f"{order.instrument} is not traded here", code="unknown_instrument")
        offers = self._offers
        lacking = {
            f"kind {order.kind}": order.kind.has_trigger and not offers.resting_stops,
            f"time_in_force {order.time_in_force}": order.time_in_force not in offers.times_in_force,
            "post_only": order.post_only and not offers.post_only,
            "oco": order.oco is not None and not offers.oco,
        }
        for what, lacks in lacking.items():
            if lacks:
                raise Refused(f"the venue does not offer {what}", code="not_offered")

    def _body(self, order: Order) -> dict[str, Any]:
        """Only what differs from the plainest order: a gtd order's end is in the venue's market time."""
        body: dict[str, Any] = {
            "symbol": symbol_of(order.instrument),
            "side": order.side.value,
            "kind": order.kind.value,
            "qty": exact.text(order.qty),
        }
        if self._offers.client_ids:
            body["client_id"] = order.client_id
        if order.limit_price is not None:
            body["limit_price"] = exact.text(order.limit_price)
        if order.trigger_price is not None:
            body["trigger_price"] = exact.text(order.trigger_price)
        if order.time_in_force is not TimeInForce.GTC:
            body["time_in_force"] = order.time_in_force.value
        if order.good_till_ms is not None:
            body["good_till_ms"] = order.good_till_ms
        if order.oco is not None:
            body["oco"] = order.oco
        flags = {"post_only": order.post_only, "reduce_only": order.reduce_only}
        return body | {name: True for name, is_set in flags.items() if is_set}

    def _named(self, client_id: str, venue_order_id: str | None) -> dict[str, str]:
        if self._offers.client_ids:
            return {"client_id": client_id}
        if venue_order_id is None:
            raise Refused("the venue takes no client ids: without its own it cannot be asked", code="not_offered")
        return {"order_id": venue_order_id}

    def _report(self, said: WireOrder, client_id: str) -> OrderReport:
        if self._offers.client_ids and self._name(said) != client_id:
            raise VenueUnavailable(f"order {client_id}: the answer is about another one, {said.client_id}")
        if not self._offers.client_ids:
            self._names[said.order_id] = client_id
        return wire.report_of(said, self._venue, client_id)

    def _name(self, said: WireOrder | WireFill) -> str:
        return self._names.get(said.order_id) or wire.name_of(said.client_id, said.order_id)
