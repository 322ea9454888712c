"""The sandbox without sockets: an httpx transport that answers out of memory, with the same faults. It runs in Pyodide too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from tests.sandbox.control import control
from tests.sandbox.exchange import CLIENT, Exchange
from tests.sandbox.faults import GARBAGE, plan
from tests.sandbox.keys import Key
from tests.sandbox.message import Reply, Request
from tests.sandbox.setup import Setup


class Loopback(httpx.AsyncBaseTransport):
    """Waits become what they would end in: a hanging answer is a time-out at once. `late` requests wait for `deliver()`."""

    def __init__(self, setup: Setup, real_ms: Callable[[], int]) -> None:
        self.key = Key("loopback", "not a secret", CLIENT, frozenset(setup.rights))
        self.exchange = Exchange(setup, real_ms, self.key)
        self._late: list[tuple[Request, int]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        path, _, query = request.url.raw_path.decode().partition("?")
        asked = Request(request.method, path, query, headers, await request.aread())
        rule = self.exchange.faults.take(self.exchange.endpoint(asked))
        number = self.exchange.received(asked, rule)
        fate = plan(rule)
        if fate.late_ms is not None:
            self._late.append((asked, number))
        elif fate.handled:
            reply = self.exchange.handle(asked, rule, number)
        match fate.ending:
            case "hang":
                raise httpx.ReadTimeout("no answer", request=request)
            case "reset":
                raise httpx.ReadError("connection reset", request=request)
            case "status":
                wait = {} if fate.retry_after_s is None else {"Retry-After": str(fate.retry_after_s)}
                return _response(Reply(fate.status, {"error": fate.code, "message": "as asked"}, wait))
            case "garbage":
                return httpx.Response(200, content=GARBAGE)
            case "truncated":
                body = json.dumps(reply.body).encode()
                return httpx.Response(reply.status, content=body[: len(body) // 2])
            case _:
                return _response(reply)

    def deliver(self) -> None:
        """What was under way arrives."""
        late, self._late = self._late, []
        for request, number in late:
            self.exchange.handle(request, None, number)

    def tell(self, word: str, **told: Any) -> dict[str, Any]:
        """As the control of the process does."""
        return self._done(Request("POST", f"/control/{word}", "", {}, json.dumps(told).encode()))

    def read(self, what: str) -> dict[str, Any]:
        return self._done(Request("GET", f"/control/{what}", "", {}, b""))

    def faults(self, *rules: Mapping[str, Any]) -> None:
        self.tell("faults", rules=list(rules))

    def _done(self, request: Request) -> dict[str, Any]:
        reply = control(self.exchange, request)
        assert reply.status == httpx.codes.OK, reply.body
        return reply.body


def _response(reply: Reply) -> httpx.Response:
    return httpx.Response(reply.status, json=reply.body, headers=dict(reply.headers))
