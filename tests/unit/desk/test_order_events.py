"""The events of orders and levels in the log: their kinds, what each must say, and what one says that leaves the rest out."""

from __future__ import annotations

import pytest

from shared.desk import order_events
from tests.unit.desk.bodies_of import BY, FILL, ID, NAME, OTHER, Row, kinds_of, reads_as_it_is, refuses_another

ORDER = {"client_id": ID, "instrument": NAME, "side": "buy", "kind": "market", "qty": "1", "cause": "manual"}
ORDER |= {"by": "me", "reference_price": "100", "market_ms": 1, "intended_ms": 2}
LEVEL = {"instrument": NAME, "kind": "stop", "side": "sell", "price": "95"}
CROSSED = {"level": LEVEL, "price": "94", "market_ms": 4, "client_id": ID}
OF_ORDER = {"client_id": ID}
WHO = {"by": "", "note": ""}
NO_LEVELS = {"stop_price": None, "target_price": None, "trail_distance": None}
REFUSED = {"client_id": ID, "instrument": NAME, "side": "buy", "code": "halted", "detail": "not now"}

EVENTS: dict[str, Row] = {
    "order_intended": ({"order": ORDER}, {}),
    "order_sent": (OF_ORDER, {}),
    "order_acknowledged": ({**OF_ORDER, "venue_order_id": "v1"}, WHO),
    "order_rejected": ({**OF_ORDER, "code": "no"}, {"detail": ""}),
    "order_filled": ({"fill": FILL, "value": "100", "status": "filled"}, {**NO_LEVELS, "cause": None, "entry": None}),
    "order_cancel_requested": ({**OF_ORDER, **BY}, {}),
    "order_cancelled": ({**OF_ORDER, "reason": "asked"}, WHO),
    "order_expired": ({**OF_ORDER, "reason": "stale_intent"}, {}),
    "order_unknown": ({**OF_ORDER, "reason": "woke"}, {}),
    "order_not_found": (OF_ORDER, {}),
    "replacement_intended": ({**OF_ORDER, "order": ORDER}, {}),
    "replacement_dropped": ({**OF_ORDER, "order_id": OTHER, "code": "filled", "detail": "nothing is left"}, {}),
    "proposal_refused": (
        {**REFUSED, "signal_id": OTHER, "strategy": "sma_cross", "action": "enter", "bar_close_ms": 5},
        {},
    ),
    "order_refused": ({**REFUSED, "by": "me"}, {}),
    "level_triggered": (CROSSED, {}),
    "level_awaited": (CROSSED, {}),
    "levels_moved": ({"instrument": NAME, "by": "desk"}, NO_LEVELS),
}


def test_every_kind_of_the_module_stands_here() -> None:
    assert kinds_of(order_events) == {*EVENTS}


@pytest.mark.parametrize("kind", EVENTS)
def test_a_body_reads_as_what_it_says_and_the_rest_as_what_it_was_before(kind: str) -> None:
    reads_as_it_is(kind, EVENTS[kind])


@pytest.mark.parametrize("kind", EVENTS)
def test_a_body_that_lacks_or_adds_something_is_not_read(kind: str) -> None:
    refuses_another(kind, EVENTS[kind])
