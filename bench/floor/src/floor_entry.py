"""The yardstick's three answers in Python, with no framework, no key, no guard and no log: what the platform leaves us."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import to_js
from workers import WorkerEntrypoint

_INIT = to_js({"headers": {"content-type": "application/json"}}, dict_converter=js.Object.fromEntries)
_PAGE = "SELECT body FROM signals ORDER BY created_ms DESC, id DESC LIMIT 100"


class Default(WorkerEntrypoint):  # type: ignore[misc, unused-ignore]
    """What the platform calls."""

    async def fetch(self, request: Any) -> Any:
        """One of the three, or 404."""
        path = "/" + request.js_object.url.partition("://")[2].partition("/")[2]
        env = self.env._env
        if path == "/livez":
            return js.Response.new('{"status":"ok"}', _INIT)
        if path == "/object":
            return js.Response.new(await env.THING.getByName("one").view(), _INIT)
        if path == "/signals":
            found = await env.DB.prepare(_PAGE).all()
            bodies = ",".join(row.body for row in found.results)
            return js.Response.new(f'{{"items":[{bodies}],"next_cursor":null}}', _INIT)
        return js.Response.new("not found", status=404)
