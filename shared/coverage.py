"""What a backtest asked for, and what of it the archive held."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.model.base import Model
from shared.model.instrument import Symbol

Time = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=0, le=2**53)]


class SymbolCoverage(Model):
    """One symbol's bars within what was asked for; all times are of opens.

    `listed_ms` where that was after the start that was asked for. `missing` bars lie where the archive has the symbol before
    and after, and its venue's calendar has a bar; None where that is not known: no calendar, or no other symbol's bars to
    tell a closed day from a lost one. `holes` are the first few stretches in which they are, or may be, missing.
    """

    bars: Count
    first_ms: Time | None
    last_ms: Time | None
    listed_ms: Time | None
    starts_late: bool
    ends_early: bool
    missing: Count | None
    holes: tuple[tuple[Time, Time], ...]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        first_ms, last_ms = self.first_ms, self.last_ms
        if {first_ms is None, last_ms is None} != {not self.bars}:
            raise ValueError(f"first_ms {first_ms} and last_ms {last_ms} do not go with {self.bars} bars")
        spans = [*self.holes] if first_ms is None or last_ms is None else [(first_ms, last_ms), *self.holes]
        for from_ms, to_ms in spans:
            if from_ms > to_ms:
                raise ValueError(f"{from_ms} must not be after {to_ms}")
        if self.missing is not None and (bool(self.missing) is not bool(self.holes) or self.missing < len(self.holes)):
            raise ValueError(f"missing {self.missing} does not go with {len(self.holes)} holes")
        return self


class Coverage(Model):
    """The span that was asked for, and each symbol that was, or, where none was named, that has bars in it."""

    from_ms: Time
    to_ms: Time
    symbols: dict[Symbol, SymbolCoverage]
