"""The desk's methods, as docs/contracts.md names them: read strictly, decide, store, and only then act."""

from __future__ import annotations

from collections.abc import Callable

from shared import clock as clocks
from shared import log
from shared.clock import Clock
from shared.config import Mode, allows
from shared.desk import bodies, commands, exits, trading
from shared.desk import events as ev
from shared.desk.answering import state_of
from shared.desk.arming import Arming
from shared.desk.engine import Elsewhere, Engine
from shared.desk.line import PaperTrading
from shared.desk.session import Draft
from shared.desk.state import DeskState, DeskStatus
from shared.desk.views import Reader
from shared.desk.watch import Body, Wire
from shared.errors import Invalid
from shared.model import Proposal
from shared.ports import Alarm, Database, Sql

_log = log.get("desk.shell")


class Desk(Arming):
    """One account. `name` is the object's own name, if it knows it: a body that names another desk is refused.

    `elsewhere` makes the venue of a desk that does not trade on paper; `ceiling` is the worker's `TRADING_MODE`.
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
        ceiling: Mode = "paper",
    ) -> None:
        super().__init__(Engine(sql, alarm, database, clock, venue, elsewhere, ceiling), token)
        self.read = Reader(self.engine)
        self._name = name
        self._ceiling = ceiling

    async def open(self, body: Body) -> Wire:
        """`{seq, created}`; `Conflict` (`desk_differs`) for a changed venue, currency or cash."""
        asked = bodies.OpenBody.read(body)
        if self._name is not None and asked.desk != self._name:
            raise Invalid.field("desk", asked.desk, f"is not the name of this object, {self._name}")
        if not allows(self._ceiling, asked.mode):
            raise Invalid.field("mode", asked.mode, f"is above this worker's TRADING_MODE, {self._ceiling}")
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
        results: dict[int, Wire] = {}
        waiting = list(enumerate(asked.proposals))
        for _ in range(2):
            draft = self.engine.session.draft(self.engine.now_ms)
            draft.foresee(trading.client_id_for(state_of(draft).desk, proposal) for _, proposal in waiting)
            undecided = []
            for number, proposal in waiting:
                results[number], again = _decided(draft, proposal)
                if again:
                    undecided.append((number, proposal))
            self.engine.commit(draft)
            await self.engine.settle()
            waiting = undecided
            if not waiting:
                break
        return {"results": [results[number] for number in range(len(asked.proposals))]}

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


def _decided(draft: Draft, proposal: Proposal) -> tuple[Wire, bool]:
    """What the caller is told of the proposal, and whether it has to be decided once more."""
    client_id = trading.client_id_for(state_of(draft).desk, proposal)
    exists = draft.order(client_id) is not None
    found = draft.decide(commands.Propose(proposal), client_id)
    told: Wire = {"signal_id": proposal.signal_id, "client_id": client_id, "code": None, "detail": ""}
    if exists:
        return {**told, "outcome": "duplicate"}, False
    if any(isinstance(event, ev.OrderIntended) for event in found):
        return {**told, "outcome": "intended"}, False
    code, detail = state_of(draft).refused.get(client_id, "exit_pending"), "as before"
    for event in found:
        if isinstance(event, ev.ProposalRefused):
            code, detail = event.code, event.detail
    refused = {**told, "outcome": "refused", "client_id": None, "code": code, "detail": detail}
    return refused, exits.is_undecided(found)
