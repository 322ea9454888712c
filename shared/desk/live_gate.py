"""What has to hold before a desk may risk money: a checklist, a person who arms it in two steps, and nothing after that. Pure."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from shared.desk import commands
from shared.desk import events as ev
from shared.desk.account import CONFIRM_WITHIN_MS
from shared.desk.commands import LiveFacts
from shared.desk.context import Context
from shared.desk.modes import GATE, expired, shut
from shared.desk.registry import PROTECTIONS
from shared.desk.state import DeskState
from shared.errors import Conflict, Forbidden, Invalid

MOST_MS = 7 * 86_400_000
"""No desk stays armed for longer without a person saying so again."""


class Item(NamedTuple):
    """One line of the checklist; `remedy` says what to do where it is not `ok`."""

    code: str
    ok: bool
    detail: str
    remedy: str = ""


def checklist(state: DeskState, facts: LiveFacts, now_ms: int) -> tuple[Item, ...]:
    """Every item that has to be ok before a live desk takes entries. What could not be found out is not ok."""
    return (
        _setting(facts),
        _protections(state),
        *_credentials(facts),
        _record(state, facts),
        _differences(state, facts),
        _armed(state, now_ms),
    )


def _setting(facts: LiveFacts) -> Item:
    told = (
        "the desk-worker's TRADING_MODE is live" if facts.setting_live else "the desk-worker's TRADING_MODE is not live"
    )
    return Item("setting", facts.setting_live, told, "set TRADING_MODE to live in desk-worker/wrangler.toml and deploy")


def _protections(state: DeskState) -> Item:
    missing = sorted(set(PROTECTIONS) - state.protections.keys())
    told = f"not configured: {', '.join(missing)}" if missing else f"all {len(PROTECTIONS)} are configured"
    return Item("protections", not missing, told, "name every one of docs/protections.md in the desk's protections")


def _credentials(facts: LiveFacts) -> tuple[Item, Item]:
    told = facts.credentials
    mend = "put a valid key that may trade into the desk-worker's secrets"
    narrow = "make a key that may trade but not withdraw"
    if told is None:
        unknown = "the venue could not be asked"
        return Item("credentials", False, unknown, mend), Item("withdrawal", False, unknown, narrow)
    good = told.valid and told.may_trade is not False
    words = told.detail or ("valid" if good else "not valid" if not told.valid else "may not trade")
    rights = {
        False: "the key may not withdraw",
        True: "the key may withdraw",
        None: "the venue does not tell: see to it there",
    }
    return (
        Item("credentials", good, words, mend),
        Item("withdrawal", told.may_withdraw is not True, rights[told.may_withdraw], narrow),
    )


def _record(state: DeskState, facts: LiveFacts) -> Item:
    remedy = "name a paper or demo desk that has run for long enough as rehearsed_as, or let it run on"
    if state.rehearsed_as is None:
        return Item("record", False, "no rehearsed_as names the desk that went before", remedy)
    if facts.record_days is None:
        return Item("record", False, f"the journal of {state.rehearsed_as} could not be read", remedy)
    told = f"{state.rehearsed_as} has {facts.record_days} of {state.rehearsal_days} days on record"
    return Item("record", facts.record_days >= state.rehearsal_days, told, remedy)


def _differences(state: DeskState, facts: LiveFacts) -> Item:
    remedy = "see the reconciliation of both desks; resolve or accept what stands there"
    here, there = len(state.differences), facts.record_open
    if there is None:
        return Item("differences", False, f"{here} here; those of the rehearsal could not be read", remedy)
    return Item(
        "differences", not here and not there, f"{here} here and {there} of the rehearsal are unresolved", remedy
    )


def _armed(state: DeskState, now_ms: int) -> Item:
    left_ms = state.armed_until_ms - now_ms
    told = f"armed for {left_ms // 60_000} more minutes" if left_ms > 0 else "not armed, or no longer"
    return Item("armed", left_ms > 0, told, "arm it: a request and its confirmation within five minutes")


# --- what follows from it ---


def check(state: DeskState, command: commands.CheckGate, context: Context) -> list[ev.Event]:
    """Entries stop where an item fails and go on where all are ok. A demo desk needs the setting only; paper needs nothing."""
    if state.mode == "paper":
        return []
    failing = _failing(state, command.facts, context.now_ms)
    stands = GATE in state.reductions
    if failing and not stands:
        return [ev.Reduced(code=GATE, by="desk", reason="; ".join(failing))]
    if not failing and stands:
        return [ev.ReductionLifted(code=GATE, reason="every item of the checklist holds")]
    return []


def _failing(state: DeskState, facts: LiveFacts, now_ms: int) -> list[str]:
    if state.mode != "live":
        return [] if facts.setting_own else [f"the desk-worker's TRADING_MODE does not allow {state.mode}"]
    return [f"{item.code}: {item.detail}" for item in checklist(state, facts, now_ms) if not item.ok]


def due(state: DeskState, context: Context) -> list[ev.Event]:
    """The gate shuts by itself, whoever resumed meanwhile; only `check` opens it. One that was not asked yet is asked first."""
    why = "" if GATE in state.reductions else shut(state, context)
    if not why or (context.live_open is None and not expired(state, context)):
        return []
    return [ev.Reduced(code=GATE, by="desk", reason=why)]


# --- arming ---


def request_arm(state: DeskState, command: commands.RequestArm, context: Context) -> list[ev.Event]:
    """The first step; a newer request replaces an older one."""
    if state.mode != "live":
        raise Conflict(f"a {state.mode} desk has nothing to arm", code="not_live")
    if not context.now_ms < command.until_ms <= context.now_ms + MOST_MS:
        raise Invalid.field("until_ms", command.until_ms, "must be within the next seven days")
    return [
        ev.ArmRequested(
            by=command.by,
            reason=command.reason,
            confirm_hash=command.confirm_hash,
            expires_ms=context.now_ms + CONFIRM_WITHIN_MS,
            until_ms=command.until_ms,
        )
    ]


def confirm_arm(state: DeskState, command: commands.ConfirmArm, context: Context) -> list[ev.Event]:
    """The second step, within five minutes of the first and with its token."""
    if state.arm is None:
        raise Conflict("nobody asked to arm the desk", code="no_arm_request")
    if context.now_ms >= state.arm.expires_ms:
        raise Conflict("the request has expired: ask again", code="arm_expired")
    if not hmac.compare_digest(state.arm.confirm_hash, command.confirm_hash):
        raise Forbidden("the confirmation is not the one that the request answered", code="confirm_wrong")
    return [ev.Armed(by=command.by, reason=state.arm.reason, until_ms=state.arm.until_ms)]


def disarm(state: DeskState, command: commands.Disarm, _context: Context) -> list[ev.Event]:
    """Effective on the very next command; nothing new where it is neither armed nor being armed."""
    if not state.armed_until_ms and state.arm is None:
        return []
    return [ev.Disarmed(by=command.by, reason=command.reason)]
