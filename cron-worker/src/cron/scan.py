"""Job `scan`: new bars go to the desk and through the brain, bar by bar; proposals go to the desk. Scope: a desk."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cron import bars, delivery, memory
from cron.context import Context, Done, Scanned
from cron.memory import Memory
from shared.archive.ndjson import Row
from shared.config import DeskConfig, VenueConfig
from shared.errors import Conflict
from shared.ports import Statement

MAX_LIVE_BARS = 5
"""Further behind, all but the last bar only warm the brain: their proposals would be refused as stale."""
BRAIN_BARS = 20_000
DESK_CANDLES = 500
TRIES = 3
_MARKS = "SELECT symbol, open_time_ms FROM watermarks WHERE venue = ? AND interval = ?"
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
    for _ in range(TRIES):
        try:
            return await _advance(context, desk)
        except LostRace:
            continue
    raise LostRace(f"desk {name}: another run was first {TRIES} times; it goes on with the next bar")


async def _advance(context: Context, desk: Desk) -> Done:
    counts = {"bars": 0, "steps": 0, "signals": 0, "proposals": 0, "refused": 0}
    learnt = await memory.load(context.ports.db, desk.name)
    before_ms = learnt.as_of_ms
    fresh = context.ingested.get(desk.config.venue)
    problems: list[str] = []
    if fresh is not None and not fresh.complete:
        # The newest bar archived is not the newest there is: proposals on it would be late.
        counts["catching_up"] = 1
        return Done(counts, (), Scanned(before_ms, before_ms))
    marks = fresh.marks if fresh else await _marks(context, desk)
    marks = {symbol: mark for symbol, mark in marks.items() if _trades(desk.config, symbol)}
    found = await bars.due(context, desk.config.venue, learnt.seen, marks)
    counts[f"from_{found.source}"] = 1
    steps = bars.by_close(found.bars, desk.venue.interval)
    if len(steps) > MAX_LIVE_BARS:
        await _warm(context, desk, learnt, [row for _, rows in steps[:-1] for row in rows], counts)
        steps = steps[-1:]
    if learnt.pending:
        # What a crashed run left behind was proposed on earlier bars: it goes first.
        problems += await _deliver(context, desk, learnt, counts, pending=True)
    for _, rows in steps:
        proposed = counts["proposals"]
        await _bars(context, desk, rows)
        await _scan(context, desk, learnt, rows, counts, live=True)
        problems += await _deliver(context, desk, learnt, counts, pending=counts["proposals"] > proposed)
    return Done(counts, tuple(problems), Scanned(before_ms, learnt.as_of_ms))


async def _deliver(context: Context, desk: Desk, learnt: Memory, counts: dict[str, int], pending: bool) -> list[str]:
    as_of_ms = learnt.as_of_ms or 0
    return await delivery.deliver(context, desk.name, as_of_ms, desk.step_ms, counts, pending, point=True)


async def _warm(context: Context, desk: Desk, learnt: Memory, rows: list[Row], counts: dict[str, int]) -> None:
    """History or a long outage at once. The desk gets all of it, for what is open may fill or be stopped out there;
    a desk that has seen nothing yet needs only a mark for each symbol."""
    wanted = rows if learnt.seen else list({row.symbol: row for row in rows}.values())
    wanted.sort(key=lambda row: (row.open_time_ms, row.symbol))
    await _bars(context, desk, wanted)
    await _scan(context, desk, learnt, rows, counts, live=False)
    counts["warmed"] = len(rows)


async def _bars(context: Context, desk: Desk, rows: list[Row]) -> None:
    """Ascending bars to the desk, a few hundred a call."""
    peer = context.ports.desks.named(desk.name)
    for start in range(0, len(rows), DESK_CANDLES):
        part = rows[start : start + DESK_CANDLES]
        candles = [bars.wire(desk.config.venue, desk.venue.interval, row) for row in part]
        await peer.call("bars", {"candles": candles})


async def _scan(
    context: Context, desk: Desk, learnt: Memory, rows: list[Row], counts: dict[str, int], live: bool
) -> None:
    """Asks the brain, and stores what it learnt and said in one batch; raises `LostRace`."""
    columns = bars.market(rows)
    answers = []
    state = learnt.state
    for part in _parts(columns):
        answers.append(await _ask(context, desk, part, state))
        state = answers[-1]["state"]
    signals = [row for answer in answers for row in _signal_rows(answer, desk.config.venue, live)]
    learnt.state = state
    learnt.seen = {**learnt.seen, **{symbol: each["t"][-1] for symbol, each in columns.items()}}
    close_ms = max(learnt.seen.values()) + desk.step_ms
    learnt.as_of_ms = max(learnt.as_of_ms or 0, close_ms)
    writer = f"{context.run}:{context.ports.token()}"
    if not await memory.save(context.ports.db, desk.name, learnt, signals, writer, context.now_ms):
        raise LostRace(f"desk {desk.name}: version {learnt.version + 1} of its memory is another's")
    counts["bars"] += len(rows)
    counts["steps"] += 1
    counts["signals"] += len(signals)
    counts["proposals"] += sum(row[9] is not None for row in signals)
    counts["refused"] += sum(len(answer["refused"]) for answer in answers)


async def _ask(context: Context, desk: Desk, market: dict[str, Any], state: dict[str, Any] | None) -> dict[str, Any]:
    body = {
        "venue": desk.config.venue,
        "interval": desk.venue.interval.value,
        "strategies": [each.wire() for each in desk.config.strategies],
        "market": market,
        "evidence": {},
        "state": state,
    }
    return await context.ports.brain.call("scan", body)


def _parts(market: dict[str, Any]) -> list[dict[str, Any]]:
    """Whole symbols, about `BRAIN_BARS` bars a call: one value between workers must stay small beside their memory."""
    parts: list[dict[str, Any]] = [{}]
    room = BRAIN_BARS
    for symbol, columns in market.items():
        if room < len(columns["t"]) and parts[-1]:
            parts.append({})
            room = BRAIN_BARS
        parts[-1][symbol] = columns
        room -= len(columns["t"])
    return parts


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


async def _marks(context: Context, desk: Desk) -> dict[str, int]:
    params = (desk.config.venue, desk.venue.interval.value)
    rows = (await context.ports.db.read([Statement(_MARKS, params)]))[0]
    return {str(row["symbol"]): int(row["open_time_ms"]) for row in rows}


def _trades(config: DeskConfig, symbol: str) -> bool:
    return not config.symbols or symbol in config.symbols
