"""Named timers in a table, served by the object's one alarm, which always stands at the earliest of them."""

from __future__ import annotations

from typing import NamedTuple

from shared.ports import Alarm, Sql

GUARD_MS = 60_000
_FIRST_RETRY_MS = 1000
_LONGEST_RETRY_MS = 60_000


class Timer(NamedTuple):
    due_ms: int
    attempt: int


def backoff_ms(attempt: int) -> int:
    """How long to wait after the failure number `attempt` (0 is the first): 1 s doubling up to a minute."""
    return min(_LONGEST_RETRY_MS, _FIRST_RETRY_MS << min(attempt, 10))


class Timers:
    """`put` and `clear` write the table and may stand inside a transaction; `arm` moves the alarm and belongs after it."""

    def __init__(self, sql: Sql, alarm: Alarm) -> None:
        self._sql = sql
        self._alarm = alarm
        self._timers: dict[str, Timer] = {}
        self._armed_ms: int | None = None

    def load(self) -> None:
        """From the table; also what a caller does after a transaction that was rolled back."""
        found = self._sql.rows("SELECT name, due_ms, attempt FROM timers")
        self._timers = {name: Timer(due_ms, attempt) for name, due_ms, attempt in found}

    def has(self, name: str) -> bool:
        return name in self._timers

    def put(self, name: str, due_ms: int, attempt: int = 0) -> None:
        timer = Timer(due_ms, attempt)
        if self._timers.get(name) == timer:
            return
        self._sql.rows("INSERT OR REPLACE INTO timers (name, due_ms, attempt) VALUES (?, ?, ?)", name, due_ms, attempt)
        self._timers[name] = timer

    def clear(self, name: str) -> None:
        if name in self._timers:
            self._sql.rows("DELETE FROM timers WHERE name = ?", name)
            del self._timers[name]

    def retry(self, name: str, now_ms: int) -> None:
        """Puts a timer off by its backoff, one attempt further."""
        attempt = self._timers[name].attempt if name in self._timers else 0
        self.put(name, now_ms + backoff_ms(attempt), attempt + 1)

    def due(self, now_ms: int) -> list[str]:
        """Names, the longest overdue first."""
        ripe = [(timer.due_ms, name) for name, timer in self._timers.items() if timer.due_ms <= now_ms]
        return [name for _, name in sorted(ripe)]

    @property
    def next_ms(self) -> int | None:
        return min((timer.due_ms for timer in self._timers.values()), default=None)

    def arm(self, anew: bool = False) -> None:
        """Sets the alarm to the earliest timer where it does not stand there; `anew` even if it seems to."""
        earliest = self.next_ms
        if earliest is not None and (anew or earliest != self._armed_ms):
            self._alarm.arm(earliest)
            self._armed_ms = earliest

    def guard(self, now_ms: int) -> None:
        """A firing alarm is spent: another one stands before anything else runs, should this run not come to its end."""
        self._armed_ms = now_ms + GUARD_MS
        self._alarm.arm(self._armed_ms)
