"""What an object was told to watch, kept in its SQLite so that it goes on by itself after an eviction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import quote

from pydantic import Field, StringConstraints, model_validator

from shared.book.shard import SYMBOLS_A_SHARD
from shared.config import DeskName
from shared.model import Model, Symbol, VenueName
from shared.ports import Sql

MAX_DESKS = 50

_SCHEMA = "CREATE TABLE IF NOT EXISTS watch (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL)"

Url = Annotated[str, StringConstraints(pattern=r"^wss?://[^\s?#]{1,1000}$")]


class WatchRequest(Model):
    """Body of `watch`. No symbols: stop watching. `location_hint` says where the desks are placed ("" for anywhere)."""

    venue: VenueName
    url: Url
    symbols: tuple[Symbol, ...] = Field(max_length=SYMBOLS_A_SHARD)
    desks: tuple[DeskName, ...] = Field(max_length=MAX_DESKS)
    location_hint: str = Field(default="", max_length=32)

    @model_validator(mode="after")
    def _no_repeats(self) -> Self:
        for name in ("symbols", "desks"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} must not name one twice")
        return self

    @property
    def stream_url(self) -> str:
        """With the symbols as its query; empty when there is nothing to watch."""
        return f"{self.url}?symbols={quote(','.join(self.symbols), safe=',')}" if self.symbols else ""


class BookRequest(Model):
    """Body of `book`."""

    symbol: Symbol
    depth: int = Field(default=5, ge=1, le=1000)


def read(model: type[Any], body: Mapping[str, Any]) -> Any:
    """A JSON object as a strict model (lists become tuples); `Invalid` names what is wrong."""
    return model.parse(json.dumps(dict(body)))


class Record:
    """The newest `watch` request, one row."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        sql.rows(_SCHEMA)

    def load(self) -> WatchRequest | None:
        """None for an object that was never told to watch."""
        rows = self._sql.rows("SELECT body FROM watch")
        return WatchRequest.parse(str(rows[0][0])) if rows else None

    def save(self, request: WatchRequest) -> None:
        """Replaces what was there."""
        self._sql.rows(
            "INSERT INTO watch (id, body) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            request.json_text(),
        )
