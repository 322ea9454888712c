"""Ten kills under load, judged by what the venues saw; `make chaos` does two hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.campaign import Plan, campaign

KILLS = 10


@pytest.mark.timeout(900)
def test_killed_ten_times_under_load_at_venues_that_misbehave_every_rule_holds(tmp_path: Path) -> None:
    tally = campaign(tmp_path, Plan(kills=KILLS, seed=7, desks=2))
    assert tally.wrongs == []
    assert tally.trouble == []
    assert tally.kills == KILLS
    # it was worth the while: orders, fills and faults of many kinds
    assert tally.counts["orders accepted"] > 50
    assert tally.counts["fills"] > 50
    assert tally.counts["unknown, and resolved"] > 0
    assert len(tally.faults) >= 8
