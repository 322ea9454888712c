"""Evidence is read strictly."""

from __future__ import annotations

from typing import Any

import pytest

from brain.decisions.evidence import MOST, read
from shared.errors import Invalid

EVENT = {"symbol": "AAA", "bias": 0.5, "at_ms": 1, "half_life_bars": 2, "source": "news", "hash": "0" * 8}
OUTCOME = {"strategy": "one", "symbol": "AAA", "r": -1, "closed_ms": 5}
REGIME = {"symbol": "AAA", "regime": "noisy", "at_ms": 1}


def test_every_kind_is_read_and_may_be_left_out() -> None:
    found = read({"events": [EVENT], "outcomes": [OUTCOME], "regimes": [REGIME]})
    assert [len(each) for each in found] == [1, 1, 1]
    assert read({}) == ((), (), ())


@pytest.mark.parametrize(
    ("evidence", "field"),
    [
        ({"weather": 1}, "evidence.weather"),
        ({"events": {}}, "evidence.events"),
        ({"events": [EVENT] * (MOST + 1)}, "evidence.events"),
        ({"events": [1]}, "evidence.events.0"),
        ({"events": [EVENT, {**EVENT, "bias": 1.5}]}, "evidence.events.1.bias"),
        ({"events": [{**EVENT, "symbol": "a b"}]}, "evidence.events.0.symbol"),
        ({"events": [{**EVENT, "half_life_bars": 0}]}, "evidence.events.0.half_life_bars"),
        ({"events": [{**EVENT, "at_ms": 1.5}]}, "evidence.events.0.at_ms"),
        ({"events": [{**EVENT, "hash": "xyz"}]}, "evidence.events.0.hash"),
        ({"events": [{**EVENT, "source": ""}]}, "evidence.events.0.source"),
        ({"events": [{**EVENT, "more": 1}]}, "evidence.events.0.more"),
        ({"outcomes": [{**OUTCOME, "r": float("nan")}]}, "evidence.outcomes.0.r"),
        ({"outcomes": [{**OUTCOME, "r": "1"}]}, "evidence.outcomes.0.r"),
        ({"outcomes": [{**OUTCOME, "closed_ms": -1}]}, "evidence.outcomes.0.closed_ms"),
        ({"outcomes": [{**OUTCOME, "id": "short"}]}, "evidence.outcomes.0.id"),
        ({"regimes": [{**REGIME, "regime": "sunny"}]}, "evidence.regimes.0.regime"),
    ],
)
def test_what_breaks_a_rule_is_named(evidence: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(evidence)
    assert caught.value.context["field"] == field
    assert caught.value.detail.startswith(field)
