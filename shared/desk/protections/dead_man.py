"""Nobody there any more."""

from __future__ import annotations

from pydantic import Field

from shared.desk.protection import MS, OnHalt, Protection
from shared.desk.state import Timebase

_PATIENT_BARS = 2


class DeadMan(Protection):
    """Reduces, then halts, when the cron's minute or the market's data has not come for too long: a switch that is let go.

    Idea: a desk that nobody feeds must not go on by itself; its own alarm watches, with every other worker stopped. Units: seconds
    of wall time without a `tick`, or without bars and quotes; 0 is off. Data may always be silent for two of the desk's bars, and
    is not missed while the market is known to be closed. A reduction ends with the next beat, a halt when somebody resumes.
    Where the venue has such a switch too, it is told every time to cancel all orders unless it hears again within `venue_s`.
    Source: the dead-man's switch of the railways; cancel on disconnect of FIX venues.
    """

    clock = Timebase.WALL
    always = True
    findings = ("deadman_cron", "deadman_data")
    cron_reduce_s: int = Field(default=180, ge=0, le=86_400)
    cron_halt_s: int = Field(default=600, ge=0, le=86_400)
    data_reduce_s: int = Field(default=300, ge=0, le=86_400)
    data_halt_s: int = Field(default=1800, ge=0, le=86_400)
    venue_s: int = Field(default=300, ge=60, le=3600)
    on_halt: OnHalt = "cancel"

    def reduce_ms(self, what: str, interval_ms: int) -> int:
        """The silence after which entries stop, ms of wall time; 0: never."""
        return self._patience(self.cron_reduce_s if what == "cron" else self.data_reduce_s, what, interval_ms)

    def halt_ms(self, what: str, interval_ms: int) -> int:
        """The silence after which the desk halts, ms of wall time; 0: never."""
        return self._patience(self.cron_halt_s if what == "cron" else self.data_halt_s, what, interval_ms)

    @staticmethod
    def _patience(limit_s: int, what: str, interval_ms: int) -> int:
        if not limit_s or what == "cron":
            return limit_s * MS
        return max(limit_s * MS, _PATIENT_BARS * interval_ms)

    @property
    def look_every_ms(self) -> int:
        """How often the alarm looks: twice within the shortest of the limits, and three times within the venue's."""
        limits = (self.cron_reduce_s, self.cron_halt_s, self.data_reduce_s, self.data_halt_s)
        shortest_s = min((limit for limit in limits if limit), default=self.venue_s)
        return min(shortest_s * MS // 2, self.venue_s * MS // 3)
