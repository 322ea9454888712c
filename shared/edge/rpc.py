"""One JSON text in, one envelope out: how workers and objects speak to each other (`docs/contracts.md`)."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from js import Object
from pyodide.ffi import JsException, to_js

from shared import log
from shared.edge.count import count
from shared.edge.env import raw
from shared.edge.failure import peer_error
from shared.errors import DeskError, Invalid, from_wire
from shared.jsontext import read_json

_log = log.get("rpc")
Handler = Callable[[dict[str, Any]], dict[str, Any] | Awaitable[dict[str, Any]]]


async def answer(name: str, handler: Handler, text: str) -> str:
    """Runs `handler` on the body; the envelope as text. A bug is logged here and leaves as code `internal`."""
    try:
        body = read_json(text)
        if not isinstance(body, dict):
            raise Invalid.field("body", body, "must be a JSON object")
        value = handler(body)
        if inspect.isawaitable(value):
            value = await value
        return json.dumps({"ok": True, "value": value}, separators=(",", ":"), allow_nan=False)
    except DeskError as error:
        return json.dumps({"ok": False, "error": error.wire()})
    except Exception:  # noqa: BLE001 - the outermost edge of a call between workers
        # nothing of a bug may reach the other side
        _log.exception("rpc_bug", extra={"method": name})
        failure = DeskError("something broke inside; the log has it", code="internal")
        return json.dumps({"ok": False, "error": failure.wire()})


def _open(text: str) -> dict[str, Any]:
    envelope = read_json(text)
    if envelope.get("ok"):
        value: dict[str, Any] = envelope["value"]
        return value
    raise from_wire(envelope["error"])


class Worker:
    """Another worker, or one object, as a `Peer`."""

    def __init__(self, binding: Any, name: str = "worker", operation: str = "rpc_calls") -> None:
        self._target = raw(binding)
        self._name = name
        self._operation = operation

    async def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        count(self._operation)
        try:
            text = await getattr(self._target, method)(json.dumps(body, separators=(",", ":"), allow_nan=False))
        except JsException as error:
            raise peer_error(f"{self._name}.{method}", error) from None
        return _open(str(text))


class Objects:
    """A Durable Object namespace as `Peers`; the location hint goes with every `get`: only the first one counts."""

    def __init__(self, binding: Any, location_hint: str = "", name: str = "object") -> None:
        self._namespace = raw(binding)
        self._hint = location_hint
        self._name = name

    def named(self, name: str) -> Worker:
        options = to_js({"locationHint": self._hint} if self._hint else {}, dict_converter=Object.fromEntries)
        return Worker(self._namespace.getByName(name, options), f"{self._name} {name}", "object_requests")
