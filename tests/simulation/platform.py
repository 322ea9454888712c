"""The platform of one life: storage, alarm and D1 that stop obeying when the process is dead."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import StorageUnavailable
from shared.ports import Statement, Value
from tests.unit.desk.native_sql import ROOT, NativeSql

if TYPE_CHECKING:
    from tests.simulation.world import Life, World

T = TypeVar("T")
REHEARSAL = "rehearsal"
"""A desk of which D1 holds a day of record, for live ones to stand on."""


class Crash(BaseException):
    """The process is gone: nothing after this may write."""


class Doom:
    """One life's end. It counts boundaries down once it is armed; where it reaches zero the process dies and stays dead."""

    def __init__(self) -> None:
        self.left = 0
        self.dead = False
        self.where = ""

    def at(self, what: str) -> None:
        if self.dead:
            raise Crash
        if self.left:
            self.left -= 1
            if not self.left:
                self.dead = True
                self.where = what.split("(")[0][:40]
                raise Crash


class LifeSql(NativeSql):
    """The object's storage in one life; `written` is called after every commit, inside the same synchronous stretch."""

    def __init__(self, life: Life, same_as: NativeSql | None, written: Callable[[], None]) -> None:
        super().__init__(before=life.doom.at, same_as=same_as)
        self._written = written

    def transaction(self, work: Callable[[], T]) -> T:
        before = self.statements
        try:
            return super().transaction(work)
        finally:
            if self.statements > before:
                self._written()


class LifeAlarm:
    """The one alarm of the object. It outlives the process that set it."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def arm(self, at_ms: int) -> None:
        self._life.doom.at("alarm")
        self._life.world.arm(at_ms)


class SimD1:
    """D1 behind a line of its own: what was sent may be taken though nobody hears of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.deserialize(_empty())
        self._db.row_factory = sqlite3.Row
        self.down = False

    async def rows(self, sql: str, *params: Value) -> list[dict[str, Any]]:
        return (await self.read([Statement(sql, params)]))[0]

    async def read(self, statements: Sequence[Statement]) -> list[list[dict[str, Any]]]:
        await self._world.wait(self._world.latency())
        if self.down:
            raise StorageUnavailable("D1 did not answer")
        return [self.all(each.sql, *each.params) for each in statements]

    async def batch(self, statements: Sequence[Statement]) -> list[int]:
        assert len(statements) <= 50
        assert all(len(each.params) <= 100 for each in statements), "D1 binds at most 100 parameters"
        world, life = self._world, self._world.life
        wait = world.latency() + (world.faults.dice.randint(2_000, 20_000) if world.faults.strike("d1_slow") else 0)
        lost = self.down or world.faults.strike("d1_down")
        unheard = world.faults.strike("d1_after")
        changed: list[int] = []

        def arrive() -> None:
            if not lost and not (life.doom.dead and world.faults.dice.random() < 0.5):
                changed.extend(self._write(statements))

        world.loop.after(wait // 2, arrive)
        await world.wait(wait)
        life.doom.at("D1 answered")
        if lost or unheard:
            raise StorageUnavailable("D1 did not answer")
        return changed

    def _write(self, statements: Sequence[Statement]) -> list[int]:
        self._db.execute("BEGIN")
        changed = [self._db.execute(each.sql, each.params).rowcount for each in statements]
        self._db.execute("COMMIT")
        return changed

    def all(self, sql: str, *params: Value) -> list[dict[str, Any]]:
        """For the judge's own questions."""
        return [dict(row) for row in self._db.execute(sql, params)]

    def close(self) -> None:
        self._db.close()


@cache
def _empty() -> bytes:
    """A database with the project's migrations, made once."""
    database = sqlite3.connect(":memory:")
    for file in sorted((ROOT / "migrations").glob("*.sql")):
        database.executescript(file.read_text(encoding="utf-8"))
    database.execute(
        "INSERT INTO desks (desk, venue, currency, mode, opened_ms, as_of_seq) VALUES (?, 'us', 'USD', 'paper', 0, 1)",
        (REHEARSAL,),
    )
    database.execute(
        "INSERT INTO journal (desk, seq, v, at_ms, kind, body, hash) VALUES (?, 1, 1, 0, 'desk_opened', '{}', '')",
        (REHEARSAL,),
    )
    database.commit()
    return database.serialize()
