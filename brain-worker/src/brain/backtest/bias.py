"""Whether a strategy sees what it could not have seen, and how much history it needs before it says the same as ever.

Lookahead: the bars are cut at many places, the shortest piece first, and then dated centuries later. What was said on a bar must
not change when later bars are there, nor with the date: who looks at bars of another run, or at a file, finds others or none.
Where a piece is run for the first time in its process, nothing of its future can be known from before; so ask this first.
The later date has the same days of the week, months and leap years, and is as many whole spans away as there are bars in any
of the strategies' whole-number parameters, for some do something every so many bars since 1970.

A strategy that names its occasions is asked once more on those alone, and each is stored and restored between two bars, as a
live desk does it: it has to say the same.

Recursive warm-up: the bars are started at several places. Averages that remember all history, and states that depend on the
first bar, then differ for a while; after how many bars the ideas agree is what a live desk has to fetch as history.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from brain.backtest.plan import Plan
from brain.backtest.timeline import Timeline, Together
from brain.follower import MARKET, Follower
from brain.mind import Mind, refusals
from brain.state import Entries
from shared.errors import Invalid
from shared.model import Signal, symbol_of

Close = tuple[int, Together]
"""When it was, and the bars."""
CALENDAR_MS = 146_097 * 86_400_000
"""Four hundred years: as many whole weeks, after which the calendar repeats itself."""
MAX_LATER_MS = 7000 * 365 * 86_400_000
"""So that dates stay below the year 10,000, where `datetime` ends."""
CUTS = 12
STARTS = 4
RESTORES = 3000
TOLERANCE = 1e-3


class Said(NamedTuple):
    """An idea, or why the strategy failed (`action` is then the code). Distances are 0 where there are none."""

    action: str
    side: str = ""
    score: float = 0.0
    stop: float = 0.0
    target: float = 0.0


Key = tuple[str, str, int]
"""Strategy, symbol, close of the bar."""
Ideas = Mapping[Key, Said]


class Cheat(NamedTuple):
    """The first bar on which a strategy said something else; `then` and `now` are None where it said nothing."""

    strategy: str
    symbol: str
    bar_close_ms: int
    then: Said | None
    now: Said | None
    how: str


class Row(NamedTuple):
    """After `bars` bars: how many ideas there were, how many of them differed, and the largest relative difference."""

    bars: int
    ideas: int
    changed: int
    worst: float


class Warmup(NamedTuple):
    """`needed` is the fewest bars after which all ideas agree; None where they still differ at the end of the series."""

    strategy: str
    declared: int
    needed: int | None
    rows: Sequence[Row]


def ideas(plan: Plan, chosen: Sequence[Close], later_ms: int = 0) -> Ideas:
    """What the plan's strategies say on these closes, dated `later_ms` later, under the dates of the plan."""
    mind = Mind(plan.venue, plan.interval, plan.choices)
    found: dict[Key, Said] = {}
    _ask(mind, chosen, later_ms, found)
    return found


def closes(plan: Plan) -> list[Close]:
    """All of a plan."""
    return [(open_ms + plan.interval.ms, bars) for open_ms, bars in Timeline(plan.series).closes()]


def leapt(plan: Plan, every: Sequence[Close]) -> Ideas | None:
    """What they say on the bars that they name as their occasions, by themselves; None where they do not."""
    mind = Mind(plan.venue, plan.interval, plan.choices)
    asked = mind.leap(Timeline(plan.series).series)
    if asked is None:
        return None
    wanted = {open_ms + plan.interval.ms for open_ms in asked}
    found: dict[Key, Said] = {}
    _ask(mind, [each for each in every if each[0] in wanted], 0, found)
    return found


def restored(plan: Plan, every: Sequence[Close]) -> tuple[Ideas, int]:
    """What they say where each is stored and restored between two bars, as a live desk does it, and up to which close.

    `RESTORES` times at most, evenly; it ends where a strategy fails, which is told of elsewhere.
    """
    found: dict[Key, Said] = {}
    entries: Entries = {}
    step = -(-len(every) // RESTORES)
    for at in range(0, len(every), step):
        mind = Mind(plan.venue, plan.interval, plan.choices, entries)
        _ask(mind, every[at : at + step], 0, found)
        if mind.refusals():
            return found, every[at][0] - 1
        entries = {choice.key: {} for choice in plan.choices}
        for follower in mind.followers():
            entry = follower.entry()
            if entry is not None:
                entries[follower.choice.key][follower.symbol] = json.loads(json.dumps(entry))
    return found, every[-1][0]


def _ask(mind: Mind, chosen: Sequence[Close], later_ms: int, found: dict[Key, Said]) -> None:
    for close_ms, bars in chosen:
        moved = bars
        if later_ms:
            moved = [(symbol, bar._replace(open_time_ms=bar.open_time_ms + later_ms)) for symbol, bar in bars]
        for signal in mind.close(close_ms + later_ms, moved):
            found[signal.strategy, symbol_of(signal.instrument), close_ms] = _said(signal)
    for strategy, symbol, why in refusals(mind.followers()):
        # 0 names no bar
        found[strategy, symbol, max(0, why.bar_close_ms - later_ms)] = Said(why.code)


def _said(signal: Signal) -> Said:
    return Said(
        signal.action.value,
        signal.side.value,
        signal.score,
        signal.stop_distance or 0.0,
        signal.target_distance or 0.0,
    )


def lookahead(plan: Plan, cuts: int = CUTS) -> list[Cheat]:
    """Of each strategy and symbol the first bar on which it knew something of the future; none for one that is honest.

    `cuts` pieces, at least 1; Invalid for fewer bars than pieces.
    """
    every = closes(plan)
    if not 1 <= cuts <= len(every):
        raise Invalid.field("cuts", cuts, f"must be 1 to the number of closes, {len(every)}", "give more bars")
    found: list[Cheat] = []
    known: Ideas = {}
    ends = [len(every) * piece // cuts for piece in range(cuts + 1)]
    for before, end in pairwise(ends):
        now = ideas(plan, every[:end])
        last_ms = every[before - 1][0] if before else -1
        found += _changed(known, now, last_ms, "another idea once later bars were there")
        known = now
    found += _changed(known, ideas(plan, every, later(plan)), every[-1][0], "another idea when dated centuries later")
    kept, until_ms = restored(plan, every)
    found += _changed(
        known, kept, until_ms, "another idea once it was stored and restored: does `remembers` name all it keeps?"
    )
    if (alone := leapt(plan, every)) is not None:
        found += _changed(known, alone, every[-1][0], "another idea when asked on its occasions alone")
    return _first(found)


def later(plan: Plan) -> int:
    """Milliseconds to another date that no honest strategy can tell from the real one."""
    spans = [7 * 86_400_000, plan.interval.ms]
    for choice in plan.choices:
        numbers = [value for value in choice.params.model_dump().values() if type(value) is int and value > 0]
        spans += [plan.interval.ms * value for value in numbers]
    whole = math.lcm(*spans, CALENDAR_MS)
    if whole <= MAX_LATER_MS:
        return whole
    # months and leap years cannot be kept as well
    span = math.lcm(*spans)
    return span * -(-CALENDAR_MS // span)


def _changed(then: Ideas, now: Ideas, last_ms: int, how: str) -> Iterator[Cheat]:
    for key in then.keys() | now.keys():
        if key[2] <= last_ms and then.get(key) != now.get(key):
            yield Cheat(*key, then.get(key), now.get(key), how)


def _first(found: Sequence[Cheat]) -> list[Cheat]:
    """The earliest of each strategy and symbol, in the order of their bars."""
    kept: dict[tuple[str, str], Cheat] = {}
    for cheat in sorted(found, key=lambda each: (each.bar_close_ms, each.strategy, each.symbol)):
        kept.setdefault((cheat.strategy, cheat.symbol), cheat)
    return list(kept.values())


def warmup(plan: Plan, starts: int = STARTS, tolerance: float = TOLERANCE) -> list[Warmup]:
    """Of each strategy, by how much its ideas differ when the bars begin later.

    The bars begin anew at `starts` places in their first half. Two ideas agree when they are the same action on the same bar,
    with score and distances within `tolerance` of one another, relative to the larger. Of several parameters of one
    strategy, the most that one of them declares.
    """
    every = closes(plan)
    if not 1 <= starts <= len(every) // 2:
        raise Invalid.field("starts", starts, f"must be 1 to {len(every) // 2}, half the closes", "give more bars")
    whole = ideas(plan, every)
    seen: list[Difference] = []
    for number in range(1, starts + 1):
        begin = len(every) // 2 * number // starts
        seen += _differences(whole, ideas(plan, every[begin:]), every[begin:])
    declared: dict[str, int] = {}
    for choice in plan.choices:
        bars = Follower(choice, MARKET, plan.interval.ms).warmup_bars
        declared[choice.strategy.name] = max(bars, declared.get(choice.strategy.name, 0))
    fewest = len(every) - len(every) // 2
    return [
        _judged(name, bars, [each for each in seen if each.strategy == name], fewest, tolerance)
        for name, bars in declared.items()
    ]


class Difference(NamedTuple):
    """Of one idea: on which bar of its symbol since the start (1 is the first), and by how much; 1 where only one run had it."""

    strategy: str
    bars: int
    by: float


def _differences(whole: Ideas, late: Ideas, chosen: Sequence[Close]) -> Iterator[Difference]:
    count: dict[str, int] = {}
    number: dict[tuple[str, int], int] = {}
    for at, (close_ms, bars) in enumerate(chosen, 1):
        for symbol, _ in bars:
            count[symbol] = number[symbol, close_ms] = count.get(symbol, 0) + 1
        number["", close_ms] = at
    for key in whole.keys() | late.keys():
        place = number.get(key[1:])
        if place is not None:
            yield Difference(key[0], place, _by(whole.get(key), late.get(key)))


def _by(one: Said | None, other: Said | None) -> float:
    if one is None or other is None or one[:2] != other[:2]:
        return 1.0
    pairs = zip(one[2:], other[2:], strict=True)
    return max(abs(a - b) / max(abs(a), abs(b)) if a != b else 0.0 for a, b in pairs)


def _judged(name: str, declared: int, seen: Sequence[Difference], fewest: int, tolerance: float) -> Warmup:
    last = max((each.bars for each in seen if each.by > tolerance), default=0)
    later = [each for each in seen if each.bars > last]
    # agreement counts only where something was said afterwards, and not what none of the shorter runs could contradict
    agreed = last < declared or (bool(later) and last < fewest)
    rows, bars = [], declared
    while bars <= fewest:
        after = [each for each in seen if each.bars >= bars]
        rows.append(
            Row(bars, len(after), sum(each.by > tolerance for each in after), max((e.by for e in after), default=0.0))
        )
        bars *= 2
    return Warmup(name, declared, max(last + 1, declared) if agreed else None, rows)
