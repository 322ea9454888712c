"""Job `monitor`: every desk is open as configured and ticks, every book is watched, the instruments are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from cron import listing
from cron.context import Context, Done
from shared import log
from shared.book.shard import SYMBOLS_A_SHARD, shard_name
from shared.config import DeskConfig
from shared.errors import DeskError, NotFound
from shared.model import Instrument
from shared.model.ids import digest
from shared.ports import Statement

_log = log.get("cron.monitor")
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
_KNOWN = "SELECT desk, fingerprint, status, codes FROM desks"
_ENDED = "SELECT venue, interval FROM markets WHERE ended = 1"
_DESK = (
    "INSERT INTO desks (desk, venue, currency, mode, opened_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT (desk) DO NOTHING"
)
_OPENED = "UPDATE desks SET fingerprint = ? WHERE desk = ?"
_FOUND = "UPDATE desks SET status = ?, codes = ?, status_ms = ? WHERE desk = ?"
UNREACHABLE = "unreachable"


class Found(NamedTuple):
    """How a desk stands, as its tick said; `codes` say why it is not active."""

    status: str
    codes: tuple[str, ...] = ()


class Known(NamedTuple):
    """What D1 said before the run: of each desk what it was opened with and how it stood, and the markets that ended."""

    fingerprints: Mapping[str, str]
    found: Mapping[str, Found]
    ended: frozenset[tuple[str, str]]


async def run(context: Context) -> Done:
    """Nothing here stops at the first failure: what is wrong is told in `problems` and tried again a minute later."""
    counts = {"desks": 0, "desks_failed": 0, "opened": 0, "shards": 0, "shards_failed": 0, "outbox_lag": 0}
    counts |= {"desks_reducing": 0, "desks_halted": 0}
    problems: list[str] = []
    known = await _known(context)
    found: dict[str, Found] = {}
    for venue, config in context.settings.VENUES.items():
        instruments = await _instruments(context, venue, counts, problems)
        for name, desk in context.settings.DESKS.items():
            if desk.venue == venue and instruments:
                found[name] = await _desk(context, name, desk, instruments, known, counts, problems)
        if config.books and instruments:
            await _books(context, venue, [each.symbol for each in instruments], counts, problems)
    for status in ("reducing", "halted"):
        counts[f"desks_{status}"] = sum(each.status == status for each in found.values())
    await _note(context, known, found)
    return Done(counts, tuple(problems))


async def _known(context: Context) -> Known:
    desks, ended = await context.ports.db.read([Statement(_KNOWN), Statement(_ENDED)])
    return Known(
        {row["desk"]: row["fingerprint"] for row in desks},
        {row["desk"]: Found(row["status"], tuple(json.loads(row["codes"]))) for row in desks},
        frozenset((row["venue"], row["interval"]) for row in ended),
    )


async def _note(context: Context, known: Known, found: Mapping[str, Found]) -> None:
    """For whoever asks how all of it is; only what has changed, which is seldom."""
    now_ms = context.ports.clock.now_ms()
    changed = [
        Statement(_FOUND, (each.status, json.dumps(each.codes), now_ms, name))
        for name, each in found.items()
        if known.found.get(name) != each
    ]
    if changed:
        await context.ports.db.batch(changed)


async def _instruments(context: Context, venue: str, counts: dict[str, int], problems: list[str]) -> list[Instrument]:
    """From D1; asked of the venue when there are none, and once an hour."""
    found = await listing.stored(context, venue)
    if found and context.now_ms % HOUR_MS >= MINUTE_MS:
        return found
    try:
        _, trouble = await listing.sync(context, venue)
    except DeskError as error:
        problems.append(f"instruments of {venue}: {error.error_code}: {error.detail}")
        return found
    counts["listings"] = counts.get("listings", 0) + 1
    problems += [f"{venue}: refused {each}" for each in trouble.samples]
    return await listing.stored(context, venue)


async def _desk(
    context: Context,
    name: str,
    config: DeskConfig,
    instruments: list[Instrument],
    known: Known,
    counts: dict[str, int],
    problems: list[str],
) -> Found:
    counts["desks"] += 1
    body = open_body(context, name, config, instruments)
    mark = digest(body)
    failed: list[DeskError] = []
    try:
        if known.fingerprints.get(name) != mark:
            await _open(context, name, body, mark)
            counts["opened"] += 1
    except DeskError as error:
        # A desk that refuses its new settings goes on under the old ones: it must not stand still for it.
        failed.append(error)
    try:
        quiet = (config.venue, context.venue(config.venue).interval.value) in known.ended
        answer = await _tick(context, name, body, mark, {"quiet": quiet})
        counts["outbox_lag"] += int(answer.get("outbox_lag") or 0)
        found = Found(str(answer.get("status")), tuple(answer.get("codes") or ()))
    except DeskError as error:
        failed.append(error)
        found = Found(UNREACHABLE, (error.error_code,))
    counts["desks_failed"] += bool(failed)
    problems += [f"desk {name}: {error.error_code}: {error.detail}" for error in failed]
    return found


async def _tick(
    context: Context, name: str, body: dict[str, Any], mark: str, told: Mapping[str, Any]
) -> dict[str, Any]:
    """`told`: whether it is `quiet`, since the market has ended: then its silence alarms nobody."""
    peer = context.ports.desks.named(name)
    try:
        return await peer.call("tick", told)
    except NotFound:
        # D1 says that it was opened, the object does not know: it is opened again, as what it is configured to be.
        await _open(context, name, body, mark)
        return await peer.call("tick", told)


async def beat(context: Context) -> None:
    """Where not even a run can be recorded: the desks hear at least that the cron lives, and go on by themselves."""
    for name in sorted(context.settings.DESKS):
        try:
            await context.ports.desks.named(name).call("tick", {})
        except DeskError as error:
            _log.warning("beat_unheard", extra={"desk": name, "code": error.error_code, "detail": error.detail})


async def _open(context: Context, name: str, body: dict[str, Any], mark: str) -> None:
    """The row first, so that the desk's outbox finds it; the fingerprint last, so that a failure opens again."""
    row = (name, body["venue"], body["currency"], body["mode"], context.now_ms)
    await context.ports.db.batch([Statement(_DESK, row)])
    await context.ports.desks.named(name).call("open", body)
    await context.ports.db.batch([Statement(_OPENED, (mark, name))])


def open_body(context: Context, name: str, config: DeskConfig, instruments: list[Instrument]) -> dict[str, Any]:
    """The body of the desk's `open`: only the instruments it may trade."""
    chosen = [each for each in instruments if not config.symbols or each.symbol in config.symbols]
    return {
        "desk": name,
        "mode": config.mode,
        "trading": config.trading.wire(),
        "venue": config.venue,
        "interval_ms": context.venue(config.venue).interval.ms,
        "currency": config.currency,
        "cash": config.wire()["cash"],
        "limits": config.limits.wire(),
        "paper": config.paper.wire(),
        "protections": config.protections,
        "rehearsed_as": config.rehearsed_as,
        "rehearsal_days": config.rehearsal_days,
        "instruments": [each.wire() for each in chosen],
    }


async def _books(context: Context, venue: str, symbols: list[str], counts: dict[str, int], problems: list[str]) -> None:
    desks = sorted(name for name, desk in context.settings.DESKS.items() if desk.venue == venue)
    for start in range(0, len(symbols), SYMBOLS_A_SHARD):
        shard = shard_name(venue, start)
        counts["shards"] += 1
        body = {
            "venue": venue,
            "url": depth_url(context.settings.REPLAY_URL, venue),
            "symbols": symbols[start : start + SYMBOLS_A_SHARD],
            "desks": desks,
            "location_hint": context.settings.LOCATION_HINT,
        }
        try:
            answer = await context.ports.books.named(shard).call("watch", body)
            counts["shards_down"] = counts.get("shards_down", 0) + int(not answer.get("connected"))
        except DeskError as error:
            counts["shards_failed"] += 1
            problems.append(f"book {shard}: {error.error_code}: {error.detail}")


def depth_url(base_url: str, venue: str) -> str:
    """`http://host` becomes `ws://host/{venue}/depth`, and https wss."""
    return f"ws{base_url.rstrip('/').removeprefix('http')}/{venue}/depth"
