"""Plays the market in lockstep with the cron: one bar closes on every clock, then the minute trigger fires."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tools.failure import ToolError
from tools.replay import ReplayServer
from tools.stack import Stack

CRON = "* * * * *"


@dataclass
class Player:
    """`play_bar` is one step of market time; a scan therefore fires exactly once per closed bar."""

    stack: Stack
    replay: ReplayServer
    venues: list[str]

    def clocks(self) -> dict[str, int]:
        """Market time of each venue, milliseconds."""
        return {venue: self.replay.clock(venue).market_ms for venue in self.venues}

    @property
    def ended(self) -> bool:
        """Whether every market has been played to its end."""
        return all(self.replay.clock(venue).ended for venue in self.venues)

    def fire(self) -> None:
        """One cron tick, waited for; raises ToolError when its handler failed."""
        outcome = self.stack.scheduled("cron", CRON, time.time_ns() // 1_000_000)
        if outcome != "ok":
            raise ToolError(f"the cron handler ended with {outcome!r}; see the log in STATE_DIR")

    def play_bar(self) -> None:
        """The next bar closes on every clock that has one, and the cron fires."""
        for venue in self.venues:
            self.replay.step(venue)
        self.fire()
