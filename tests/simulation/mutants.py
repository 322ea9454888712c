"""Known mistakes, planted in the desk: the simulation has to find each of them, or it finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from shared.desk import account, answers, commands, decide, gates, outbox, session
from shared.desk import events as ev
from shared.desk.session import Session
from shared.desk.state import DeskState, DeskStatus
from shared.desk.store import Store
from shared.errors import Retryable
from tests.simulation.bans import ALWAYS
from tests.simulation.lapses import LAPSES
from tests.simulation.run import opened
from tests.simulation.slips import SLIPS


@contextmanager
def resends_blindly() -> Iterator[None]:
    """An order without an answer is taken for one that never left."""

    def sure(state: DeskState, command: commands.Unanswered, context: Any) -> list[ev.Event]:
        return _sent_anew(answers.unanswered(state, command, context))

    with patch.dict(decide._RULES, {commands.Unanswered: sure}):
        yield


@contextmanager
def wakes_sure_of_itself() -> Iterator[None]:
    """After a crash, what was sent is taken for unsent."""

    def sure(state: DeskState, command: commands.Wake, context: Any) -> list[ev.Event]:
        return _sent_anew(answers.wake(state, command, context))

    with patch.dict(decide._RULES, {commands.Wake: sure}):
        yield


def _sent_anew(found: list[ev.Event]) -> list[ev.Event]:
    lost = [each.client_id for each in found if isinstance(each, ev.OrderUnknown)]
    return [*found, *(ev.OrderNotFound(client_id=name) for name in lost)]


@contextmanager
def books_twice() -> Iterator[None]:
    """Fills that are booked already are booked again."""

    def put(store: Store, fills: Sequence[tuple[str, str, int]]) -> None:
        for fill in fills:
            store._sql.rows("INSERT OR REPLACE INTO fills (fill_id, client_id, seq) VALUES (?, ?, ?)", *fill)

    with patch.object(Store, "known_fills", lambda *_: frozenset()), patch.object(Store, "put_fills", put):
        yield


@contextmanager
def enters_while_halted() -> Iterator[None]:
    """The gates take every desk for an active one."""
    check = gates.check

    def blind(state: DeskState, *rest: Any) -> Any:
        return check(state.but(status=DeskStatus.ACTIVE), *rest)

    with patch.object(gates, "check", blind):
        yield


@contextmanager
def halts_without_cancelling() -> Iterator[None]:
    """A halt leaves what is open open."""
    with patch.object(account, "cancel_for_halt", lambda *_, **__: []):
        yield


@contextmanager
def drops_late_fills() -> Iterator[None]:
    """What fills after an order was closed is not booked."""
    reported = answers.reported

    def deaf(state: DeskState, command: Any, context: Any) -> Any:
        closed = context.prior is not None and not context.prior.status.is_open
        return [] if closed else reported(state, command, context)

    with patch.dict(decide._RULES, {commands.Reported: deaf}):
        yield


@contextmanager
def forgets_the_journal() -> Iterator[None]:
    """The outbox moves on whether or not D1 has taken what it was given."""
    send = outbox.Outbox._send

    async def careless(box: outbox.Outbox) -> None:
        try:
            await send(box)
        except Retryable:
            box.watermark = box._session.head.seq
            box._session.store.put_meta("outbox_seq", str(box.watermark))

    with patch.object(outbox.Outbox, "_send", careless):
        yield


@contextmanager
def sells_twice() -> Iterator[None]:
    """What open sells promise is not taken off what can be sold."""
    with patch.object(DeskState, "free_qty", lambda state, name: max(state.position(name).qty, 0)):
        yield


@contextmanager
def doubles_the_limits() -> Iterator[None]:
    """The gates take every notional limit for twice what it is."""
    check = gates.check

    def generous(state: DeskState, *rest: Any) -> Any:
        names = ("max_order_notional", "max_symbol_notional", "max_total_notional")
        twice = {name: 2 * getattr(state.limits, name) for name in names}
        return check(state.but(limits=state.limits.model_copy(update=twice)), *rest)

    with patch.object(gates, "check", generous):
        yield


@contextmanager
def loses_the_tail() -> Iterator[None]:
    """Waking stops at the newest snapshot."""

    def short(self: Session) -> None:
        self.state, self.head = self.store.snapshot()
        if self.state is None:
            load(self)

    load = session.Session.load
    with patch.object(Session, "load", short):
        yield


Mutant = Callable[[], AbstractContextManager[Any]]
MUTANTS: dict[str, tuple[Mutant, tuple[str, ...]]] = {
    "resends_blindly": (resends_blindly, ("was sent again",)),
    "wakes_sure_of_itself": (wakes_sure_of_itself, ("was sent again",)),
    "books_twice": (books_twice, ("was booked twice",)),
    "enters_while_halted": (enters_while_halted, ("was intended while not active",)),
    "halts_without_cancelling": (halts_without_cancelling, ("an entry still rests", "was sent while halted")),
    "drops_late_fills": (drops_late_fills, ("fills are not booked",)),
    "forgets_the_journal": (forgets_the_journal, ("the journal in D1",)),
    "sells_twice": (sells_twice, ("reduces more than",)),
    "doubles_the_limits": (doubles_the_limits, ("goes beyond max_",)),
    "loses_the_tail": (loses_the_tail, ("its log adds up to", "UNIQUE constraint", "log is broken")),
    **{name: (planted, (f"was intended against {which}",)) for name, (which, planted) in LAPSES.items()},
    **SLIPS,
}
"""The mistake, and words of a rule that it breaks."""


def may_show(name: str, seed: int) -> bool:
    """Whether the run has what the mistake is in; the others need not be run to know that they do not show it."""
    if name not in LAPSES or LAPSES[name][0] in ALWAYS:
        return True
    return LAPSES[name][0] in opened(seed)["protections"]


def breaks(wrongs: list[str], words: tuple[str, ...]) -> bool:
    return any(word in wrong for wrong in wrongs for word in words)
