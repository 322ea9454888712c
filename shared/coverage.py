"""What a backtest asked for, and what of it the archive held."""

from __future__ import annotations

from shared.model.base import Model
from shared.model.instrument import Symbol


class SymbolCoverage(Model):
    """One symbol's bars within what was asked for; all times are of opens.

    `listed_ms` where that was after the start that was asked for. `missing` bars, in `holes` of which the first few are given
    (both ends are missing), lie where the archive has the symbol before and after, and its venue's calendar has a bar; None
    where the calendar is not known.
    """

    bars: int
    first_ms: int | None
    last_ms: int | None
    listed_ms: int | None
    starts_late: bool
    ends_early: bool
    missing: int | None
    holes: tuple[tuple[int, int], ...]


class Coverage(Model):
    """The span that was asked for, and each symbol that was, or, where none was named, that has bars in it."""

    from_ms: int
    to_ms: int
    symbols: dict[Symbol, SymbolCoverage]
