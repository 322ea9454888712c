"""docs/indicators.md is made from the indicators, and every oracle it names is one that the tests ask."""

import pytest

from brain.indicators import INDICATORS
from tests.unit.brain.indicators.reference import REFERENCE
from tools.indicator_docs import PAGE, page, said

pytest.importorskip("talib", reason="TA-Lib only runs natively")

from tests.unit.brain.indicators.talib_says import SAYS


def test_the_page_is_what_the_docstrings_say() -> None:
    assert PAGE.read_text() == page(), "run python -m tools.indicator_docs"


@pytest.mark.parametrize("name", INDICATORS)
def test_every_oracle_that_is_named_is_asked(name: str) -> None:
    oracle = said(INDICATORS[name], "Oracle")
    assert ("TA-Lib" in oracle) == (name in SAYS)
    assert ("the formula" in oracle) == (name in REFERENCE)


@pytest.mark.parametrize("name", [name for name in INDICATORS if name in SAYS])
def test_the_functions_that_are_named_are_those_of_ta_lib(name: str) -> None:
    import talib

    functions = said(INDICATORS[name], "Oracle").split(";")[0].removeprefix("TA-Lib ").split(", ")
    assert set(functions) <= set(talib.get_functions())
