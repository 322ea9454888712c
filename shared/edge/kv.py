"""KV as a `KeyValue`."""

from __future__ import annotations

from typing import Any

from js import Object
from pyodide.ffi import JsException, jsnull, to_js

from shared.edge.count import count
from shared.edge.env import raw
from shared.edge.failure import storage_error

MIN_TTL_S = 60


class KV:
    def __init__(self, binding: Any) -> None:
        self._kv = raw(binding)

    async def get(self, key: str) -> bytes | None:
        count("kv_reads")
        try:
            found = await self._kv.get(key, "arrayBuffer")
        except JsException as error:
            raise storage_error("KV", error) from None
        if found is None or found is jsnull:
            return None
        body: bytes = found.to_bytes()
        return body

    async def put(self, key: str, body: bytes, ttl_s: int | None = None) -> None:
        count("kv_writes")
        options = {} if ttl_s is None else {"expirationTtl": max(ttl_s, MIN_TTL_S)}
        try:
            await self._kv.put(key, to_js(body), to_js(options, dict_converter=Object.fromEntries))
        except JsException as error:
            raise storage_error("KV", error) from None
