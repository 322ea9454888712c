"""`make dev` tells every alert once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.native_ports import MIGRATIONS
from tools.dev.alerts import Teller

pytestmark = pytest.mark.native


class Stack:
    """Only its D1."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:")
        self.db.row_factory = sqlite3.Row
        for file in sorted(MIGRATIONS.glob("*.sql")):
            self.db.executescript(file.read_text())

    def d1(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        return [dict(row) for row in self.db.execute(sql, params)]

    def file(self, name: str, desk: str) -> None:
        body = f'{{"title":"title of {name}"}}'
        self.d1(
            "INSERT INTO alerts (id, desk, severity, code, dedupe_key, body, at_ms)"
            " VALUES (?, ?, 'warning', 'x', 'x', ?, 1)",
            (name, desk, body),
        )


def test_every_alert_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    stack = Stack()
    stack.file("old", "stocks")
    tell = Teller(stack)  # type: ignore[arg-type]
    tell()
    stack.file("one", "stocks")
    stack.file("two", "")
    tell()
    tell()
    told = capsys.readouterr()
    assert (told.out + told.err).splitlines() == ["ALERT warning stocks: title of one", "ALERT warning: title of two"]
