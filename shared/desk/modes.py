"""Paper, demo or live: what a desk's mode asks of how it is opened."""

from __future__ import annotations

from shared.config import check_mode
from shared.desk import commands
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.state import DeskState
from shared.errors import Invalid

GATE = "live_gate"
"""The code under which a desk that trades at a venue stands still until its gate is open."""


def check(command: commands.Open) -> None:
    """`Invalid` where mode, venue and rehearsal do not belong together."""
    try:
        check_mode(command.mode, command.trading)
    except ValueError as error:
        raise Invalid.field("mode", command.mode, f"cannot be: {error}") from None
    if command.rehearsed_as == command.desk:
        raise Invalid.field("rehearsed_as", command.rehearsed_as, "must be another desk", "name the rehearsing one")


def begin(command: commands.Open) -> list[ev.Event]:
    """A live desk begins without entries, whatever its gate will say."""
    if command.mode != "live":
        return []
    return [ev.Reduced(code=GATE, by="desk", reason="a live desk begins behind its gate")]


def shut(state: DeskState, context: Context) -> str:
    """Why a desk that trades at a venue may take no entry right now; empty where it may."""
    if state.mode == "paper":
        return ""
    if expired(state, context):
        return "the desk is not armed, or no longer"
    if not context.live_open:
        return "the live gate is shut" if context.live_open is False else "the live gate was not asked yet"
    return ""


def expired(state: DeskState, context: Context) -> bool:
    """Whether it is a live desk that nobody has armed, or whose time is over: known without asking anybody."""
    return state.mode == "live" and context.now_ms >= state.armed_until_ms
