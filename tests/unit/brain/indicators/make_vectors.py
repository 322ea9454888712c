"""Writes vectors.json: what TA-Lib says of a few markets. Run it from the root, natively:

python -m tests.unit.brain.indicators.make_vectors
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import talib

from brain.indicators import INDICATORS
from tests.unit.brain.indicators.market import CASES, market, walk
from tests.unit.brain.indicators.talib_says import SAYS, says

PATH = Path(__file__).parent / "vectors.json"
LENGTH = 75
EVERY = 3
"""Of all values each third one is kept: an average remembers those between."""


def short(values: list[float]) -> list[float | None]:
    """Twelve digits, None for NaN."""
    return [None if math.isnan(value) else float(f"{value:.12g}") for value in values[::EVERY]]


def vectors() -> dict[str, Any]:
    """All of them."""
    walked = walk(31, LENGTH)
    markets = {
        "walk": market(walked),
        "spike": market([*walk(32, 40), 4000.0, *walk(33, LENGTH - 41)]),
    }
    markets = {
        kind: {name: [float(f"{value:.8g}") for value in values] for name, values in columns.items()}
        for kind, columns in markets.items()
    }
    cases = [
        {
            "indicator": name,
            "settings": list(chosen),
            "market": kind,
            "lines": {
                line: short(values)
                for line, values in says(
                    name, () if name == "Vwap" else chosen, columns, INDICATORS[name].lines
                ).items()
            },
        }
        for name, chosen in CASES
        if name in SAYS and (name != "Vwap" or not chosen)
        for kind, columns in markets.items()
    ]
    return {"source": f"TA-Lib {talib.__ta_version__.decode()}", "every": EVERY, "markets": markets, "cases": cases}


if __name__ == "__main__":
    PATH.write_text(json.dumps(vectors(), separators=(",", ":")) + "\n")
