"""What the protections call for, at every command and whenever prices moved: the desk's status follows from them."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from functools import cache

from shared.desk import account, flatten, guards
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.equity_breaker import UNKNOWN_EQUITY
from shared.desk.event import Event
from shared.desk.guards import Guards
from shared.desk.protection import BPS, MS, Breaker, Finding
from shared.desk.registry import PROTECTIONS
from shared.desk.state import DeskState, DeskStatus, Equity, Timebase
from shared.desk.totals import totals
from shared.model import exact

DAY_MS = 86_400_000
PEAK_STEP_BPS = Decimal(10)
"""At quotes, equity has to be this far above its marked peak to be marked again: a mark is an event."""


def review(state: DeskState, context: Context) -> list[Event]:
    """Marks equity, trips and lifts; nothing where nothing has changed. Asked again on what it led to, it adds nothing."""
    if state.status is DeskStatus.HALTED:
        return flatten.due(state, context)
    acting = guards.of(state)
    found: list[Event] = []
    if acting.marks_equity and (marked := _marked(state, context)) is not None:
        found.append(marked)
        state = state.but(equity=Equity(peak=marked.peak, day_ms=marked.day_ms, day_start=marked.day_start))
    if not (acting.breakers or acting.unreadable or state.reductions):
        return found
    return found + _judged(state, context, acting)


def begin_day(state: DeskState, context: Context) -> list[Event]:
    """The equity that a new market day begins with, before anything of that day is booked; nothing on any other occasion."""
    if state.equity is None or state.status is DeskStatus.HALTED or not guards.of(state).marks_equity:
        return []
    marked = _marked(state, context) if day_of(totals(state, context).market_ms) > state.equity.day_ms else None
    return [] if marked is None else [marked]


def day_of(market_ms: int) -> int:
    """The beginning of the market day; its last instant is the midnight at which its last bar closes."""
    return (market_ms - 1) // DAY_MS * DAY_MS


def _marked(state: DeskState, context: Context) -> ev.EquityMarked | None:
    """At bars every new peak, at quotes only one that is well above the last; and each new market day.

    A day begins with what the account was worth at the closes before its first prices; the first mark after a resume with now.
    """
    sums = totals(state, context)
    if sums.equity is None or not sums.market_ms:
        return None
    day_ms, known = day_of(sums.market_ms), state.equity
    if known is None:
        return ev.EquityMarked(peak=sums.equity, day_ms=day_ms, day_start=sums.equity)
    peak = max(known.peak, sums.equity)
    if day_ms > known.day_ms:
        return ev.EquityMarked(peak=peak, day_ms=day_ms, day_start=sums.equity_before or sums.equity)
    if peak == known.peak:
        return None
    risen = exact.multiply(exact.subtract(peak, known.peak), BPS)
    if sums.is_quoted and risen <= exact.multiply(abs(known.peak), PEAK_STEP_BPS):
        return None
    return ev.EquityMarked(peak=peak, day_ms=known.day_ms, day_start=known.day_start)


def _judged(state: DeskState, context: Context, acting: Guards) -> list[Event]:
    findings = _findings(state, context, acting)
    if not findings and not state.reductions:
        return []
    found = {finding.code: (each, finding) for each, finding in findings}
    for each, finding in found.values():
        if each is not None and each.calls_for == "halted" and finding.code != UNKNOWN_EQUITY:
            hold_until_ms = context.now_ms + each.for_s * MS if each.for_s else 0
            flat = each.on_halt == "flatten"
            return account.halting(state, "desk", finding.reason, finding.code, hold_until_ms, flat)
    news: list[Event] = [
        _reduced(state, context, each, finding)
        for each, finding in found.values()
        if finding.code not in state.reductions
    ]
    return news + _lifted(state, context, found.keys())


def _findings(state: DeskState, context: Context, acting: Guards) -> list[tuple[Breaker | None, Finding]]:
    found: list[tuple[Breaker | None, Finding]] = []
    for each in acting.breakers:
        finding = each.finds(state, context)
        if finding is not None:
            found.append((each, finding))
    if acting.unreadable:
        reason = f"this release cannot read {', '.join(acting.unreadable)}: set them anew"
        found.append((None, Finding(code="protections_unreadable", reason=reason)))
    return found


def _reduced(state: DeskState, context: Context, breaker: Breaker | None, finding: Finding) -> ev.Reduced:
    code, reason, _ = finding
    if breaker is None or code == UNKNOWN_EQUITY:
        return ev.Reduced(code=code, by="desk", reason=reason)
    until_ms = breaker.until_ms(finding, state, context)
    return ev.Reduced(code=code, by="desk", reason=reason, until_ms=until_ms, clock=breaker.clock)


def _lifted(state: DeskState, context: Context, found: Collection[str]) -> list[Event]:
    """Of what the breakers called for, what nothing calls for any more and whose time is over; of others, whose time is over."""
    lifted: list[Event] = []
    for code, reduction in state.reductions.items():
        if code in found or (reduction.until_ms is None and code not in _ours()):
            continue
        now_ms = context.now_ms if reduction.clock is Timebase.WALL else totals(state, context).market_ms
        if reduction.until_ms is None:
            lifted.append(ev.ReductionLifted(code=code, reason="its cause is gone"))
        elif now_ms >= reduction.until_ms:
            lifted.append(ev.ReductionLifted(code=code, reason="its time is over"))
    return lifted


@cache
def _ours() -> frozenset[str]:
    """The codes that come and go with what the breakers find."""
    breakers = [kind for kind in PROTECTIONS.values() if issubclass(kind, Breaker)]
    return frozenset({"protections_unreadable", *(code for kind in breakers for code in kind.findings)})
