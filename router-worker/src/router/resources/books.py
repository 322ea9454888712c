"""Live order books, from the objects that keep them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Query as QueryOf
from pydantic import Field
from starlette.responses import Response

from router.answers import answer, page, text_of
from router.paging import PageQuery, Query, cut, read_cursor
from router.ports import Ports
from router.problems import problem_of
from router.resources.common import SymbolPath, TheCaller, ThePorts, VenuePath
from router.routes import Routes
from shared.book.shard import SYMBOLS_A_SHARD, shard_name
from shared.errors import DeskError, NotFound
from shared.model import VenueName
from shared.ports import Statement

ROUTES = Routes()
AT_ONCE = 6

_VENUES = "SELECT venue, COUNT(*) AS symbols FROM instruments GROUP BY venue ORDER BY venue"
_RANK = (
    "SELECT (SELECT COUNT(*) FROM instruments AS other "
    "WHERE other.venue = this.venue AND other.symbol < this.symbol) AS rank "
    "FROM instruments AS this WHERE this.venue = ? AND this.symbol = ?"
)


class BooksQuery(PageQuery):
    """Which books."""

    venue: VenueName | None = None


class DepthQuery(Query):
    """How many levels of each side."""

    depth: int = Field(default=20, ge=1, le=100)


@ROUTES.get("/v1/books")
async def list_books(caller: TheCaller, ports: ThePorts, query: Annotated[BooksQuery, QueryOf()]) -> Response:
    """Best bid and ask of every book, by instrument; a shard that does not answer is named in `unavailable`."""
    after = read_cursor(query.cursor, "books", (str,))
    (venues,) = await caller.read(Statement(_VENUES))
    names = [
        shard_name(row["venue"], first)
        for row in venues
        if query.venue in (None, row["venue"])
        for first in range(0, int(row["symbols"]), SYMBOLS_A_SHARD)
    ]
    items, unavailable = await _all_books(ports, names)
    items.sort(key=lambda item: str(item["instrument"]))
    left = [item for item in items if after is None or item["instrument"] > after[0]]
    found = cut(left, query.limit, "books", lambda item: (item["instrument"],))
    return page((text_of(item) for item in found.rows), found.next_cursor, unavailable=unavailable)


async def _all_books(ports: Ports, names: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    items: list[dict[str, Any]] = []
    unavailable: list[dict[str, str]] = []
    for start in range(0, len(names), AT_ONCE):
        chunk = names[start : start + AT_ONCE]
        answers = await asyncio.gather(*(_books(ports, name) for name in chunk))
        for name, found in zip(chunk, answers, strict=True):
            if isinstance(found, DeskError):
                unavailable.append({"shard": name, "code": problem_of(found).code, "detail": found.detail})
            else:
                items += found["items"]
    return items, unavailable


async def _books(ports: Ports, name: str) -> dict[str, Any] | DeskError:
    try:
        return await ports.books.named(name).call("books", {})
    except DeskError as error:
        return error


@ROUTES.get("/v1/books/{venue}/{symbol}")
async def get_book(
    caller: TheCaller, ports: ThePorts, venue: VenuePath, symbol: SymbolPath, query: Annotated[DepthQuery, QueryOf()]
) -> Response:
    """One book to the depth asked for, with its age and whether it is stale."""
    (rows,) = await caller.read(Statement(_RANK, (venue, symbol)))
    if not rows:
        raise NotFound("there is no such instrument", code="unknown_instrument")
    shard = shard_name(venue, int(rows[0]["rank"]))
    return answer(await ports.books.named(shard).call("book", {"symbol": symbol, "depth": query.depth}))
