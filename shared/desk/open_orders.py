"""The open orders of a desk, sorted as the rules ask for them: by instrument, and by what is special about some of them.

A state's orders differ from those of the state before by one order, so they are sorted once and from then on moved by that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from shared.model import Cause, Order, OrderKind, Side


def is_guard(order: Order) -> bool:
    """Whether it rests at the venue to end a position at its stop or target, and takes itself away for any other sell."""
    return order.cause in (Cause.STOP, Cause.TARGET) and order.kind is not OrderKind.MARKET


class Sorted(NamedTuple):
    """`of` are the orders of an instrument, as they were intended; `bought` and `guarded` count its buys and its guards where it
    has some, `timed` all orders that are good until some time."""

    of: Mapping[str, tuple[Order, ...]]
    bought: Mapping[str, int]
    guarded: Mapping[str, int]
    timed: int


class Change(NamedTuple):
    """What tells some orders from the ones that they came from, which are known by their `mark`."""

    mark: object
    gone: Order | None
    come: Order | None


class OpenOrders(dict[str, Order]):
    """By client id, in the order in which they were intended. Like every mapping of a state it is replaced, never changed."""

    __slots__ = ("_sorted", "change", "mark")

    def __init__(self, orders: Mapping[str, Order] | None = None) -> None:
        super().__init__(orders or {})
        self._sorted: Sorted | None = None
        self.mark = object()
        self.change: Change | None = None

    def having(self, order: Order) -> OpenOrders:
        """With this order, in the place of the one of its id."""
        after = OpenOrders(self)
        after[order.client_id] = order
        return self._moved(after, self.get(order.client_id), order)

    def without(self, client_id: str) -> OpenOrders:
        """Without the order of that id, if there is one."""
        after = OpenOrders(self)
        return self._moved(after, after.pop(client_id, None), None)

    def _moved(self, after: OpenOrders, gone: Order | None, come: Order | None) -> OpenOrders:
        after.change = Change(self.mark, gone, come)
        if self._sorted is not None and (gone is None or come is None or gone.instrument == come.instrument):
            after._sorted = _moved(self._sorted, gone, come)
        return after

    @property
    def sorted(self) -> Sorted:
        """Made when it is first asked for."""
        if self._sorted is None:
            found = Sorted({}, {}, {}, 0)
            for order in self.values():
                found = _moved(found, None, order)
            self._sorted = found
        return self._sorted

    def of(self, instrument: str) -> tuple[Order, ...]:
        """The orders of one instrument."""
        return self.sorted.of.get(instrument, ())


def _moved(before: Sorted, gone: Order | None, come: Order | None) -> Sorted:
    """By one order that went, came, or took the place of another of its instrument."""
    either = come or gone
    if either is None:
        return before
    name, of = either.instrument, dict(before.of)
    if gone is None:
        own = (*of.get(name, ()), either)
    elif come is None:
        own = tuple(each for each in of[name] if each is not gone)
    else:
        own = tuple(come if each is gone else each for each in of[name])
    if own:
        of[name] = own
    else:
        del of[name]
    if gone is not None and come is not None and _same_kind(gone, come):
        return before._replace(of=of)
    return Sorted(
        of,
        _counted(before.bought, name, _is(_is_buy, come) - _is(_is_buy, gone)),
        _counted(before.guarded, name, _is(_guards_long, come) - _is(_guards_long, gone)),
        before.timed + _is(_is_timed, come) - _is(_is_timed, gone),
    )


def _same_kind(one: Order, other: Order) -> bool:
    """Whether they count alike: all that the moves of one order leave as it is."""
    return (one.side, one.kind, one.cause, one.good_till_ms) == (
        other.side,
        other.kind,
        other.cause,
        other.good_till_ms,
    )


def _is(what: Callable[[Order], bool], order: Order | None) -> int:
    return int(order is not None and what(order))


def _is_buy(order: Order) -> bool:
    return order.side is Side.BUY


def _guards_long(order: Order) -> bool:
    return order.side is Side.SELL and is_guard(order)


def _is_timed(order: Order) -> bool:
    return order.good_till_ms is not None


def _counted(counts: Mapping[str, int], name: str, by: int) -> Mapping[str, int]:
    if not by:
        return counts
    count = counts.get(name, 0) + by
    if count:
        return {**counts, name: count}
    return {each: n for each, n in counts.items() if each != name}
