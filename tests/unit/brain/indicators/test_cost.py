"""What an update costs, counted and not timed: lines that run and items that are looked through; no more with a longer period."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from tests.unit.brain.indicators.market import SETTINGS, make, market, walk

pytestmark = pytest.mark.native
BARS = 1500
SHORT, LONG = 2, 32
"""How many times the first of each indicator's settings."""
THROUGH = (
    "sum",
    "min",
    "max",
    "sorted",
    "list",
    "tuple",
    "any",
    "all",
    "map",
    "zip",
    "accumulate",
    "reversed",
    "islice",
)
"""What goes through all it is given without a line of ours."""
MARKET = market(walk(4, BARS))
LOGARITHMIC = {"Cci"}
"""Places are found among sorted bars, and the part above the mean is added up in one call: docs/indicators.md says so."""


class Work:
    """Counts lines of the indicators' own files, and the items that built-ins are given by them."""

    def __init__(self) -> None:
        self.done = 0

    def counted(self, known: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*given: Any, **named: Any) -> Any:
            self.done += sum(len(each) for each in given if hasattr(each, "__len__"))
            return known(*given, **named)

        return counting

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> Any:
        """A tracer."""
        if not str(frame.f_globals.get("__name__")).startswith("brain.indicators"):
            return None
        self.done += event == "line"
        return self


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    found = Work()
    counted_math = type(sys)("counted_math")
    vars(counted_math).update({name: value for name, value in vars(math).items() if not name.startswith("__")})
    for name in ("fsum", "prod"):
        setattr(counted_math, name, found.counted(getattr(math, name)))
    for name, module in list(sys.modules.items()):
        if not name.startswith("brain.indicators."):
            continue
        for each in THROUGH:
            known = vars(module).get(each, vars(sys.modules["builtins"]).get(each))
            if known is not None:
                monkeypatch.setattr(module, each, found.counted(known), raising=False)
        for each in ("fsum", "prod"):
            if each in vars(module):
                monkeypatch.setattr(module, each, getattr(counted_math, each))
        if "math" in vars(module):
            monkeypatch.setattr(module, "math", counted_math)
    return found


def an_update(work: Work, name: str, times: int) -> float:
    """On average over a market of `BARS` bars."""
    made = make(name, [each * times if type(each) is int else each for each in SETTINGS[name][0]])
    rows = list(zip(*(MARKET[column] for column in made.inputs), strict=True))
    work.done = 0
    before = sys.gettrace()
    sys.settrace(work)
    try:
        for row in rows:
            made.update(*row)
    finally:
        sys.settrace(before)
    return work.done / BARS


@pytest.mark.parametrize("name", [name for name in SETTINGS if name not in LOGARITHMIC])
def test_a_period_sixteen_times_as_long_costs_no_more(work: Work, name: str) -> None:
    short, long = an_update(work, name, SHORT), an_update(work, name, LONG)
    assert short > 0
    # before it is warm it does less, while it is filled a little more
    assert long <= 1.3 * short + 3, f"{short:.1f} and {long:.1f} lines and items"


@pytest.mark.parametrize("name", sorted(LOGARITHMIC))
def test_one_that_is_kept_sorted_runs_no_line_more(work: Work, name: str) -> None:
    short, long = an_update(work, name, SHORT), an_update(work, name, LONG)
    assert long <= short + SETTINGS[name][0][0] * LONG
