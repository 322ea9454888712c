"""Everything that ever happened to a desk, in its own words, with the hash chain."""

from __future__ import annotations

from starlette.responses import Response

from router.resources.common import DeskPath, Paged, TheCaller
from router.resources.history import JOURNAL, history_page
from router.routes import Routes

ROUTES = Routes()


@ROUTES.get("/v1/desks/{desk}/journal")
async def list_journal(caller: TheCaller, desk: DeskPath, query: Paged) -> Response:
    """Events, newest first, as the outbox has brought them: `as_of_seq`."""
    return await history_page(caller, desk, query, "journal", JOURNAL)
