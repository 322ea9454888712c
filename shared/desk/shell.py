"""The desk's methods, as docs/contracts.md names them: read strictly, decide, store, and only then act."""

from __future__ import annotations

from collections.abc import Callable

from shared import clock as clocks
from shared import log
from shared.clock import Clock
from shared.config import Mode, allows
from shared.desk import bodies, commands, proposing
from shared.desk.answering import state_of
from shared.desk.arming import Arming
from shared.desk.engine import Elsewhere, Engine
from shared.desk.line import PaperTrading
from shared.desk.state import DeskState, DeskStatus
from shared.desk.views import Reader
from shared.desk.watch import Body, Wire
from shared.errors import Invalid, VenueUnavailable
from shared.ports import Alarm, Database, JobQueue, Sql

_log = log.get("desk.shell")


class Desk(Arming):
    """One account. `name` is the object's own name, if it knows it: a body that names another desk is refused.

    `elsewhere` makes the venue of a desk that does not trade on paper, `lacks` names the settings that this worker has not
    got for it; `ceiling` is the worker's `TRADING_MODE`; `jobs` is the queue on which an alert rings for its delivery.
    """

    def __init__(
        self,
        sql: Sql,
        alarm: Alarm,
        database: Database,
        clock: Clock,
        venue: PaperTrading,
        *,
        name: str | None = None,
        token: Callable[[], str] = clocks.random_token,
        elsewhere: Elsewhere = lambda _: None,
        lacks: tuple[str, ...] = (),
        ceiling: Mode = "paper",
        jobs: JobQueue | None = None,
    ) -> None:
        super().__init__(Engine(sql, alarm, database, clock, venue, elsewhere, ceiling, jobs), token)
        self.read = Reader(self.engine)
        self._name = name
        self._lacks = lacks
        self._ceiling = ceiling

    async def open(self, body: Body) -> Wire:
        """`{seq, created}`; `Conflict` (`desk_differs`) for a changed venue, currency or cash, `VenueUnavailable`
        (`venue_not_set_up`) where this worker has no account for it."""
        asked = bodies.OpenBody.read(body)
        if self._name is not None and asked.desk != self._name:
            raise Invalid.field("desk", asked.desk, f"is not the name of this object, {self._name}")
        if not allows(self._ceiling, asked.mode):
            raise Invalid.field("mode", asked.mode, f"is above this worker's TRADING_MODE, {self._ceiling}")
        if self._lacks and asked.trading.kind != "paper":
            names = ", ".join(self._lacks)
            detail = f"trading.kind: {asked.trading.kind!r} needs {names} of desk-worker; set them and deploy it"
            raise VenueUnavailable(detail, code="venue_not_set_up")
        created = self.engine.wake() is None
        fields = {name: getattr(asked, name) for name in type(asked).model_fields}
        draft = self.engine.session.draft(self.engine.now_ms)
        draft.decide(commands.Open(**fields))
        self.engine.commit(draft)
        listed = state_of(draft).instruments
        kept = [each.id for each in asked.instruments if listed[each.id] != each]
        if kept:
            _log.warning("instruments_kept", extra={"instruments": kept[:20], "count": len(kept)})
        return {"seq": draft.head.seq, "created": created}

    async def propose(self, body: Body) -> Wire:
        """Decides all proposals in the order given and stores them at once; then the orders go out.

        An exit that first had to take resting orders away is decided once more when the venue has answered.
        """
        asked = bodies.ProposeBody.read(body)
        self.engine.ready()
        await self.engine.before_entries()
        return {"results": await proposing.propose(self.engine, asked.proposals)}

    async def tick(self, body: Body) -> Wire:
        """The cron's minute: what was missed is done, and a missing alarm stands again."""
        asked = bodies.TickBody.read(body)
        self.engine.ready()
        self.engine.deadman.beat("cron", quiet=asked.quiet)
        await self.engine.settle()
        await self.engine.gatekeeper.check()
        await self.engine.deadman.keep_alive()
        await self.engine.flush()
        self.engine.timers.arm(anew=True)
        state = self.engine.ready()
        return {
            "seq": state.seq,
            "outbox_lag": self.engine.outbox.lag,
            "next_alarm_ms": self.engine.timers.next_ms,
            "status": state.status.value,
            "codes": _codes(state),
        }


def _codes(state: DeskState) -> list[str]:
    """Why the desk is not active."""
    return [state.halt_code] if state.status is DeskStatus.HALTED else sorted(state.reductions)
