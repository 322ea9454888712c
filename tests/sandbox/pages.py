"""What the account has, page by page. Each page tells how many there are in all, and at which `seq` of the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.model import exact
from tests.sandbox.account import Account
from tests.sandbox.checks import Refusal
from tests.sandbox.faults import Rule
from tests.sandbox.message import Reply


def _items(account: Account, name: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
    match name:
        case "orders":
            return [order.wire() for order in account.open_orders()]
        case "fills":
            since_ms = _whole(query, "since_ms", 0)
            fills = [
                (order, fill) for order in account.orders.values() for fill in order.fills if fill.ts_ms >= since_ms
            ]
            fills.sort(key=lambda each: int(each[1].fill_id[1:]))
            return [order.fill_wire(fill) for order, fill in fills]
        case "positions":
            return [{"symbol": symbol, "qty": exact.text(qty)} for symbol, qty in sorted(account.positions.items())]
        case _:
            return [{"asset": asset, "total": exact.text(total)} for asset, total in sorted(account.cash.items())]


def page(account: Account, name: str, query: Mapping[str, str], size: int, rule: Rule | None) -> Reply:
    """`short_page` loses the end of it without a word, `no_cursor` forgets to say that there is more."""
    items = _items(account, name, query)
    start = _whole(query, "cursor", 0)
    limit = min(size, _whole(query, "limit", size) or size)
    shown = items[start : start + limit]
    more = str(start + limit) if start + limit < len(items) else None
    if rule is not None and rule.kind == "short_page":
        shown = shown[: len(shown) // 2]
    if rule is not None and rule.kind == "no_cursor":
        more = None
    return Reply(200, {"items": shown, "total": len(items), "next_cursor": more, "seq": account.seq})


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise Refusal(400, "bad_request", f"{name}={text[:40]!r} must be a whole number")
    return int(text)
