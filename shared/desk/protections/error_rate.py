"""A venue that keeps saying no, or nothing."""

from __future__ import annotations

from pydantic import Field

from shared.desk.apply import ERRORS_KEPT
from shared.desk.context import Context
from shared.desk.protection import MOST_S, MS, Breaker, Finding
from shared.desk.state import DeskState, Timebase


class ErrorRate(Breaker):
    """Stops when `errors` orders within `within_s` were rejected by the venue or left without an answer.

    Idea: what fails that often is broken, and trying on makes it worse. Units: seconds of wall time, counted from the last of them,
    since it is the line and the venue that fail; with `for_s` 0 while they lie within `within_s`.
    Source: the rejects throttle of FIA, Best Practices for Automated Trading Risk Controls (2024).
    """

    clock = Timebase.WALL
    always = True
    findings = ("error_rate",)
    errors: int = Field(default=20, ge=1, le=ERRORS_KEPT)
    within_s: int = Field(default=60, ge=1, le=86_400)
    for_s: int = Field(default=300, ge=0, le=MOST_S)

    def finds(self, state: DeskState, context: Context) -> Finding | None:
        newest = state.recent_error_ms[-self.errors :]
        if len(newest) < self.errors or newest[-1] - newest[0] > self.within_s * MS:
            return None
        until_ms = newest[-1] + self.for_s * MS if self.for_s else newest[0] + self.within_s * MS
        if context.now_ms >= until_ms:
            return None
        reason = f"{self.errors} orders failed within {self.within_s} s"
        return Finding(code="error_rate", reason=reason, until_ms=until_ms)
