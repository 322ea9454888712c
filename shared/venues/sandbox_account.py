"""The sandbox's account, page by page and list by list, until it is whole and of one moment; or not at all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from shared.errors import VenueUnavailable
from shared.venues.sandbox_line import SandboxLine
from shared.venues.sandbox_wire import WireBalance, WireFill, WireHolding, WireOrder, WirePage

MAX_PAGES = 200
LOOKS = 3


class Whole(NamedTuple):
    """Everything that the lists hold, zeros included."""

    orders: list[WireOrder]
    fills: list[WireFill]
    holdings: list[WireHolding]
    balances: list[WireBalance]


class _MovedError(Exception):
    """The account changed between two pages."""


async def look(line: SandboxLine, since_ms: int) -> Whole:
    """`VenueUnavailable` where a page failed, something is missing or stands twice, or the account never stood still."""
    for _ in range(LOOKS):
        try:
            return await _once(line, since_ms)
        except _MovedError:
            continue
    raise VenueUnavailable(f"the account changed during each of {LOOKS} looks at it")


async def _once(line: SandboxLine, since_ms: int) -> Whole:
    orders, seq = await _pages(line, WirePage[WireOrder], "orders", {"status": "open"}, None)
    fills, seq = await _pages(line, WirePage[WireFill], "fills", {"since_ms": since_ms}, seq)
    holdings, seq = await _pages(line, WirePage[WireHolding], "positions", {}, seq)
    balances, _ = await _pages(line, WirePage[WireBalance], "balances", {}, seq)
    _check_unique("orders", [each.order_id for each in orders])
    _check_unique("fills", [each.fill_id for each in fills])
    _check_unique("positions", [each.symbol for each in holdings])
    _check_unique("balances", [each.asset for each in balances])
    return Whole(orders, fills, holdings, balances)


async def _pages(
    line: SandboxLine, kind: type[WirePage[Any]], path: str, query: Mapping[str, str | int], seq: int | None
) -> tuple[list[Any], int]:
    """Every item, and the `seq` that all pages share; `_MovedError` where they do not."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        asked = {**query, "cursor": cursor} if cursor is not None else query
        page = await line.call(kind, "GET", f"/v1/{path}", asked)
        if seq is not None and page.seq != seq:
            raise _MovedError
        seq = page.seq
        found += page.items
        cursor = page.next_cursor
        if cursor is None or len(found) > page.total:
            break
    if cursor is not None or len(found) != page.total:
        raise VenueUnavailable(f"{path}: {len(found)} came of {page.total}: only a part of the account")
    return found, page.seq


def _check_unique(what: str, names: list[Hashable]) -> None:
    if len(set(names)) != len(names):
        raise VenueUnavailable(f"{what}: something stands twice, so something else may be missing")
