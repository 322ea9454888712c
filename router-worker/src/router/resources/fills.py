"""The trades that happened to a desk's orders."""

from __future__ import annotations

from starlette.responses import Response

from router.resources.common import DeskPath, Paged, TheCaller
from router.resources.history import history_page
from router.routes import Routes

ROUTES = Routes()

_ITEM = (
    "json_object('seq', seq, 'fill_id', fill_id, 'client_id', client_id, 'instrument', instrument, 'side', side, "
    "'qty', qty, 'price', price, 'fee', json_object('amount', fee, 'asset', fee_asset), 'ts_ms', ts_ms)"
)
_PAGE = f"SELECT seq, {_ITEM} AS item FROM fills"


@ROUTES.get("/v1/desks/{desk}/fills")
async def list_fills(caller: TheCaller, desk: DeskPath, query: Paged) -> Response:
    """Fills, newest first, as the outbox has brought them: `as_of_seq`."""
    return await history_page(caller, desk, query, "fills", _PAGE)
