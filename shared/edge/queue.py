"""A queue producer as a `JobQueue`; a message is one JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from js import Object
from pyodide.ffi import JsException, to_js

from shared.edge.count import count
from shared.edge.env import raw
from shared.edge.failure import storage_error


class Queue:
    def __init__(self, binding: Any) -> None:
        self._queue = raw(binding)

    async def send(self, body: Mapping[str, Any]) -> None:
        # a message is written, read and deleted: three operations on the bill
        count("queue_operations", 3)
        options = to_js({"contentType": "text"}, dict_converter=Object.fromEntries)
        try:
            await self._queue.send(json.dumps(body, separators=(",", ":")), options)
        except JsException as error:
            raise storage_error("the queue", error) from None
