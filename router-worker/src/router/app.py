"""The application: every resource's routes behind one edge. `create_app(ports)` is all that an entry or test needs."""

from __future__ import annotations

from typing import NoReturn

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from router import requestid
from router.auth import authorise
from router.boundary import Boundary
from router.ports import Ports
from router.problems import MEDIA_TYPE, MisconfiguredError, problem_of
from router.resources import (
    alerts,
    backtests,
    books,
    candles,
    desks,
    fills,
    halt,
    health,
    instruments,
    jobs,
    journal,
    keys,
    live_gate,
    openapi,
    orders,
    positions,
    protections,
    reconciliation,
    signals,
    strategies,
)
from router.routes import Route

VERSION = "1"
_RESOURCES = (
    signals,
    desks,
    health,
    instruments,
    candles,
    books,
    jobs,
    keys,
    orders,
    positions,
    fills,
    journal,
    halt,
    protections,
    reconciliation,
    live_gate,
    alerts,
    strategies,
    backtests,
    openapi,
)


def all_routes() -> list[Route]:
    """Every route there is, but `/livez`, which the entry answers itself."""
    return [route for resource in _RESOURCES for route in resource.ROUTES.items]


def create_app(ports: Ports) -> ASGIApp:
    """The whole API over these ports."""
    return Boundary(framework(ports), ports)


def framework(ports: Ports) -> FastAPI:
    """What stands inside the edge. Its own error pages are off: every failure goes out to the edge."""
    app = FastAPI(
        title="edgedesk",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(authorise)],
        exception_handlers={HTTPException: _to_the_edge, RequestValidationError: _to_the_edge, Exception: _to_the_edge},
    )
    app.state.ports = ports
    routes = all_routes()
    for route in routes:
        app.add_api_route(
            route.path,
            route.handler,
            methods=[route.method],
            status_code=route.status,
            response_model=None,
            openapi_extra=route.extra,
        )
    openapi.describe(app, routes)
    return app


async def _to_the_edge(_: Request, error: Exception) -> NoReturn:
    raise error


async def misconfigured(_: Scope, __: Receive, send: Send) -> None:
    """Answers everything with one problem: settings that were refused serve nobody, and tell nobody why."""
    problem = problem_of(MisconfiguredError("the service is not configured; the log says what is wrong"))
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": problem.body(requestid.new_request_id())})
