"""Job `scan`: new bars go to the desk and through the brain, bar by bar; proposals go to the desk. Scope: a desk."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any, NamedTuple

from cron import asking, bars, delivery, failures, memory, outbox, outcomes
from cron.context import Context, Done, Scanned
from cron.memory import Memory
from shared.archive.ndjson import Row
from shared.config import DeskConfig, VenueConfig
from shared.errors import Conflict, Invalid
from shared.ports import Statement

MAX_LIVE_BARS = 5
"""Further behind, all but the last bar only warm the brain, whatever age of a signal the desk may accept."""
BRAIN_BARS = 10_000
DESK_CANDLES = 500
TRIES = 3
UNREADABLE = "state.v"
"""What the brain calls a state that another release of it wrote: it is dropped, and learnt again from history."""
Refusal = dict[str, Any]
"""One of the brain's."""
_MARKS = "SELECT symbol, open_time_ms FROM watermarks WHERE venue = ? AND interval = ?"
_MARKET = "SELECT market_ms, complete, at_ms FROM markets WHERE venue = ? AND interval = ?"
_STATE = (
    "SELECT (SELECT as_of_ms FROM brain_state WHERE scope = ?1) AS as_of_ms,"
    " EXISTS (SELECT 1 FROM signals WHERE desk = ?1 AND outcome = 'pending') AS pending"
)


class LostRace(Conflict):
    """Another run advanced the same desk first."""

    code = "lost_race"


class Desk(NamedTuple):
    """The desk being scanned, its settings, and its venue's."""

    name: str
    config: DeskConfig
    venue: VenueConfig

    @property
    def step_ms(self) -> int:
        """Length of a bar."""
        return self.venue.interval.ms

    def oldest_ms(self, market_ms: int) -> int:
        """Close of the oldest bar that may still be proposed on, counted from the newest that can have closed."""
        return market_ms - market_ms % self.step_ms - self.config.limits.max_signal_age_bars * self.step_ms


class Known(NamedTuple):
    """Newest archived bar of each symbol (open time), the market's time, and whether all that closed is archived."""

    marks: dict[str, int]
    market_ms: int
    complete: bool


async def wanted(context: Context, desk: str) -> bool:
    """Whether there may be anything to do: one cheap query on the many ticks on which nothing closed."""
    config = context.settings.DESKS[desk]
    fresh = context.ingested.get(config.venue)
    if fresh is None or fresh.new:
        return True
    row = (await context.ports.db.rows(_STATE, desk))[0]
    newest = max((fresh.marks[each] for each in fresh.marks if _trades(config, each)), default=None)
    if newest is None:
        return False
    close_ms = newest + context.venue(config.venue).interval.ms
    return bool(row["pending"]) or row["as_of_ms"] is None or int(row["as_of_ms"]) < close_ms


async def run(context: Context) -> Done:
    """Advances the desk to the newest archived bar, then delivers what is pending.

    Raises what the desk or the brain raised: then nothing is stored of that bar, and the next run begins with it again.
    """
    name = context.scope
    config = context.settings.DESKS[name]
    desk = Desk(name, config, context.venue(config.venue))
    anew = False
    for _ in range(TRIES):
        try:
            return await _advance(context, desk, anew)
        except LostRace:
            continue
        except Invalid as error:
            if anew or error.context.get("field") != UNREADABLE:
                raise
            anew = True
    raise LostRace(f"desk {name}: another run was first {TRIES} times; it goes on with the next bar")


async def _advance(context: Context, desk: Desk, anew: bool) -> Done:
    counts = {"bars": 0, "steps": 0, "signals": 0, "proposals": 0, "refused": 0}
    learnt = await memory.load(context.ports.db, desk.name)
    if anew:
        counts["relearnt"] = 1
        learnt.forget()
    known = await _known(context, desk)
    if not known.complete:
        # The newest bar archived is not the newest there is: proposals on it would be late.
        counts["catching_up"] = 1
        return Done(counts, (), Scanned())
    marks = {symbol: mark for symbol, mark in known.marks.items() if _trades(desk.config, symbol)}
    found = await bars.due(context, desk.config.venue, learnt.seen, marks)
    counts[f"from_{found.source}"] = 1
    oldest_ms = desk.oldest_ms(known.market_ms)
    late, live = _split(bars.by_close(found.bars, desk.venue.interval), oldest_ms)
    days: list[str] = []
    problems: list[str] = []
    refused: list[Refusal] = []
    if late:
        async with _handing_on(context, desk, learnt, live):
            days += await _warm(context, desk, learnt, late, counts, refused)
    if learnt.pending or (late and not live):
        # What a crashed run left behind was proposed on earlier bars: it goes first.
        problems += await delivery.deliver(context, desk.name, oldest_ms, counts, pending=learnt.pending)
    for number, rows in enumerate(live, 1):
        proposed = counts["proposals"]
        await _bars(context, desk, learnt, rows)
        async with _handing_on(context, desk, learnt, live[number:]):
            days += await _scan(context, desk, learnt, rows, counts, refused, live=True)
        pending = counts["proposals"] > proposed
        problems += await delivery.deliver(context, desk.name, oldest_ms, counts, pending)
    told = (each.line for each in failures.among(refused))
    return Done(counts, (*told, *problems), Scanned(tuple(days)))


def _split(steps: list[tuple[int, list[Row]]], oldest_ms: int) -> tuple[list[Row], list[list[Row]]]:
    """Bars that only warm the brain, and the steps that are young enough to be proposed on."""
    most = 1 if len(steps) > MAX_LIVE_BARS else len(steps)
    live = [rows for close_ms, rows in steps[-most:] if close_ms >= oldest_ms]
    return [row for _, rows in steps[: len(steps) - len(live)] for row in rows], live


async def _warm(
    context: Context, desk: Desk, learnt: Memory, rows: list[Row], counts: dict[str, int], refused: list[Refusal]
) -> list[str]:
    """History or a long outage at once. The desk gets all of it, for what is open may fill or be stopped out there;
    a desk that has seen nothing yet needs only a mark for each symbol."""
    wanted = rows if learnt.given else list({row.symbol: row for row in rows}.values())
    wanted.sort(key=lambda row: (row.open_time_ms, row.symbol))
    await _bars(context, desk, learnt, wanted)
    counts["warmed"] = len(rows)
    return await _scan(context, desk, learnt, rows, counts, refused, live=False)


@asynccontextmanager
async def _handing_on(context: Context, desk: Desk, learnt: Memory, later: list[list[Row]]) -> AsyncIterator[None]:
    """A brain that fails keeps no bars from the desk, however long it does: what is held is guarded by them."""
    try:
        yield
    except Exception:
        await _bars(context, desk, learnt, [row for rows in later for row in rows])
        raise


async def _bars(context: Context, desk: Desk, learnt: Memory, rows: list[Row]) -> None:
    """Ascending bars that it has not had to the desk, a few hundred a call."""
    peer = context.ports.desks.named(desk.name)
    rows = [row for row in rows if row.open_time_ms > learnt.given.get(row.symbol, -1)]
    for start in range(0, len(rows), DESK_CANDLES):
        part = rows[start : start + DESK_CANDLES]
        candles = [bars.wire(desk.config.venue, desk.venue.interval, row) for row in part]
        await peer.call("bars", {"candles": candles})


async def _scan(
    context: Context,
    desk: Desk,
    learnt: Memory,
    rows: list[Row],
    counts: dict[str, int],
    refused: list[Refusal],
    live: bool,
) -> list[str]:
    """Asks the brain, and stores what it learnt and said in one batch; the market days that ended. Raises `LostRace`.

    What the brain refused is added to `refused`; of strategies that failed an alert is stored too.
    """
    columns = bars.market(rows)
    answers = []
    state = learnt.state
    told = await _outcomes(context, desk, learnt, max(row.open_time_ms for row in rows) + desk.step_ms, counts)
    for part in _parts(rows):
        answers.append(await _ask(context, desk, part, state, told))
        state = answers[-1]["state"]
    signals = [row for answer in answers for row in _signal_rows(answer, desk.config.venue, live)]
    learnt.state = state
    learnt.saw({symbol: each["t"][-1] for symbol, each in columns.items()})
    close_ms = max(learnt.seen.values()) + desk.step_ms
    days = bars.ended_days(learnt.as_of_ms, (row.open_time_ms + desk.step_ms for row in rows), desk.step_ms)
    learnt.as_of_ms = max(learnt.as_of_ms or 0, close_ms)
    writer = f"{context.run}:{context.ports.token()}"
    also = outbox.reports(desk.name, days, learnt.version + 1, writer, context.now_ms)
    no = [each for answer in answers for each in answer["refused"]]
    newest_ms = close_ms - desk.step_ms
    also += failures.alerts(desk.name, failures.among(no), newest_ms, learnt.version + 1, writer, context.now_ms)
    if live:
        also += asking.questions(desk.name, no, context.now_ms)
    if not await memory.save(context.ports.db, desk.name, learnt, signals, writer, context.now_ms, also):
        raise LostRace(f"desk {desk.name}: version {learnt.version + 1} of its memory is another's")
    counts["bars"] += len(rows)
    counts["steps"] += 1
    counts["signals"] += len(signals)
    counts["proposals"] += sum(row[9] is not None for row in signals)
    counts["refused"] += len(no)
    refused += no
    return days


async def _outcomes(
    context: Context, desk: Desk, learnt: Memory, close_ms: int, counts: dict[str, int]
) -> list[dict[str, Any]]:
    """What the brain has not had yet; none for a desk without decisions, which learns from none."""
    if desk.config.decisions is None:
        learnt.told = 0
        return []
    told = await outcomes.after(context, desk.name, learnt.told, close_ms)
    if told is None:
        counts["outcomes_unknown"] = counts.get("outcomes_unknown", 0) + 1
        return []
    learnt.told = told.seq
    counts["outcomes"] = counts.get("outcomes", 0) + len(told.outcomes)
    return told.outcomes


async def _ask(
    context: Context,
    desk: Desk,
    market: dict[str, Any],
    state: dict[str, Any] | None,
    told: list[dict[str, Any]],
) -> dict[str, Any]:
    close_ms = max(each["t"][-1] for each in market.values()) + desk.step_ms
    known = outcomes.until(told, close_ms)
    body = {
        "venue": desk.config.venue,
        "interval": desk.venue.interval.value,
        "strategies": [each.wire() for each in desk.config.strategies],
        "market": market,
        "evidence": {"outcomes": known} if known else {},
        "state": state,
        "decisions": desk.config.decisions and desk.config.decisions.wire(),
    }
    return await context.ports.brain.call("scan", body)


def _parts(rows: list[Row]) -> list[dict[str, Any]]:
    """Whole closes, about `BRAIN_BARS` bars a call: one value between workers must stay small beside their memory, and a
    strategy that follows the whole market needs all that closed together."""
    parts: list[list[Row]] = [[]]
    for _, closed in groupby(sorted(rows, key=lambda row: row.open_time_ms), key=lambda row: row.open_time_ms):
        together = list(closed)
        if parts[-1] and len(parts[-1]) + len(together) > BRAIN_BARS:
            parts.append([])
        parts[-1] += together
    return [bars.market(part) for part in parts]


def _signal_rows(answer: dict[str, Any], venue: str, live: bool) -> list[list[Any]]:
    """Rows for `memory.save`: pending with a proposal; refused where the brain said why; else stale, never proposed."""
    proposals = {each["signal_id"]: each for each in answer["proposals"]} if live else {}
    refused = {(each["strategy"], each["symbol"], each["bar_close_ms"]): each["code"] for each in answer["refused"]}
    rows = []
    for each in answer["signals"]:
        symbol = each["instrument"].partition(":")[2]
        proposal = proposals.get(each["id"])
        code = refused.get((each["strategy"], symbol, each["bar_close_ms"]))
        outcome = "pending" if proposal else "refused" if code else "stale"
        code = None if proposal else code or "not_newest_bar"
        about = [each["id"], venue, symbol, each["strategy"], each["action"], each["side"], each["score"]]
        stored = [_text(each), _text(proposal) if proposal else None, outcome, code]
        rows.append([*about, each["bar_close_ms"], *stored])
    return rows


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


async def _known(context: Context, desk: Desk) -> Known:
    """From this tick's ingest; else from the newest that there was, with the wall time that has passed since added."""
    fresh = context.ingested.get(desk.config.venue)
    if fresh is not None:
        return Known(dict(fresh.marks), fresh.market_ms, fresh.complete)
    params = (desk.config.venue, desk.venue.interval.value)
    rows, told = await context.ports.db.read([Statement(_MARKS, params), Statement(_MARKET, params)])
    if not told:
        return Known({}, 0, complete=False)
    market, passed_ms = told[0], max(0, context.ports.clock.now_ms() - int(told[0]["at_ms"]))
    marks = {str(row["symbol"]): int(row["open_time_ms"]) for row in rows}
    return Known(marks, int(market["market_ms"]) + passed_ms, bool(market["complete"]))


def _trades(config: DeskConfig, symbol: str) -> bool:
    return not config.symbols or symbol in config.symbols
