"""The outermost layer: a request id, the verdict before anything leaves, one log line, every error answered."""

from __future__ import annotations

import logging
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from router import requestid
from router.auth import CALLER, Caller, Gate
from router.limits import bounded
from router.ports import Ports
from router.problems import INTERNAL, MEDIA_TYPE, Problem, problem_of
from shared import log
from shared.errors import DeskError

SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"strict-transport-security", b"max-age=31536000"),
]
_log = log.get("http")


class Exchange:
    """One request and its answer. The first byte of an answer waits for the verdict on the key."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.request_id = requestid.new_request_id()
        self.caller: Caller | None = None
        self.status = 0
        self.code = ""
        self._send = send

    async def send(self, message: Message) -> None:
        """Passes the answer on, once the caller may have it."""
        if message["type"] == "http.response.start":
            if self.caller is not None:
                await self.caller.verified()
            await self._start(message["status"], message.get("headers", []))
        else:
            await self._send(message)

    async def fail(self, error: Exception) -> None:
        """Answers with a problem; to who has no valid key, only that."""
        if self.caller is not None:
            try:
                await self.caller.verified()
            except DeskError as refusal:
                error = refusal
            except Exception as broken:  # noqa: BLE001
                # still the outermost edge: a verdict that cannot be reached lets nothing through
                _log.exception("verdict_failed", extra={"request_id": self.request_id})
                error = broken
        problem = problem_of(error)
        self.code = problem.code
        if not self.status:
            await self._problem(problem)

    async def _problem(self, problem: Problem) -> None:
        body = problem.body(self.request_id)
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
        await self._start(problem.status, headers)
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = status
        # only a page to look at brings a policy of its own
        policed = any(name == b"content-security-policy" for name, _ in headers)
        security = [each for each in SECURITY if not (policed and each[0] == b"content-security-policy")]
        own = [*security, (requestid.HEADER, self.request_id.encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *own]})


class Boundary:
    """Wraps the application: `Boundary(app, ports)` is itself an ASGI application."""

    def __init__(self, app: ASGIApp, ports: Ports) -> None:
        self._app = app
        self._ports = ports
        self._gate = Gate(ports)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; never raises but what is no `Exception`."""
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, send)
        started_ms = self._ports.clock.now_ms()
        with self._ports.counting() as operations:
            try:
                exchange.caller = scope[CALLER] = await self._gate.admit(scope)
                await self._app(scope, bounded(scope, receive, self._ports.settings.MAX_BODY_BYTES), exchange.send)
            except (DeskError, HTTPException, RequestValidationError) as error:
                await exchange.fail(error)
            except Exception as error:  # noqa: BLE001
                # the outermost edge of a request: what was not foreseen is logged with its inside, and answered without
                _log.exception("request_failed", extra={"request_id": exchange.request_id, "route": _template(scope)})
                await exchange.fail(error)
        self._report(exchange, self._ports.clock.now_ms() - started_ms, dict(operations))

    def _report(self, exchange: Exchange, took_ms: int, operations: dict[str, int]) -> None:
        level = logging.ERROR if exchange.code == INTERNAL else logging.INFO
        line: dict[str, Any] = {
            "method": exchange.scope["method"],
            "route": _template(exchange.scope),
            "status": exchange.status,
            "ms": took_ms,
            "request_id": exchange.request_id,
            "prefix": exchange.caller.prefix if exchange.caller else "",
            "code": exchange.code,
            "operations": operations,
        }
        _log.log(level, "request", extra=line)


def _template(scope: Scope) -> str:
    """The route's path as it was declared, so that lines can be counted; never what the caller wrote."""
    return str(getattr(scope.get("route"), "path", "-"))
