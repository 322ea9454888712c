"""One seed from its first step to the last, and then the peace in which everything has to come right."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from shared.desk import session
from tests.simulation.actors import act
from tests.simulation.faults import dice_of
from tests.simulation.opening import opening
from tests.simulation.peace import make_peace
from tests.simulation.world import World

WAITS_MS = (0, 10, 100, 500, 2_000, 6_000, 15_000)
SNAPSHOT_EVERY = 24


@dataclass(frozen=True)
class Plan:
    """Which steps of a seed are taken, and which of those without faults; what a failing run is shrunk by."""

    seed: int
    steps: tuple[int, ...]
    calm: frozenset[int] = frozenset()

    @classmethod
    def of(cls, seed: int) -> Plan:
        return cls(seed, tuple(range(dice_of(seed, "length").randint(30, 80))))


@dataclass
class Outcome:
    """What one run came to; `wrongs` is empty when every rule held."""

    plan: Plan
    wrongs: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    events: int = 0
    lives: int = 0


@contextmanager
def quick() -> Iterator[None]:
    """Silent, and with a snapshot so often that lives wake from one."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with patch.object(session, "SNAPSHOT_EVERY", SNAPSHOT_EVERY):
            yield
    finally:
        logging.disable(before)


def simulate(plan: Plan, traced: bool = False) -> Outcome:
    """Runs the plan; the same plan gives the same outcome, trace and all."""
    with quick():
        world = World(plan.seed)
        world.trace = [] if traced else None
        try:
            _run(world, plan)
        finally:
            world.life.end()
            world.life.sql.close()
            world.d1.close()
    judge = world.judge
    return Outcome(
        plan,
        judge.wrongs,
        world.trace or [],
        +world.faults.counts,
        judge.kinds,
        world.refusals,
        judge.codes,
        judge.seq,
        world.crashes + 1,
    )


def opened(seed: int) -> dict[str, Any]:
    """What the seed's desk is opened with."""
    world = World(seed)
    try:
        return opening(world.step("open", calm=True), world)
    finally:
        world.life.sql.close()
        world.d1.close()


def _run(world: World, plan: Plan) -> None:
    world.step("open", calm=True)
    world.call("open", **opening(world.dice, world))
    world.run(1_000)
    world.heartbeat()
    world.run(1_000)
    for number in plan.steps:
        luck = world.step(number, calm=number in plan.calm)
        act(world, luck)
        world.run(luck.choice(WAITS_MS))
        world.judge.between_steps()
        if world.judge.wrongs:
            return
    make_peace(world)
