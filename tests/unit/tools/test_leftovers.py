"""What `make dev` takes up of its last run."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, cast

import pytest

from tests.unit.native_ports import MIGRATIONS
from tools.dev import leftovers
from tools.stack import Stack

pytestmark = pytest.mark.native


class Last:
    """D1 as the last run left it, and the queue of this one."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:")
        self.db.row_factory = sqlite3.Row
        for file in sorted(MIGRATIONS.glob("*.sql")):
            self.db.executescript(file.read_text())
        self.sent: list[tuple[str, Any]] = []

    def d1(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        return [dict(row) for row in self.db.execute(sql, params)]

    def enqueue(self, body: Any, worker: str) -> None:
        self.sent.append((worker, body))

    def job(self, name: str, state: str, queued_ms: int, scope: str = "") -> None:
        sql = "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms) VALUES (?, ?, ?, ?, 'k', ?)"
        self.d1(sql, (f"{name}-{state}", name, scope, state, queued_ms))


def test_what_waited_or_was_at_work_is_sent_again_in_its_order() -> None:
    last = Last()
    last.job("backtest", "running", 3, "b/1")
    last.job("backtest", "queued", 2, "b/2")
    last.job("report", "queued", 1, "stocks/2004-01-05")
    for over in ("done", "failed", "skipped"):
        last.job("backtest", over, 1)
    last.job("scan", "running", 1, "stocks")
    stack = cast("Stack", last)
    waited = leftovers.waited(stack)
    last.job("report", "running", 9)
    leftovers.resend(stack, waited)
    assert [body["id"] for _, body in last.sent] == ["report-queued", "backtest-queued", "backtest-running"]
    assert last.sent[1] == (
        "cron",
        {"v": 1, "id": "backtest-queued", "job": "backtest", "scope": "b/2", "requested_by": "k", "queued_ms": 2},
    )


def test_no_lease_of_the_last_run_is_left() -> None:
    last = Last()
    last.d1("INSERT INTO leases VALUES ('backtest:b/1', 'gone', 9999999999999)")
    leftovers.free(cast("Stack", last))
    assert last.d1("SELECT * FROM leases") == []


def test_a_first_start_has_nothing_to_take_up() -> None:
    last = Last()
    assert leftovers.waited(cast("Stack", last)) == []
    assert last.sent == []
