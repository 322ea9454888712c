"""What the object's one alarm runs: every timer that is due, each on its own, so that one that breaks stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from shared import log
from shared.clock import Clock
from shared.desk.timers import Timers
from shared.errors import DeskError

Run = Callable[[], Awaitable[Any]]
_log = log.get("desk.alarms")


class Alarms:
    """`runs` says what each timer means; a run that ends its timer clears it or puts it anew."""

    def __init__(self, timers: Timers, clock: Clock, wake: Callable[[], object]) -> None:
        self._timers = timers
        self._clock = clock
        self._wake = wake
        self.runs: dict[str, Run] = {}
        self.faults: Counter[str] = Counter()

    async def fire(self) -> None:
        """The alarm: stands again first, runs every timer that is due, and never raises."""
        try:
            self._wake()
        except DeskError as error:
            # a desk that cannot wake says so to whoever calls it; the alarm has nobody to tell
            self.faults["wake"] += 1
            _log.error("desk_cannot_wake", extra={"code": error.error_code, "detail": error.detail})
            return
        except Exception:  # noqa: BLE001 - the outermost edge of an alarm
            self.faults["wake"] += 1
            _log.exception("desk_cannot_wake")
            return
        if self._timers.next_ms is None:
            return
        now_ms = self._clock.now_ms()
        self._timers.guard(now_ms)
        for name in self._timers.due(now_ms):
            await self._fire_one(name)
        self._timers.arm(anew=True)

    async def _fire_one(self, name: str) -> None:
        run = self.runs.get(name)
        try:
            if run is None:
                self._timers.clear(name)
                return
            # put off before it runs: one that breaks must not fire again at once
            self._timers.retry(name, self._clock.now_ms())
            await run()
        except Exception:  # noqa: BLE001 - the outermost edge of an alarm
            # one broken timer must not stop the others
            self.faults[f"timer_{name}"] += 1
            _log.exception("timer_failed", extra={"timer": name, "faults": self.faults[f"timer_{name}"]})
