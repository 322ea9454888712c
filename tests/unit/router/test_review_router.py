"""Findings of the review: `strict` turns a test red once its finding is mended; then drop the mark."""

from __future__ import annotations

import pytest

from router.paging import write_cursor
from tests.unit.router.native import World


@pytest.mark.xfail(strict=True, reason="review finding R1: reports of other desks are shown")
def test_runs_of_another_desks_report_are_not_shown(world: World) -> None:
    for name in ("mine", "other"):
        world.desk(name)
    world.db.do(
        "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms)"
        " VALUES ('a', 'report', 'other/2024-01-01', 'done', 'cron', 1)"
    )
    key = world.key("viewer", ["mine"])
    assert world.ask("GET", "/v1/jobs", key).json()["items"] == []


@pytest.mark.xfail(strict=True, reason="review finding R2: D1 takes no integer above 2**53 (BigInt), SQLite here does")
def test_a_cursor_beyond_what_d1_can_bind_is_refused(world: World) -> None:
    cursor = write_cursor("jobs", (2**60, "x"))
    assert world.ask("GET", f"/v1/jobs?cursor={cursor}", "viewer").status_code == 422
