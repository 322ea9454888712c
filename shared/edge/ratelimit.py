"""The platform's rate-limit binding."""

from __future__ import annotations

from typing import Any

from js import Object
from pyodide.ffi import JsException, to_js

from shared.edge.env import raw
from shared.edge.failure import storage_error


class RateLimit:
    def __init__(self, binding: Any) -> None:
        self._limiter = raw(binding)

    async def allow(self, key: str) -> bool:
        """Whether one more request of `key` is within the limit."""
        try:
            outcome = await self._limiter.limit(to_js({"key": key}, dict_converter=Object.fromEntries))
        except JsException as error:
            raise storage_error("the rate limiter", error) from None
        return bool(outcome.success)
