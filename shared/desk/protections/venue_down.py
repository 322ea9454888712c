"""A venue that does not answer."""

from __future__ import annotations

from pydantic import Field

from shared.desk.context import Context
from shared.desk.protection import Breaker, Finding
from shared.desk.state import DeskState, Timebase


class VenueDown(Breaker):
    """Stops when no call of the venue was answered for more than `after_s`, until it answers again.

    Idea: who cannot leave should not enter. Units: seconds of wall time, since it is the line that is watched.
    Source: loss of connection, FIA, Best Practices for Automated Trading Risk Controls (2024).
    """

    clock = Timebase.WALL
    always = True
    findings = ("venue_down",)
    after_s: int = Field(default=30, ge=1, le=86_400)

    def finds(self, state: DeskState, context: Context) -> Finding | None:
        # set and cleared by `silence.py`, so that the log tells when the venue was lost and when it came back
        if not state.venue_silent_ms:
            return None
        return Finding(code="venue_down", reason=f"the venue has not answered for more than {self.after_s} s")
