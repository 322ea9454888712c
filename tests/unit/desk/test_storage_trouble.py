"""D1 away, slow, or silent about what it took: the desk goes on, and history comes in order, each row once."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import StorageUnavailable
from shared.ports import Statement
from tests.unit.desk.bench import Bench, candle, run
from tests.unit.desk.native_sql import NativeD1

MODES = ("well", "away", "unconfirmed", "cut short")


class TroubledD1(NativeD1):
    """`away` takes nothing; `unconfirmed` takes all and does not say so; `cut short` fails within a batch, which undoes it."""

    def __init__(self) -> None:
        super().__init__()
        self.mode = "well"
        self.gate: asyncio.Event | None = None
        self.reached = asyncio.Event()

    async def batch(self, statements: Sequence[Statement]) -> list[int]:
        if self.gate is not None:
            self.reached.set()
            await self.gate.wait()
        if self.mode == "away":
            raise StorageUnavailable("D1 did not answer")
        if self.mode == "cut short":
            self._db.execute("BEGIN")
            for each in statements[:-1]:
                self._db.execute(each.sql, each.params)
            self._db.execute("ROLLBACK")
            raise StorageUnavailable("D1 did not answer")
        changed = await super().batch(statements)
        if self.mode == "unconfirmed":
            raise StorageUnavailable("D1 did not answer")
        return changed


class World:
    def __init__(self, folder: str) -> None:
        self.bench = Bench(Path(folder, "desk.sqlite"))
        self.d1 = TroubledD1()
        self.bench.d1 = self.d1
        self.bench.reborn()
        self.day = 0
        self.told: dict[str, str] = {}
        self.bar()

    def bar(self) -> None:
        self.bench.bars(*[candle(symbol, self.day, "100") for symbol in ("AAA", "BBB")])
        self.day += 1

    def place(self) -> None:
        # the cron came, so that no dead man's switch has stopped entries meanwhile
        self.bench.call("tick")
        self.bar()
        key = f"key-{len(self.told)}"
        self.told[key] = self.bench.place("AAA", "buy", "1", key)["client_id"]

    def later(self) -> None:
        self.bench.clock.advance(60_000)
        self.bench.fire()

    def check(self) -> None:
        """What D1 has is the log up to where it says it has it: nothing missing, nothing twice, nothing of another order."""
        log = self.bench.sql.rows("SELECT seq, hash FROM events ORDER BY seq")
        rows = [(row["seq"], row["hash"]) for row in run(self.d1.rows("SELECT seq, hash FROM journal ORDER BY seq"))]
        assert rows == log[: len(rows)]
        as_of = run(self.d1.rows("SELECT as_of_seq FROM desks"))
        assert [row["as_of_seq"] for row in as_of] == ([len(rows)] if rows else [])
        assert self.bench.call("view")["outbox_seq"] <= len(rows)
        fills = run(self.d1.rows("SELECT count(*) AS all_of_them, count(DISTINCT fill_id) AS kinds FROM fills"))[0]
        assert fills["all_of_them"] == fills["kinds"]

    def drained(self) -> None:
        self.d1.mode = "well"
        for _ in range(3):
            # what another timer writes after the outbox ran goes out with the next alarm
            self.later()
            self.check()
            view = self.bench.call("view")
            if view["outbox_seq"] == view["seq"]:
                break
        assert view["outbox_seq"] == view["seq"]
        known = {row["client_id"] for row in run(self.d1.rows("SELECT client_id FROM orders"))}
        assert set(self.told.values()) <= known
        for key, client_id in self.told.items():
            assert self.bench.place("AAA", "buy", "1", key)["client_id"] == client_id


Steps = st.lists(st.sampled_from((*MODES, "place", "bar", "later", "tick", "crash")), max_size=25)


@settings(max_examples=60, deadline=None)
@given(Steps)
def test_however_d1_fails_history_is_a_prefix_of_the_log_and_whole_in_the_end(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        for step in steps:
            if step in MODES:
                world.d1.mode = step
            elif step == "crash":
                world.bench.reborn()
            elif step == "tick":
                world.bench.call("tick")
            else:
                getattr(world, step)()
            world.check()
        world.drained()
        world.bench.sql.close()


def test_while_d1_hangs_orders_and_halts_are_answered_and_written_afterwards() -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        bench, desk = world.bench, world.bench.desk

        async def hang() -> dict[str, Any]:
            world.d1.gate = asyncio.Event()
            flushing = asyncio.ensure_future(desk.engine.flush())
            await world.d1.reached.wait()
            ticket = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "1"}
            placed = await desk.place({"order": ticket, "by": "edk_test", "idempotency_key": "slow"})
            halted = await desk.halt({"by": "edk_test", "reason": "the history is slow"})
            assert not flushing.done(), "neither waited for D1"
            # whoever else would flush does not queue up behind it
            assert not await desk.engine.flush()
            world.d1.gate.set()
            assert await flushing
            world.d1.gate = None
            return {**placed["order"], **halted}

        told = run(hang())
        assert told["status"] == "halted"
        world.told["slow"] = told["client_id"]
        world.check()
        world.drained()
        assert run(world.d1.rows("SELECT status FROM orders"))[0]["status"] == bench.order(told["client_id"])["status"]
        bench.sql.close()
