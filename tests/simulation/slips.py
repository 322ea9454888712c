"""Mistakes at the way out, planted: what is sent, when it may be sent, and which limits are forgotten altogether."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from shared.desk import answers, effects, entries, live_gate, modes
from shared.desk.effects import Effects
from shared.desk.equity_breaker import EquityBreaker
from shared.desk.protections.exposure import Exposure
from shared.desk.protections.leverage import Leverage
from shared.errors import Refused, Retryable
from shared.model import Entry, Order
from shared.venues.venue import Offers


@contextmanager
def changes_its_mind() -> Iterator[None]:
    """Every second time, an order goes out for one more."""
    times: Counter[str] = Counter()
    as_offered = effects.as_offered

    def another(order: Order, offers: Offers) -> Order:
        times[order.client_id] += 1
        return as_offered(order, offers).model_copy(update={"qty": order.qty + times[order.client_id] % 2})

    with patch.object(effects, "as_offered", another):
        yield


@contextmanager
def sends_before_it_is_stored() -> Iterator[None]:
    """An order leaves while the log still says that it did not."""

    def leave(self: Effects, client_ids: list[str]) -> set[str]:
        self._busy |= set(client_ids)
        return set(client_ids)

    async def place(self: Effects, client_id: str, _first: bool) -> None:
        order = self._order(client_id)
        if order is not None:
            try:
                self._told(await self._venue.place(order))
            except (Retryable, Refused):
                return

    with patch.object(Effects, "_leave", leave), patch.object(Effects, "_place", place):
        yield


@contextmanager
def sends_whatever_came_meanwhile() -> Iterator[None]:
    """Nobody looks, before an entry leaves, whether the desk was stopped."""
    with patch.object(answers, "_over", lambda *_: None):
        yield


@contextmanager
def needs_no_arming() -> Iterator[None]:
    """A live desk is taken for armed."""

    def always(*_: Any) -> live_gate.Item:
        return live_gate.Item("armed", True, "")

    with (
        patch.object(live_gate, "_armed", always),
        patch.object(live_gate, "expired", lambda *_: False),
        patch.object(modes, "expired", lambda *_: False),
    ):
        yield


@contextmanager
def forgets_the_groups() -> Iterator[None]:
    """Symbols that move together are taken for many bets."""
    with patch.object(Exposure, "_groups_of", lambda *_: iter(())):
        yield


@contextmanager
def forgets_the_leverage() -> Iterator[None]:
    with patch.object(Leverage, "refuse", lambda *_: None), patch.object(Leverage, "rooms", lambda *_: ()):
        yield


@contextmanager
def loses_without_end() -> Iterator[None]:
    """No loss is one too many."""
    with patch.object(EquityBreaker, "finds", lambda *_: None):
        yield


@contextmanager
def takes_a_person_for_a_strategy() -> Iterator[None]:
    """Whoever buys is believed to have had a proposal."""
    bought = entries.bought

    def blind(*about: Any) -> Entry | None:
        found = bought(*about)
        return found and found.model_copy(update={"proposed": True})

    with patch.object(entries, "bought", blind):
        yield


@contextmanager
def forgets_the_risk_of_what_is_added() -> Iterator[None]:
    """A position is at the risk that it was opened with, whatever is bought after that."""
    with patch.object(Entry, "joined_by", lambda entry, more: entry):
        yield


SLIPS: dict[str, tuple[Callable[[], AbstractContextManager[None]], tuple[str, ...]]] = {
    "changes_its_mind": (changes_its_mind, ("was sent with two bodies",)),
    "sends_before_it_is_stored": (sends_before_it_is_stored, ("was sent before that was stored",)),
    "sends_whatever_came_meanwhile": (sends_whatever_came_meanwhile, ("was sent while",)),
    "needs_no_arming": (needs_no_arming, ("that is not armed",)),
    "forgets_the_groups": (forgets_the_groups, ("goes beyond the group",)),
    "forgets_the_leverage": (forgets_the_leverage, ("goes beyond leverage",)),
    "takes_a_person_for_a_strategy": (takes_a_person_for_a_strategy, ("round trips are",)),
    "forgets_the_risk_of_what_is_added": (forgets_the_risk_of_what_is_added, ("round trips are",)),
    "loses_without_end": (loses_without_end, ("goes beyond max_drawdown", "goes beyond daily_loss")),
}
"""The mistake, and words of a rule that it breaks."""
