"""Pages of one desk's history in D1, newest first, each with the sequence that the outbox has reached."""

from __future__ import annotations

from starlette.responses import Response

from router.answers import page
from router.auth import Caller
from router.paging import PageQuery, cut, read_cursor
from router.select import Select
from shared.ports import Statement

JOURNAL = (
    "SELECT seq, json_object('seq', seq, 'v', v, 'at_ms', at_ms, 'kind', kind, 'body', json(body), 'hash', hash) AS item "
    "FROM journal"
)
ACCOUNT = f"{JOURNAL} INDEXED BY journal_account"
"""Only events about the account itself; SQLite would else read the whole journal for them."""
ABOUT_THE_ACCOUNT = (
    "kind IN ('halted', 'resume_requested', 'resume_expired', 'resumed', 'reduced', 'reduction_lifted', "
    "'protections_changed', 'venue_lost', 'venue_back', 'difference_found', 'difference_resolved', 'fill_found', "
    "'ledger_adjusted', 'arm_requested', 'armed', 'disarmed')"
)
"""The condition of that index, word for word: a query without it may not use the index."""
_AS_OF = "SELECT as_of_seq FROM desks WHERE desk = ?"


class HistoryQuery(PageQuery):
    """What stands now, or with `history` what was, page by page."""

    history: bool = False


async def history_page(caller: Caller, desk: str, query: PageQuery, kind: str, head: str, only: str = "") -> Response:
    """One page of the list `kind`; `head` selects `seq` and `item`, the row as JSON; `only` is one more condition."""
    after = read_cursor(query.cursor, kind, (int,))
    select = Select(head).where("desk = ?", desk)
    if only:
        select.where(only)
    statement = select.page(("seq",), after, query.limit, newest_first=True)
    rows, as_of = await caller.read(statement, Statement(_AS_OF, (desk,)))
    found = cut(rows, query.limit, kind, lambda row: (row["seq"],))
    as_of_seq = as_of[0]["as_of_seq"] if as_of else 0
    return page((row["item"] for row in found.rows), found.next_cursor, as_of_seq=as_of_seq)


async def account_page(caller: Caller, desk: str, query: PageQuery, kind: str, *kinds: str) -> Response:
    """One page of the journal, of events about the account only: `kinds` are constants of ours."""
    named = ", ".join(f"'{each}'" for each in kinds)
    return await history_page(caller, desk, query, kind, ACCOUNT, f"{ABOUT_THE_ACCOUNT} AND kind IN ({named})")
