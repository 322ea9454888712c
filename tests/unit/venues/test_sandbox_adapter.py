"""The sandbox adapter over an in-memory transport: what bytes may come, and what is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import FixedClock
from shared.errors import Conflict, NotFound, Refused, VenueUnavailable
from shared.model import OrderKind, TimeInForce
from shared.venues import http
from shared.venues.sandbox import SandboxVenue
from shared.venues.sandbox_account import MAX_PAGES
from shared.venues.venue import Offers
from tests.unit.venues.contract.sandboxes import LoopbackWorld
from tests.unit.venues.test_sandbox_feed import OURS, fill, order

NOW = 1_700_000_000_000
Answer = Callable[[httpx.Request], httpx.Response]


def venue(answer: Answer | httpx.Response, **more: Any) -> tuple[SandboxVenue, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer if isinstance(answer, httpx.Response) else answer(request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return SandboxVenue(client, "http://venue/", "key", "not a secret", FixedClock(NOW), "us", **more), seen


def one(**changes: Any) -> httpx.Response:
    return httpx.Response(200, json={"order": order(**changes)})


def an_order(**changes: Any) -> Any:
    return LoopbackWorld().order(limit="90", client_id=OURS, **changes)


def test_a_request_is_signed_and_says_only_what_is_not_plain() -> None:
    adapter, seen = venue(one())
    asyncio.run(adapter.place(an_order()))
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", "http://venue/v1/orders")
    told = json.loads(request.content)
    assert told == {
        "client_id": OURS,
        "symbol": "AAA",
        "side": "buy",
        "kind": "limit",
        "qty": "10",
        "limit_price": "90",
    }
    assert request.headers["x-timestamp"] == str(NOW)
    assert len(request.headers["x-signature"]) == 64
    assert b"not a secret" not in request.content
    assert "not a secret" not in str(request.headers)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"{"),
        (200, b"[" * 100_000),
        (200, b"null"),
        (200, b'{"order": null}'),
        (200, b'{"order": {"order_id": "o1"}}'),
        (204, b""),
        (302, b""),
        (404, b"<html>no such page</html>"),
        (404, b'{"error": "x' + b"x" * 100 + b'"}'),
        (403, b"blocked"),
        (408, b'{"error": "request_timeout"}'),
        (425, b'{"error": "too_early"}'),
        (429, b""),
        (500, b'{"error": "order_not_found"}'),
        (503, b'{"error": "maintenance"}'),
        (599, b""),
    ],
)
def test_an_answer_that_cannot_be_read_is_no_answer(status: int, body: bytes) -> None:
    adapter, seen = venue(httpx.Response(status, content=body))
    for ask in (adapter.place(an_order()), adapter.order(OURS), adapter.cancel(OURS), adapter.account(0)):
        with pytest.raises(VenueUnavailable):
            asyncio.run(ask)
    assert len(seen) == 4, "each was sent once"


@given(st.binary(max_size=60), st.sampled_from([200, 201, 400, 404, 409, 422]))
def test_no_bytes_are_an_order_or_a_no(body: bytes, status: int) -> None:
    adapter, _ = venue(httpx.Response(status, content=body))
    with pytest.raises(VenueUnavailable):
        asyncio.run(adapter.order(OURS))


def test_half_an_answer_of_any_length_is_no_answer() -> None:
    whole = json.dumps({"order": order()}).encode()
    for length in range(len(whole)):
        adapter, _ = venue(httpx.Response(200, content=whole[:length]))
        with pytest.raises(VenueUnavailable):
            asyncio.run(adapter.order(OURS))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (422, "insufficient_balance", Refused),
        (409, "client_id_reused", Conflict),
        (404, "order_not_found", NotFound),
        (401, "bad_signature", Refused),
        (403, "no_right", Refused),
    ],
)
def test_a_no_keeps_its_code(status: int, code: str, kind: type[Refused]) -> None:
    adapter, _ = venue(httpx.Response(status, json={"error": code, "message": "no"}))
    with pytest.raises(kind) as refused:
        asyncio.run(adapter.place(an_order()))
    assert refused.value.error_code == code


@pytest.mark.parametrize(
    "said",
    [
        {"client_id": "f" * 32, "fills": [], "filled_qty": "0", "status": "open"},
        {"client_id": None, "fills": [], "filled_qty": "0", "status": "open"},
        {"qty": "11"},
        {"symbol": "BBB", "fills": [fill(symbol="BBB")]},
        {"side": "sell", "fills": [fill(side="sell")]},
    ],
)
def test_an_answer_about_another_order_is_no_answer(said: dict[str, Any]) -> None:
    adapter, _ = venue(one(**said))
    with pytest.raises(VenueUnavailable, match="another"):
        asyncio.run(adapter.place(an_order()))


def test_an_answer_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 10)
    adapter, _ = venue(one())
    with pytest.raises(VenueUnavailable, match="bytes"):
        asyncio.run(adapter.order(OURS))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": OrderKind.STOP_LIMIT, "trigger_price": an_order().limit_price},
        {"post_only": True},
        {"oco": OURS},
        {"time_in_force": TimeInForce.IOC},
        {"time_in_force": TimeInForce.GTD, "good_till_ms": 5},
    ],
)
def test_what_is_not_offered_is_refused_before_anything_is_sent(changes: dict[str, Any]) -> None:
    little = Offers(post_only=False, times_in_force=frozenset({TimeInForce.GTC}))
    adapter, seen = venue(one(), offers=little)
    with pytest.raises(Refused) as refused:
        asyncio.run(adapter.place(an_order(**changes)))
    assert refused.value.error_code == "not_offered"
    asyncio.run(adapter.keep_alive(5))
    assert not seen


def pages(*bodies: dict[str, Any]) -> Answer:
    """The orders come in these pages; the other lists are empty, at `seq` 1."""
    waiting = list(bodies)

    def answer(request: httpx.Request) -> httpx.Response:
        empty = {"items": [], "total": 0, "next_cursor": None, "seq": 1}
        return httpx.Response(200, json=waiting.pop(0) if request.url.path == "/v1/orders" else empty)

    return answer


def page(*numbers: int, total: int, more: str | None = None, seq: int = 1) -> dict[str, Any]:
    items = [order(order_id=f"o{n}", fills=[fill(n, order_id=f"o{n}")]) for n in numbers]
    return {"items": items, "total": total, "next_cursor": more, "seq": seq}


def test_an_account_is_read_to_its_last_page() -> None:
    adapter, seen = venue(pages(page(1, 2, total=3, more="2"), page(3, total=3)))
    view = asyncio.run(adapter.account(7))
    assert [report.venue_order_id for report in view.orders] == ["o1", "o2", "o3"]
    assert str(seen[1].url) == "http://venue/v1/orders?status=open&cursor=2"
    assert str(seen[2].url) == "http://venue/v1/fills?since_ms=7"


@pytest.mark.parametrize(
    "bodies",
    [
        [page(1, total=2)],
        [page(1, 2, total=1)],
        [page(1, total=0)],
        [page(total=1)],
        [page(1, 1, total=2)],
        [page(1, total=2, more="1"), page(total=2)],
        [page(1, total=2, more="1"), page(1, total=2)],
        [page(1, total=2, more="1"), page(2, total=3)],
        [page(1, total=2, more="1"), page(2, total=2, more="2"), page(3, total=2)],
        [page(total=1, more="0")] * MAX_PAGES,
        [{"items": [], "next_cursor": None, "seq": 1}],
        [{"items": None, "total": 0, "next_cursor": None, "seq": 1}],
        [{"items": [], "total": 0, "seq": 1}],
    ],
)
def test_a_part_of_an_account_is_no_account(bodies: list[dict[str, Any]]) -> None:
    adapter, _ = venue(pages(*bodies))
    with pytest.raises(VenueUnavailable):
        asyncio.run(adapter.account(0))


def test_an_account_that_moves_between_pages_is_read_anew() -> None:
    moved = [page(1, total=2, more="1", seq=0), page(2, total=2), page(1, 2, total=2)]
    adapter, _ = venue(pages(*moved))
    assert len(asyncio.run(adapter.account(0)).orders) == 2


def test_an_account_that_never_stands_still_is_no_account() -> None:
    adapter, seen = venue(pages(*[page(1, total=1, seq=n) for n in (5, 6, 7)]))
    with pytest.raises(VenueUnavailable, match="changed"):
        asyncio.run(adapter.account(0))
    assert len(seen) == 6


def test_two_adapters_of_one_account_agree_on_orders_of_another_hand() -> None:
    world = LoopbackWorld()
    told = {"symbol": "AAA", "side": "buy", "kind": "limit", "qty": "5", "limit_price": "90"}
    world._tell("place", **told)
    (first,) = world.run(world.venue.account(0)).orders
    (second,) = world.run(world.again().account(0)).orders
    assert first == second
    assert len(first.client_id) == 32


def test_without_client_ids_an_order_keeps_its_name_once_it_was_asked_about() -> None:
    world = LoopbackWorld(client_ids=False)
    report = world.placed(limit="90")
    later = world.again()
    (unnamed,) = world.run(later.account(0)).orders
    assert (unnamed.client_id, unnamed.venue_order_id) != (report.client_id, report.venue_order_id)
    assert unnamed.venue_order_id == report.venue_order_id
    world.ask(report, later)
    assert world.run(later.account(0)).orders == (report,)
