"""One way to do what a caller asks for once, however often it is asked: decide, store the answer with what it caused, then act."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence

from shared.desk import commands
from shared.desk import events as ev
from shared.desk import idempotency as idem
from shared.desk.engine import Engine
from shared.desk.session import Draft
from shared.desk.state import DeskState
from shared.desk.watch import Body, Watch, Wire
from shared.errors import NotFound, Refused

TOKEN_KEPT_MS = 300_000
"""An answer that holds a confirmation is kept for as long as the confirmation holds, and no longer."""
_WITH_TOKEN = frozenset({"resume_request", "arm_request"})

Told = Callable[[Draft, Sequence[ev.Event]], Wire]


class Answering(Watch):
    """`token` makes confirmations; only their hashes are stored with the desk."""

    def __init__(self, engine: Engine, token: Callable[[], str]) -> None:
        super().__init__(engine)
        self.token = token

    async def once(
        self,
        method: str,
        body: Body,
        command: commands.Command,
        told: Told,
        client_id: str | None = None,
        first: Callable[[], Awaitable[None]] | None = None,
    ) -> Wire:
        """Runs a command under the caller's idempotency key: its answer is stored in the transaction of what it caused.

        `first` is awaited before a command that was not answered yet.
        """
        engine = self.engine
        engine.ready()
        key = body.get("idempotency_key")
        print_ = idem.fingerprint(method, body)
        stored = engine.answers.find(key, print_, engine.now_ms) if key else None
        if stored is None and first is not None:
            await first()
            # the same request may have come twice, and the other one been answered meanwhile
            stored = engine.answers.find(key, print_, engine.now_ms) if key else None
        if stored is None:
            now_ms = engine.now_ms
            draft = engine.session.draft(now_ms)
            found = draft.decide(command, client_id)
            try:
                stored = idem.value_text(told(draft, found))
            except Refused as refusal:
                stored = idem.error_text(refusal)
            keep_ms = TOKEN_KEPT_MS if method in _WITH_TOKEN else idem.KEEP_MS
            engine.commit(draft, idem.Answer(key, print_, stored, now_ms + keep_ms) if key else None)
        await engine.settle()
        return idem.replayed(stored)


def state_of(draft: Draft) -> DeskState:
    if draft.state is None:
        raise NotFound("the desk was never opened", code="desk_not_open")
    return draft.state


def order_of(draft: Draft, client_id: str) -> Wire:
    order = draft.order(client_id)
    return {"order": order.wire() if order else None}


def hash_of(confirm: str) -> str:
    return hashlib.sha256(confirm.encode()).hexdigest()
