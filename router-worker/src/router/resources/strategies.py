"""What strategies there are, as the brain tells it."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import Response

from router.answers import page, text_of
from router.paging import cut, read_cursor
from router.ports import Ports
from router.resources.common import Paged, TheCaller, ThePorts
from router.routes import Routes

ROUTES = Routes()


@ROUTES.get("/v1/strategies")
async def list_strategies(request: Request, caller: TheCaller, ports: ThePorts, query: Paged) -> Response:
    """Strategies by name: the idea, the version, and each parameter with its default and its bounds."""
    after = read_cursor(query.cursor, "strategies", (str,))
    # a key that is not valid wakes no brain
    await caller.verified()
    rest = [each for each in await _told(request, ports) if after is None or each["name"] > after[0]]
    found = cut(rest[: query.limit + 1], query.limit, "strategies", lambda each: (each["name"],))
    return page(map(text_of, found.rows), found.next_cursor)


async def _told(request: Request, ports: Ports) -> list[dict[str, Any]]:
    """Asked once in an isolate's life: another answer comes with a deploy, and so with another isolate."""
    kept: list[dict[str, Any]] | None = getattr(request.app.state, "strategies", None)
    if kept is None:
        kept = sorted((await ports.brain.call("describe", {}))["strategies"], key=lambda each: str(each["name"]))
        request.app.state.strategies = kept
    return kept
