"""When the desk may enter."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import Protection
from shared.desk.state import DeskState
from shared.desk.totals import totals
from shared.model import Model

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Time = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_FIRST_DAY = 3
"""1970 began on a Thursday."""


class Window(Model):
    """From (included) to (excluded), in UTC; over midnight it takes two."""

    days: tuple[Day, ...] = Field(default=DAYS, min_length=1)
    start: Time = Field(alias="from")
    end: Time = Field(alias="to")

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"from {self.start} must be before to {self.end}: a window over midnight takes two")
        return self

    def has(self, day: Day, minute: int) -> bool:
        return day in self.days and _minutes(self.start) <= minute < _minutes(self.end)


class TradingHours(Protection):
    """Refuses an entry outside of the `windows`: `[{"days": ["mon"], "from": "13:30", "to": "20:00"}]`, without `days` on each.

    Idea: openings, closings and nights have spreads and gaps of their own. Units: hours and minutes in UTC on the instrument's
    market time, so that a replayed market keeps its own hours; a bar's decision is made at its close.
    Source: trading sessions of the venues; freqtrade and others leave them to the strategy.
    """

    refusals = ("trading_hours",)
    windows: tuple[Window, ...] = Field(min_length=1, max_length=50)

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if not intent.is_entry:
            return None
        now_ms = totals(state, context).market_ms_of(intent.instrument.id)
        day = DAYS[(now_ms // _DAY_MS + _FIRST_DAY) % 7]
        minute = now_ms % _DAY_MS // _MINUTE_MS
        if any(window.has(day, minute) for window in self.windows):
            return None
        return Refusal("trading_hours", f"{day} {minute // 60:02}:{minute % 60:02} UTC is outside of the desk's hours")


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])
