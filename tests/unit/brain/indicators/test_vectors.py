"""The indicators against what TA-Lib said, frozen, so that every interpreter can be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.brain.indicators.market import label, numbers, run

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
ONE_SESSION = 10**15


@pytest.mark.parametrize(
    "case",
    VECTORS["cases"],
    ids=lambda case: f"{case['indicator']}-{label(tuple(case['settings']))}-{case['market']}",
)
def test_equals_the_frozen_vectors_of_ta_lib(case: dict[str, Any]) -> None:
    columns = VECTORS["markets"][case["market"]]
    chosen = [ONE_SESSION] if case["indicator"] == "Vwap" else case["settings"]
    got = run(case["indicator"], chosen, columns)
    for line, values in case["lines"].items():
        assert got[line][:: VECTORS["every"]] == pytest.approx(numbers(values), rel=1e-9, abs=1e-9, nan_ok=True), line
