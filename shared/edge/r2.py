"""R2 as an `ObjectStore`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from js import Object
from pyodide.ffi import JsException, jsnull, to_js

from shared.edge.count import count
from shared.edge.env import raw
from shared.edge.failure import storage_error

MAX_DELETE = 1000


class R2:
    def __init__(self, binding: Any) -> None:
        self._bucket = raw(binding)

    async def get(self, key: str) -> bytes | None:
        count("r2_class_b")
        try:
            found = await self._bucket.get(key)
            if found is None or found is jsnull:
                return None
            body: bytes = (await found.arrayBuffer()).to_bytes()
        except JsException as error:
            raise storage_error("R2", error) from None
        return body

    async def put(self, key: str, body: bytes) -> None:
        count("r2_class_a")
        try:
            await self._bucket.put(key, to_js(body))
        except JsException as error:
            raise storage_error("R2", error) from None

    async def delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), MAX_DELETE):
            count("r2_deletes")
            try:
                await self._bucket.delete(to_js(list(keys[start : start + MAX_DELETE])))
            except JsException as error:
                raise storage_error("R2", error) from None

    async def list(self, prefix: str) -> list[str]:
        keys: list[str] = []
        cursor: str | None = None
        while True:
            options = {"prefix": prefix} | ({"cursor": cursor} if cursor else {})
            count("r2_class_a")
            try:
                page = await self._bucket.list(to_js(options, dict_converter=Object.fromEntries))
            except JsException as error:
                raise storage_error("R2", error) from None
            keys.extend(str(entry.key) for entry in page.objects)
            if not page.truncated:
                return keys
            cursor = str(page.cursor)
