"""Pages of one desk's history in D1, newest first, each with the sequence that the outbox has reached."""

from __future__ import annotations

from starlette.responses import Response

from router.answers import page
from router.auth import Caller
from router.paging import PageQuery, cut, read_cursor
from router.select import Select
from shared.ports import Statement

_AS_OF = "SELECT as_of_seq FROM desks WHERE desk = ?"


async def history_page(caller: Caller, desk: str, query: PageQuery, kind: str, head: str) -> Response:
    """One page of the list `kind`; `head` selects `seq` and `item`, the row as JSON."""
    after = read_cursor(query.cursor, kind, (int,))
    select = Select(head).where("desk = ?", desk)
    statement = select.page(("seq",), after, query.limit, newest_first=True)
    rows, as_of = await caller.read(statement, Statement(_AS_OF, (desk,)))
    found = cut(rows, query.limit, kind, lambda row: (row["seq"],))
    as_of_seq = as_of[0]["as_of_seq"] if as_of else 0
    return page((row["item"] for row in found.rows), found.next_cursor, as_of_seq=as_of_seq)
