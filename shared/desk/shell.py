"""The desk's methods, as docs/contracts.md names them: read strictly, decide, store, and only then act."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from shared import clock as clocks
from shared import log
from shared.clock import Clock
from shared.desk import bodies, commands, trading
from shared.desk import events as ev
from shared.desk import idempotency as idem
from shared.desk.engine import Engine
from shared.desk.line import PaperTrading
from shared.desk.session import Draft
from shared.desk.state import DeskState, DeskStatus
from shared.desk.views import Reader
from shared.desk.watch import Body, Watch, Wire
from shared.errors import Invalid, NotFound, Refused
from shared.model import Proposal, ids
from shared.ports import Alarm, Database, Sql

_log = log.get("desk.shell")


class Desk(Watch):
    """One account. `name` is the object's own name, if it knows it: a body that names another desk is refused."""

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
    ) -> None:
        super().__init__(Engine(sql, alarm, database, clock, venue))
        self.read = Reader(self.engine)
        self._name = name
        self._token = token

    async def open(self, body: Body) -> Wire:
        """`{seq, created}`; `Conflict` (`desk_differs`) for a changed venue, currency or cash."""
        asked = bodies.OpenBody.read(body)
        if self._name is not None and asked.desk != self._name:
            raise Invalid.field("desk", asked.desk, f"is not the name of this object, {self._name}")
        created = self.engine.wake() is None
        fields = {name: getattr(asked, name) for name in type(asked).model_fields}
        draft = self.engine.session.draft(self.engine.now_ms)
        draft.decide(commands.Open(**fields))
        self.engine.commit(draft)
        listed = _state_of(draft).instruments
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
        results: dict[int, Wire] = {}
        waiting = list(enumerate(asked.proposals))
        for _ in range(2):
            draft = self.engine.session.draft(self.engine.now_ms)
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

    async def place(self, body: Body) -> Wire:
        """`{order}` as it was intended; a gate's refusal is journalled and raised as `Refused` with the gate's code."""
        asked = bodies.PlaceBody.read(body)
        client_id = ids.manual_order_id(self.engine.ready().desk, asked.idempotency_key)
        ticket = {name: getattr(asked.order, name) for name in type(asked.order).model_fields}
        command = commands.Place(client_id=client_id, by=asked.by, **ticket)

        def told(draft: Draft, found: Sequence[ev.Event]) -> Wire:
            for event in found:
                if isinstance(event, ev.OrderRefused):
                    raise Refused(event.detail, code=event.code, client_id=client_id)
            return _order_of(draft, client_id)

        return await self._once("place", body, command, told, client_id)

    async def cancel(self, body: Body) -> Wire:
        """`{order}`, being cancelled; a closed one is answered as it is."""
        asked = bodies.CancelBody.read(body)
        command = commands.Cancel(asked.client_id, asked.by)
        return await self._once("cancel", body, command, lambda d, _: _order_of(d, asked.client_id), asked.client_id)

    async def halt(self, body: Body) -> Wire:
        """Effective on the very next decision: the event is stored before this answers."""
        asked = bodies.HaltBody.read(body)
        return await self._once("halt", body, commands.HaltDesk(asked.by, asked.reason), _status_since)

    async def resume_request(self, body: Body) -> Wire:
        """`{confirm, expires_ms}`; the token is told here and never stored with the desk's state."""
        asked = bodies.ResumeRequestBody.read(body)
        confirm = self._token()
        command = commands.RequestResume(asked.by, asked.reason, _hash(confirm))

        def told(draft: Draft, _: Sequence[ev.Event]) -> Wire:
            request = _state_of(draft).resume
            return {"confirm": confirm, "expires_ms": request.expires_ms if request else 0}

        return await self._once("resume_request", body, command, told)

    async def resume_confirm(self, body: Body) -> Wire:
        asked = bodies.ResumeConfirmBody.read(body)
        command = commands.ConfirmResume(asked.by, _hash(asked.confirm))
        return await self._once("resume_confirm", body, command, lambda d, _: {"status": _state_of(d).status.value})

    async def tick(self, body: Body) -> Wire:
        """The cron's minute: what was missed is done, and a missing alarm stands again."""
        bodies.NoBody.read(body)
        self.engine.ready()
        await self.engine.settle()
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

    async def _once(
        self,
        method: str,
        body: Body,
        command: commands.Command,
        told: Callable[[Draft, Sequence[ev.Event]], Wire],
        client_id: str | None = None,
    ) -> Wire:
        """Runs a command under the caller's idempotency key: its answer is stored in the transaction of what it caused."""
        engine = self.engine
        engine.ready()
        now_ms = engine.now_ms
        key = body.get("idempotency_key")
        print_ = idem.fingerprint(method, body)
        stored = engine.answers.find(key, print_, now_ms) if key else None
        if stored is None:
            draft = engine.session.draft(now_ms)
            found = draft.decide(command, client_id)
            try:
                stored = idem.value_text(told(draft, found))
            except Refused as refusal:
                stored = idem.error_text(refusal)
            keep_ms = idem.KEEP_MS if method != "resume_request" else 300_000
            engine.commit(draft, idem.Answer(key, print_, stored, now_ms + keep_ms) if key else None)
        await engine.settle()
        return idem.replayed(stored)


def _state_of(draft: Draft) -> DeskState:
    if draft.state is None:
        raise NotFound("the desk was never opened", code="desk_not_open")
    return draft.state


def _codes(state: DeskState) -> list[str]:
    """Why the desk is not active."""
    return [state.halt_code] if state.status is DeskStatus.HALTED else sorted(state.reductions)


def _status_since(draft: Draft, _: Sequence[ev.Event]) -> Wire:
    state = _state_of(draft)
    return {"status": state.status.value, "since_ms": state.since_ms}


def _order_of(draft: Draft, client_id: str) -> Wire:
    order = draft.order(client_id)
    return {"order": order.wire() if order else None}


def _decided(draft: Draft, proposal: Proposal) -> tuple[Wire, bool]:
    """What the caller is told of the proposal, and whether it has to be decided once more."""
    client_id = trading.client_id_for(_state_of(draft).desk, proposal)
    exists = draft.order(client_id) is not None
    found = draft.decide(commands.Propose(proposal), client_id)
    told: Wire = {"signal_id": proposal.signal_id, "client_id": client_id, "code": None, "detail": ""}
    if exists:
        return {**told, "outcome": "duplicate"}, False
    if any(isinstance(event, ev.OrderIntended) for event in found):
        return {**told, "outcome": "intended"}, False
    code, detail = _state_of(draft).refused.get(client_id, "exit_pending"), "as before"
    for event in found:
        if isinstance(event, ev.ProposalRefused):
            code, detail = event.code, event.detail
    refused = {**told, "outcome": "refused", "client_id": None, "code": code, "detail": detail}
    return refused, trading.is_undecided(found)


def _hash(confirm: str) -> str:
    return hashlib.sha256(confirm.encode()).hexdigest()
