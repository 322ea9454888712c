"""Decisions that build on one another: each command's events, and what follows from them, on one state. No log, no storage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from shared.desk import events as ev
from shared.desk import upkeep
from shared.desk.apply import apply
from shared.desk.commands import Command, Review
from shared.desk.context import Context, Mark
from shared.desk.decide import decide
from shared.desk.state import DeskState
from shared.model import Order
from shared.venues.venue import Offers

MOST_STEPS = 50


class Prices(Protocol):
    """The newest prices; `shared.desk.market.Market` is one."""

    @property
    def marks(self) -> Mapping[str, Mark]: ...

    @property
    def market_ms(self) -> int: ...


class Sight(Protocol):
    """What a decision sees beside the state: prices, and what is known of the venue."""

    @property
    def market(self) -> Prices: ...

    @property
    def offers(self) -> Offers: ...

    @property
    def reconciled(self) -> bool: ...

    @property
    def live_open(self) -> bool | None: ...


class Course:
    """Lives within one synchronous stretch. A subclass says where closed orders are found, and what becomes of an event."""

    def __init__(self, state: DeskState | None, sight: Sight, now_ms: int) -> None:
        self._sight = sight
        self._now_ms = now_ms
        self.state = state
        self.events: list[ev.Event] = []

    def order(self, client_id: str) -> Order | None:
        """Open or closed, as of now."""
        raise NotImplementedError

    def foresee(self, client_ids: Iterable[str]) -> None:
        """Orders that will be asked for, should reading them at once be cheaper."""

    def add(self, event: ev.Event) -> None:
        """What becomes of an event: at least `take`."""
        self.take(event, self._now_ms)

    def take(self, event: ev.Event, at_ms: int) -> None:
        """Into the state."""
        self.state = apply(self.state, event, at_ms)
        self.events.append(event)

    def decide(
        self, command: Command, client_id: str | None = None, known_fills: frozenset[str] = frozenset()
    ) -> list[ev.Event]:
        """Decides on the state and adds what happened and what follows from it; returns what the command itself led to.

        Raises what the rules raise: then the course is to be dropped.
        """
        sight = self._sight
        market = sight.market
        context = Context(
            self._now_ms,
            market.marks,
            market.market_ms,
            None if client_id is None else self.order(client_id),
            known_fills,
            sight.offers,
            sight.reconciled,
            sight.live_open,
        )
        begun = len(self.events)
        self._add_all(upkeep.before(self.state, command, context))
        found = decide(self.state, command, context)
        self._add_all(found)
        if len(self.events) > begun or isinstance(command, Review):
            self._keep_up(context)
        return found

    def _keep_up(self, context: Context) -> None:
        for _ in range(MOST_STEPS):
            if self.state is None or not (found := upkeep.after(self.state, context)):
                return
            self._add_all(found)
        raise RuntimeError(f"what follows from the state does not settle within {MOST_STEPS} steps")

    def _add_all(self, found: Iterable[ev.Event]) -> None:
        for event in found:
            self.add(event)
