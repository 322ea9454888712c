"""The events of the account in the log: their kinds, what each must say, and what one says that leaves the rest out."""

from __future__ import annotations

import json

import pytest

from shared.config import Limits, Paper
from shared.desk import account_events
from shared.model import Instrument
from tests.unit.desk.bench import LIMITS, PAPER, instrument
from tests.unit.desk.bodies_of import BY, FILL, ID, Row, kinds_of, reads_as_it_is, refuses_another

RULES = {"limits": Limits.parse(json.dumps(LIMITS)).wire(), "paper": Paper.parse(json.dumps(PAPER)).wire()}
LISTED = Instrument.parse(json.dumps(instrument("AAA"))).wire()
REHEARSED = {"rehearsed_as": None, "rehearsal_days": 30}
OPENED = {
    "desk": "alpha",
    "mode": "paper",
    "venue": "us",
    "interval_ms": 60_000,
    "currency": "USD",
    "cash": "1",
} | RULES

EVENTS: dict[str, Row] = {
    "desk_opened": (OPENED, {"protections": {}, "trading": {"kind": "paper"}, **REHEARSED}),
    "limits_changed": (RULES, REHEARSED),
    "protections_changed": ({"protections": {"cooldown": {"for_s": 60}}}, {}),
    "instruments_listed": ({"instruments": [LISTED]}, {"removed": []}),
    "equity_marked": ({"peak": "10", "day_ms": 0, "day_start": "9"}, {}),
    "reduced": ({"code": "daily_loss", **BY}, {"until_ms": None, "clock": "wall"}),
    "reduction_lifted": ({"code": "daily_loss", "reason": "over"}, {}),
    "halted": (BY, {"code": "asked", "hold_until_ms": 0, "flatten": False}),
    "resume_requested": ({**BY, "confirm_hash": "h", "expires_ms": 6}, {}),
    "resume_expired": ({}, {}),
    "resumed": (BY, {}),
    "venue_lost": ({"since_ms": 7, "detail": "time-out"}, {}),
    "venue_back": ({}, {}),
    "fill_found": ({**{k: v for k, v in FILL.items() if k != "client_id"}, "value": "100", "explanation": "hand"}, {}),
    "difference_found": (
        {"id": ID, "difference": "cash", "subject": "USD", "ours": "1", "theirs": "2", "detail": "since noon"},
        {},
    ),
    "difference_resolved": ({"id": ID, "how": "accepted", "by": "edk_1"}, {"reason": ""}),
    "ledger_adjusted": (BY, {"asset": None, "amount": "0", "instrument": None, "qty": "0", "cost": "0"}),
    "arm_requested": ({**BY, "confirm_hash": "h", "expires_ms": 6, "until_ms": 8}, {}),
    "armed": ({**BY, "until_ms": 8}, {}),
    "disarmed": (BY, {}),
}


def test_every_kind_of_the_module_stands_here() -> None:
    assert kinds_of(account_events) == {*EVENTS}


@pytest.mark.parametrize("kind", EVENTS)
def test_a_body_reads_as_what_it_says_and_the_rest_as_what_it_was_before(kind: str) -> None:
    reads_as_it_is(kind, EVENTS[kind])


@pytest.mark.parametrize("kind", EVENTS)
def test_a_body_that_lacks_or_adds_something_is_not_read(kind: str) -> None:
    refuses_another(kind, EVENTS[kind])
