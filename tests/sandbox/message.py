"""A request and its reply, free of any web framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Request(NamedTuple):
    """`query` as it came, without the question mark; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


class Reply(NamedTuple):
    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = {}
