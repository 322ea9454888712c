"""The switch that is let go: the object's own alarm sees that neither the cron nor the market is heard from any more.

It needs no other worker. Beats are kept in memory, and in one row that is written every ten seconds at most, so that an object
that was evicted in between remembers them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared import log
from shared.desk import commands, guards, silence
from shared.desk.protections.dead_man import DeadMan
from shared.desk.state import DeskState
from shared.errors import Refused, Retryable
from shared.jsontext import read_json

if TYPE_CHECKING:
    from shared.desk.engine import Engine

TIMER = "deadman"
CRON, DATA = "cron", "data"
STORE_EVERY_MS = 10_000
_LOOKED = "looked"
_QUIET = "quiet"
_META = "beats"
_log = log.get("desk.deadman")


class DeadManSwitch:
    """`_beats` are wall times: of the last beat of each kind, and of the last look at them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._beats: dict[str, int] = {}
        self._stored_ms = 0
        self._quiet = False
        self._venue_armed = False

    def begin(self) -> None:
        """The object is awake, or the desk was just opened: what was never heard of counts from now on."""
        engine, now_ms = self._engine, self._engine.now_ms
        stored = engine.session.store.meta(_META)
        known = read_json(stored) if stored else {}
        self._beats = {what: min(now_ms, int(known.get(what, now_ms))) for what in (CRON, DATA, _LOOKED)}
        self._quiet = bool(known.get(_QUIET))
        if not engine.timers.has(TIMER):
            engine.timers.put(TIMER, now_ms + self._settings.look_every_ms)

    @property
    def _settings(self) -> DeadMan:
        state = self._engine.session.state
        return DeadMan() if state is None else guards.of(state).dead_man

    def beat(self, what: str, quiet: bool | None = None) -> None:
        """Something was heard; with `quiet` the caller knows whether the market is closed, and no data is to be expected."""
        if quiet is not None:
            self._quiet = quiet
        self._beats[what] = self._engine.now_ms
        self._store_if_due()
        if silence.deadman_code(what) in self._engine.ready().reductions:
            self._engine.decide(commands.DeadMan(what, 0))

    async def look(self) -> None:
        """The alarm: judges both silences, reviews the protections, tells the venue's own switch, and comes again."""
        engine = self._engine
        switch = self._settings
        self._forgive(engine.ready(), switch)
        if self._quiet:
            self._beats[DATA] = engine.now_ms
        told = [commands.DeadMan(what, max(0, engine.now_ms - self._beats[what])) for what in (CRON, DATA)]
        engine.decide(*told, commands.Review())
        self._beats[_LOOKED] = engine.now_ms
        self._store()
        engine.timers.put(TIMER, engine.now_ms + switch.look_every_ms)
        await engine.settle()
        await self.keep_alive()

    def _forgive(self, state: DeskState, switch: DeadMan) -> None:
        """An alarm that comes late itself means that everything stood still: that reduces at most, until the next look."""
        if self._engine.now_ms - self._beats[_LOOKED] <= 2 * switch.look_every_ms:
            return
        for what in (CRON, DATA):
            reduce_ms = switch.reduce_ms(what, state.interval_ms)
            self._beats[what] = max(self._beats[what], self._engine.now_ms - reduce_ms - 1)

    async def keep_alive(self) -> None:
        """Where the venue has such a switch: told while orders are open, taken away afterwards. As well as it can."""
        engine = self._engine
        open_ = bool(engine.ready().orders)
        if not engine.venue.offers.dead_man or not (open_ or self._venue_armed):
            return
        try:
            await engine.venue.keep_alive(self._settings.venue_s if open_ else 0)
            self._venue_armed = open_
        except (Retryable, Refused) as error:
            _log.warning("keep_alive_failed", extra={"code": error.error_code})

    def _store_if_due(self) -> None:
        if self._engine.now_ms - self._stored_ms >= STORE_EVERY_MS:
            self._store()

    def _store(self) -> None:
        self._engine.session.store.put_meta(_META, json.dumps({**self._beats, _QUIET: self._quiet}))
        self._stored_ms = self._engine.now_ms
