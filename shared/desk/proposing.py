"""Proposals in the order given: decided, stored at once, and then their orders go out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.desk import commands, exits, trading
from shared.desk import events as ev
from shared.desk.course import Course
from shared.desk.following import D, Works
from shared.desk.state import DeskState
from shared.model import Proposal

Wire = dict[str, Any]


async def propose(works: Works[D], proposals: Sequence[Proposal]) -> list[Wire]:
    """What became of each. An exit that first had to take resting orders away is decided once more when the venue has answered."""
    results: dict[int, Wire] = {}
    waiting = list(enumerate(proposals))
    for _ in range(2):
        draft = works.session.draft(works.now_ms)
        draft.foresee(trading.client_id_for(_state(draft).desk, proposal) for _, proposal in waiting)
        undecided = []
        for number, proposal in waiting:
            results[number], again = _decided(draft, proposal)
            if again:
                undecided.append((number, proposal))
        works.commit(draft)
        await works.settle()
        waiting = undecided
        if not waiting:
            break
    return [results[number] for number in range(len(proposals))]


def _decided(draft: Course, proposal: Proposal) -> tuple[Wire, bool]:
    """What the caller is told of the proposal, and whether it has to be decided once more."""
    client_id = trading.client_id_for(_state(draft).desk, proposal)
    exists = draft.order(client_id) is not None
    found = draft.decide(commands.Propose(proposal), client_id)
    told: Wire = {"signal_id": proposal.signal_id, "client_id": client_id, "code": None, "detail": ""}
    if exists:
        return {**told, "outcome": "duplicate"}, False
    if any(isinstance(event, ev.OrderIntended) for event in found):
        return {**told, "outcome": "intended"}, False
    code, detail = _state(draft).refused.get(client_id, "exit_pending"), "as before"
    for event in found:
        if isinstance(event, ev.ProposalRefused):
            code, detail = event.code, event.detail
    refused = {**told, "outcome": "refused", "client_id": None, "code": code, "detail": detail}
    return refused, exits.is_undecided(found)


def _state(draft: Course) -> DeskState:
    if draft.state is None:
        raise ValueError("open the desk before it is given proposals")
    return draft.state
