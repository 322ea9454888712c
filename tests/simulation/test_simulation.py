"""Some hundred seeds hold every rule; the same seed is the same run; and what fails is shrunk to little."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

import pytest

from shared.desk.events import KINDS
from shared.desk.registry import PROTECTIONS
from tests.simulation.bans import BANS
from tests.simulation.faults import KINDS as FAULTS
from tests.simulation.mutants import MUTANTS, breaks, may_show
from tests.simulation.run import Outcome, Plan, simulate
from tests.simulation.shrink import Shrinker, shrunk
from tools import simulate as tool
from tools.paths import ROOT

SEEDS = 320
BLOCK = 40
MOST_SEEDS_FOR_A_MUTANT = 150


@cache
def outcomes(first: int) -> list[Outcome]:
    """Of a block of seeds; run once, however many tests ask."""
    return [simulate(Plan.of(seed)) for seed in range(first, first + BLOCK)]


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_every_rule_holds(first: int) -> None:
    for outcome in outcomes(first):
        seed = outcome.plan.seed
        assert not outcome.wrongs, f"python -m tools.simulate --seed {seed}: {outcome.wrongs[0]}"


def first_found(name: str) -> Outcome | None:
    mutant, words = MUTANTS[name]
    with mutant():
        for seed in range(MOST_SEEDS_FOR_A_MUTANT):
            if not may_show(name, seed):
                continue
            outcome = simulate(Plan.of(seed))
            if breaks(outcome.wrongs, words):
                return outcome
    return None


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_mistake_is_found(name: str) -> None:
    """Within the first seeds, and by the rule that it breaks."""
    assert first_found(name) is not None


def test_a_failing_run_is_shrunk_and_still_fails() -> None:
    mutant, words = MUTANTS["sells_twice"]
    found = first_found("sells_twice")
    assert found is not None
    with mutant():
        least = shrunk(found)
        assert breaks(least.wrongs, words)
        assert 2 * len(least.plan.steps) <= len(found.plan.steps)
        assert any(line.split()[1] == "STEP" for line in least.trace)
        # left out one more, it would not fail
        assert not Shrinker(least.plan, least, most=0).runs


def test_a_failing_seed_is_told_with_its_shrunk_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = first_found("sells_twice")
    assert found is not None
    seed = found.plan.seed
    monkeypatch.setattr(tool, "many", lambda *_: tool.Tally(runs=1, failed=[seed]))
    monkeypatch.setattr(sys, "argv", ["simulate"])
    with MUTANTS["sells_twice"][0]():
        assert tool.main() == 1
    told = capsys.readouterr().out
    assert 0 < 2 * told.count(" STEP ") <= len(found.plan.steps)
    assert f"seed {seed}, " in told
    assert f"failed: [{seed}]" in told
    assert "--seed N" in told


def test_steps_may_be_left_out_without_changing_the_luck_of_others() -> None:
    plan = Plan.of(3)
    whole = simulate(plan, traced=True)
    again = simulate(Plan(3, plan.steps[: len(plan.steps) // 2]), traced=True)
    opening = [line for line in whole.trace if line < "   10.000"]
    assert again.trace[: len(opening)] == opening


def trace_in_another_process(seed: int, hash_seed: str) -> str:
    command = [sys.executable, "-m", "tools.simulate", "--seed", str(seed), "--whole"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout


def test_the_same_seed_is_the_same_run_in_every_process() -> None:
    told = trace_in_another_process(5, "1")
    assert len(told.splitlines()) > 50
    assert told == trace_in_another_process(5, "2")


def test_the_seeds_meet_every_fault_every_event_and_every_protection() -> None:
    """What no run ever meets is not tested, whatever else holds."""
    met = [outcome for first in range(0, SEEDS, BLOCK) for outcome in outcomes(first)]
    assert not set(FAULTS) - {fault for outcome in met for fault in outcome.faults}
    assert not set(KINDS) - {kind for outcome in met for kind in outcome.kinds}
    judged = {code for name in BANS for code in (*PROTECTIONS[name].refusals, *PROTECTIONS[name].findings)}
    assert judged - {code for outcome in met for code in outcome.codes} <= {"qty_absurd"}
