"""What was decided on a signal, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from brain.decisions.proposals import proposal_of
from brain.series import Refusal
from shared.model import Proposal, Signal
from shared.model.proposal import Size


class Decision(NamedTuple):
    """`code` says why there is no proposal; "" where there is one. `signal` is the one it was decided on; `own` tells that the
    committee made it, so that no strategy has said it. `detail` is a sentence for `code`."""

    proposal: Proposal | None
    signal_ids: tuple[str, ...]
    code: str
    why: Mapping[str, JsonValue]
    signal: Signal
    detail: str = ""
    own: bool = False


def proposed(
    signal: Signal, why: Mapping[str, JsonValue] | None = None, size: Size | None = None, said: tuple[str, ...] = ()
) -> Decision:
    """With the proposal, or why no order could have its levels; `said` are the signals of others that it rests on."""
    found = proposal_of(signal, why, size)
    if isinstance(found, Refusal):
        return Decision(None, said or (signal.id,), found.code, why or {}, signal, found.detail, bool(said))
    return Decision(found, said or (signal.id,), "", found.why, signal, own=bool(said))
