"""An order in the venue's own steps, and no smaller than it takes."""

from __future__ import annotations

import pytest

from tests.unit.desk.bench import instrument, opening
from tests.unit.desk.protections.core import Core


def desk(**steps: str) -> Core:
    core = Core()
    limits = core.known.limits.wire()
    paper = {"fee_bps": "0", "slippage_bps": "0", "volume_share_bps": 1000}
    core.open(opening(instruments=[instrument("AAA", **steps)], limits=limits, paper=paper))
    return core


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"kind": "limit", "limit_price": "99.99"}, ""),
        ({"kind": "limit", "limit_price": "99.995"}, "tick"),
        ({"stop_price": "95.005"}, "tick"),
        ({"target_price": "105.005"}, "tick"),
        ({"qty": "1.5"}, "lot"),
        ({"qty": "3"}, "min_notional"),
        ({"qty": "2"}, "min_qty"),
        ({"qty": "4"}, ""),
    ],
)
def test_what_the_venue_would_reject_is_not_sent(terms: dict[str, str], code: str) -> None:
    core = desk(min_qty="3", min_notional="400")
    found = core.place("AAA", **{"qty": "5", **terms})
    assert found == code if code else len(found) == 32


def test_a_way_out_may_be_smaller_but_not_off_the_lot() -> None:
    core = desk()
    core.hold("AAA", "10")
    limits = core.known.limits.wire()
    listed = [instrument("AAA", lot="4", min_qty="4", min_notional="5000")]
    core.open(opening(instruments=listed, limits=limits, paper=core.known.paper.wire()))
    assert core.place("AAA", "sell", "3", reduce_only=True) == "lot"
    assert len(core.place("AAA", "sell", "4", reduce_only=True)) == 32
    assert len(core.place("AAA", "sell", "6", reduce_only=True)) == 32
