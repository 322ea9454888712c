"""Looks up what the live gate needs to know, and has the core decide on it: at each tick, at each wake, when the arming ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared import log
from shared.config import Mode, allows
from shared.desk import commands
from shared.desk.commands import LiveFacts
from shared.desk.modes import GATE
from shared.desk.state import DeskState
from shared.errors import Refused, Retryable
from shared.ports import Database
from shared.venues.venue import Credentials

if TYPE_CHECKING:
    from shared.desk.engine import Engine

TIMER = "gate"
RECORD_KEPT_MS = 600_000
"""The record of another desk changes by the day; D1 bills every row that is read."""
_DAYS = (
    "SELECT count(DISTINCT at_ms / 86400000) AS days FROM journal"
    " WHERE desk = (SELECT desk FROM desks WHERE desk = ? AND mode IN ('paper', 'demo'))"
)
_OPEN = (
    "SELECT count(DISTINCT json_extract(found.body, '$.id')) AS open FROM journal AS found"
    " WHERE found.desk = ? AND found.kind = 'difference_found' AND NOT EXISTS ("
    "SELECT 1 FROM journal AS later WHERE later.desk = found.desk AND later.kind = 'difference_resolved'"
    " AND later.seq > found.seq AND json_extract(later.body, '$.id') = json_extract(found.body, '$.id'))"
)
_log = log.get("desk.gatekeeper")


class Record(NamedTuple):
    """The rehearsal's: wall days on record and differences never resolved; None where D1 could not be asked."""

    days: int | None
    open: int | None
    read_ms: int = 0
    desk: str = ""


class Gatekeeper:
    """`ceiling` is the worker's `TRADING_MODE`."""

    def __init__(self, engine: Engine, database: Database, ceiling: Mode) -> None:
        self._engine = engine
        self._database = database
        self._ceiling = ceiling
        self._record = Record(None, None)
        self._asked = False

    def begin(self) -> None:
        """The object is awake: a desk that trades at a venue has its gate to pass anew."""
        state = self._engine.session.state
        self._engine.session.live_open = True if state is None or state.mode == "paper" else None

    async def first(self) -> None:
        """Before entries: the check of this waking, if it is still to come."""
        if self._engine.session.live_open is None and not self._asked:
            await self.check()

    async def check(self, anew: bool = False) -> None:
        """Shuts or opens the gate by what holds now; `anew` reads the record again however new it is."""
        engine = self._engine
        state = engine.ready()
        if state.mode == "paper":
            return
        self._asked = True
        # a demo desk needs the worker's leave and nothing else
        facts = await self.facts(anew) if state.mode == "live" else self._allowed(state)
        # what it said before does not speak against what it says now
        engine.session.live_open = None
        engine.decide(commands.CheckGate(facts))
        engine.session.live_open = GATE not in engine.ready().reductions
        if engine.now_ms < engine.ready().armed_until_ms:
            engine.timers.put(TIMER, engine.ready().armed_until_ms)
        else:
            engine.timers.clear(TIMER)
        engine.timers.arm()

    async def facts(self, anew: bool = False) -> LiveFacts:
        """What could not be found out is None."""
        state = self._engine.ready()
        record = await self._recorded(state, anew)
        credentials = await self._credentials()
        return self._allowed(state)._replace(credentials=credentials, record_days=record.days, record_open=record.open)

    def _allowed(self, state: DeskState) -> LiveFacts:
        return LiveFacts(setting_live=allows(self._ceiling, "live"), setting_own=allows(self._ceiling, state.mode))

    async def _credentials(self) -> Credentials | None:
        try:
            return await self._engine.venue.credentials()
        except Retryable as error:
            _log.warning("credentials_unknown", extra={"code": error.error_code})
            return None
        except Refused as error:
            return Credentials(valid=False, detail=error.detail)

    async def _recorded(self, state: DeskState, anew: bool) -> Record:
        name, now_ms = state.rehearsed_as, self._engine.now_ms
        if name is None:
            return Record(0, 0)
        if not anew and self._record.desk == name and now_ms - self._record.read_ms < RECORD_KEPT_MS:
            return self._record
        try:
            days = await self._database.rows(_DAYS, name)
            still = await self._database.rows(_OPEN, name)
        except Retryable as error:
            _log.warning("record_unknown", extra={"code": error.error_code})
            return Record(None, None)
        self._record = Record(int(days[0]["days"]), int(still[0]["open"]), now_ms, name)
        return self._record
