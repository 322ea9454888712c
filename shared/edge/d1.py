"""D1 as a `Database`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import js
from pyodide.ffi import JsException, jsnull, to_js

from shared.edge.count import count
from shared.edge.env import raw
from shared.edge.failure import storage_error
from shared.jsontext import read_json
from shared.ports import Statement, Value

MAX_PARAMS = 100


class D1:
    def __init__(self, binding: Any) -> None:
        self._db = raw(binding)

    def _prepare(self, statement: Statement) -> Any:
        if len(statement.params) > MAX_PARAMS:
            raise ValueError(f"{len(statement.params)} parameters: D1 takes at most {MAX_PARAMS} a statement")
        prepared = self._db.prepare(statement.sql)
        if not statement.params:
            return prepared
        return prepared.bind(*(_bound(value) for value in statement.params))

    def _count(self, result: Any) -> None:
        meta = result.meta
        count("d1_queries")
        count("d1_rows_read", int(getattr(meta, "rows_read", 0) or 0))
        count("d1_rows_written", int(getattr(meta, "rows_written", 0) or 0))

    async def rows(self, sql: str, *params: Value) -> list[dict[str, Any]]:
        try:
            result = await self._prepare(Statement(sql, params)).all()
        except JsException as error:
            raise storage_error("D1", error) from None
        self._count(result)
        return _rows(result)

    async def _batch(self, statements: Sequence[Statement]) -> list[Any]:
        if not statements:
            return []
        try:
            results = await self._db.batch(to_js([self._prepare(each) for each in statements]))
        except JsException as error:
            raise storage_error("D1", error) from None
        found = list(results)
        for result in found:
            self._count(result)
        return found

    async def batch(self, statements: Sequence[Statement]) -> list[int]:
        return [int(result.meta.changes) for result in await self._batch(statements)]

    async def read(self, statements: Sequence[Statement]) -> list[list[dict[str, Any]]]:
        return [_rows(result) for result in await self._batch(statements)]


def _bound(value: Value) -> Any:
    if value is None:
        return jsnull
    return to_js(value) if isinstance(value, bytes) else value


def _rows(result: Any) -> list[dict[str, Any]]:
    # one crossing as text is quicker than converting every cell
    found: list[dict[str, Any]] = read_json(js.JSON.stringify(result.results))
    return found
