"""What every job is handed, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from shared.alerts.channel import Channel
from shared.archive.candles import Bars
from shared.archive.hot import Window
from shared.clock import Clock
from shared.config import CronSettings, VenueConfig
from shared.ports import Database, JobQueue, KeyValue, ObjectStore, Peer, Peers, Waits
from shared.venues.trouble import Trouble
from shared.venues.venue import MarketData


class Markets(Protocol):
    """Makes the market data of one run."""

    def __call__(self, venue: str, trouble: Trouble) -> MarketData:
        """Market data of a configured venue; what is wrong with its answers goes to `trouble`."""


@dataclass(frozen=True)
class Ports:
    """The platform, as a job sees it. `counting` yields the operations counted inside its block."""

    db: Database
    store: ObjectStore
    hot: KeyValue
    queue: JobQueue
    brain: Peer
    desks: Peers
    books: Peers
    markets: Markets
    clock: Clock
    waits: Waits
    jitter: Callable[[], float]
    token: Callable[[], str]
    counting: Callable[[], AbstractContextManager[Mapping[str, int]]]
    channels: Mapping[str, Channel] = field(default_factory=dict)


@dataclass(frozen=True)
class Ingested:
    """What ingest left for the scan that follows it. `before` and `marks` are watermarks: open times of newest bars."""

    market_ms: int
    new: Bars
    before: Mapping[str, int]
    marks: Mapping[str, int]
    complete: bool
    window: Window | None = None


@dataclass(frozen=True)
class Scanned:
    """The desk's market days that ended with what was scanned."""

    days: tuple[str, ...] = ()


class Done(NamedTuple):
    """What a job did. `problems` are failures that did not stop it: they are recorded with the run."""

    counts: dict[str, int]
    problems: tuple[str, ...] = ()
    value: Ingested | Scanned | None = None


@dataclass(frozen=True)
class Context:
    """One run: `now_ms` is the trigger's time, `scope` the venue or desk, `run` its id, `ingested` this tick's bars.

    `tries_left`: how often its message will be delivered again; below 0, an earlier delivery ended the worker itself.
    """

    ports: Ports
    settings: CronSettings
    now_ms: int
    scope: str = ""
    run: str = ""
    ingested: Mapping[str, Ingested] = field(default_factory=dict)
    tries_left: int = 0

    def venue(self, name: str) -> VenueConfig:
        """The settings of a configured venue."""
        return self.settings.VENUES[name]
