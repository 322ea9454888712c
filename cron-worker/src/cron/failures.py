"""Strategies that fail on a desk: a line of the run's error for each, and an alert, once a market day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from shared import log
from shared.alerts import rows
from shared.archive import keys
from shared.errors import short
from shared.model.alert import MAX_DETAIL, Alert, Severity, plain
from shared.model.ids import digest
from shared.ports import Statement

CODE = "strategy_failed"
UNKNOWN = "unknown_strategy"
"""The brain's refusal of a strategy that it does not have."""
CODES = frozenset({UNKNOWN, "strategy_error", "over_budget", "bad_state"})
"""The brain's refusals that are about a strategy as a whole; all others are about bars, or about what it said."""
MAX_WHY = 300
_WRITTEN = "EXISTS (SELECT 1 FROM brain_state WHERE scope = ? AND version = ? AND writer = ?)"


class Failure(NamedTuple):
    """A strategy, why it failed first, and on which symbols it did; on an empty one where it is about the whole market."""

    strategy: str
    code: str
    detail: str
    symbols: tuple[str, ...]

    @property
    def line(self) -> str:
        """As short with 250 symbols as with one. Who is not there says by itself where it is asked for, and what there is."""
        if self.code == UNKNOWN:
            return self.detail
        return f"{self.strategy} on {self.where}: {self.code}: {short(self.detail, MAX_WHY)}"

    @property
    def where(self) -> str:
        """The first of its symbols, and how many more."""
        more = len(self.symbols) - 1
        return (self.symbols[0] or "the whole market") + (f" and {more} more" if more else "")


def among(refused: Iterable[Mapping[str, Any]]) -> list[Failure]:
    """What failed, of the brain's refusals: each strategy once; one that is not there once for each place that asks for it."""
    found: dict[tuple[str, str], Failure] = {}
    symbols: dict[tuple[str, str], dict[str, None]] = {}
    for each in refused:
        strategy, code, detail = str(each["strategy"]), str(each["code"]), str(each["detail"])
        if code not in CODES:
            continue
        key = strategy, detail if code == UNKNOWN else ""
        found.setdefault(key, Failure(strategy, code, detail, ()))
        symbols.setdefault(key, {})[str(each["symbol"])] = None
    return [each._replace(symbols=tuple(symbols[key])) for key, each in found.items()]


def alerts(
    desk: str, failed: Sequence[Failure], open_ms: int, version: int, writer: str, now_ms: int
) -> list[Statement]:
    """For the batch that stores this version of the desk's memory. `open_ms`: of the newest bar; however often a strategy fails on
    its market day, the alert is filed once. None where nothing failed.
    """
    day = keys.day_of(open_ms)
    filed = [rows.Filed(_alert(desk, each, day, now_ms)) for each in failed]
    return rows.insert(filed, _WRITTEN, (desk, version, writer))


def _alert(desk: str, failure: Failure, day: str, now_ms: int) -> Alert:
    about = "cannot be had" if failure.code == UNKNOWN else f"failed on {failure.where}"
    return Alert(
        id=digest(CODE, desk, failure.strategy, day),
        desk=desk,
        severity=Severity.WARNING,
        code=CODE,
        dedupe_key=f"{desk}:{CODE}:{failure.strategy}",
        title=plain(f"{desk}: {failure.strategy} {about} ({failure.code})", 200),
        detail=plain(log.redact(failure.detail), MAX_DETAIL),
        context={"strategy": failure.strategy, "code": failure.code, "symbols": len(failure.symbols), "day": day},
        at_ms=now_ms,
    )
