"""From a run that fails to the least that still fails: fewer steps, then fewer of them with faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.simulation.run import Outcome, Plan, simulate

MOST_RUNS = 400


def kind_of(wrong: str) -> str:
    """What a broken rule says, without the ids and numbers that are this run's own."""
    return re.sub(r"[0-9a-f]{6,}|\d[\d.,]*", "#", wrong)[:60]


class Shrinker:
    """`runs` counts what was tried; after `most` it stops where it is."""

    def __init__(self, plan: Plan, first: Outcome, most: int = MOST_RUNS) -> None:
        self._kind = kind_of(first.wrongs[0])
        self._most = most
        self.plan = plan
        self.runs = 0

    def _fails(self, plan: Plan) -> bool:
        if self.runs >= self._most:
            return False
        self.runs += 1
        wrongs = simulate(plan).wrongs
        return bool(wrongs) and kind_of(wrongs[0]) == self._kind

    def shrink(self) -> Plan:
        """The smallest plan found that breaks the same rule."""
        self._leave_out(self.plan.steps, lambda kept: replace(self.plan, steps=kept))
        everything = frozenset(self.plan.steps)
        self._leave_out(
            tuple(step for step in self.plan.steps if step not in self.plan.calm),
            lambda wild: replace(self.plan, calm=everything - set(wild)),
        )
        return self.plan

    def _leave_out(self, items: Sequence[int], made: Callable[[tuple[int, ...]], Plan]) -> None:
        """Leaves ever smaller pieces out, as long as the rest fails all the same."""
        kept = tuple(items)
        size = max(1, len(kept))
        while size and kept:
            at = 0
            while at < len(kept):
                fewer = kept[:at] + kept[at + size :]
                plan = made(fewer)
                if self._fails(plan):
                    kept, self.plan = fewer, plan
                else:
                    at += size
            size //= 2


def shrunk(first: Outcome, most: int = MOST_RUNS) -> Outcome:
    """The failing run again, as small as could be found, with its trace."""
    return simulate(Shrinker(first.plan, first, most).shrink(), traced=True)
