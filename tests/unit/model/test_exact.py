"""Exact decimals: what is read is what is written, and nothing is ever rounded in silence."""

from decimal import Decimal, Inexact

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import exact

AMOUNTS = st.decimals(min_value=-(10**18) + 1, max_value=10**18 - 1, places=18, allow_nan=False, allow_infinity=False)
STEPS = st.sampled_from([Decimal(text) for text in ("0.00000001", "0.00001", "0.01", "0.05", "0.25", "1", "7", "100")])


@given(AMOUNTS)
def test_text_reads_back_as_the_same_number(value: Decimal) -> None:
    assert exact.parse(exact.text(value)) == value


@given(AMOUNTS)
def test_text_is_canonical(value: Decimal) -> None:
    written = exact.text(value)
    assert "e" not in written.lower()
    assert exact.text(exact.parse(written)) == written
    assert not ("." in written and written.endswith("0"))


@pytest.mark.parametrize(
    "bad",
    [1.5, 1, True, None, "NaN", "Infinity", "-inf", "1e5", "1e400", "", " 1", "1 ", "0x1", "1,5", "1" * 19, "٣", "."],
)
def test_what_is_not_a_plain_decimal_is_refused(bad: object) -> None:
    with pytest.raises(ValueError):
        exact.parse(bad)


@pytest.mark.parametrize("bad", [Decimal("NaN"), Decimal("Infinity")])
def test_a_decimal_that_is_not_finite_is_refused(bad: Decimal) -> None:
    with pytest.raises(ValueError, match="finite"):
        exact.parse(bad)


@given(AMOUNTS, AMOUNTS)
def test_sums_undo_themselves(a: Decimal, b: Decimal) -> None:
    assert exact.subtract(exact.add(a, b), b) == a


@given(AMOUNTS, AMOUNTS)
def test_products_of_bounded_numbers_are_exact(a: Decimal, b: Decimal) -> None:
    numerator = int(a.scaleb(18, exact.EXACT)) * int(b.scaleb(18, exact.EXACT))
    assert int(exact.multiply(a, b).scaleb(36, exact.EXACT)) == numerator


def test_what_would_round_raises() -> None:
    third = exact.divide(Decimal(1), Decimal(3), 80)
    with pytest.raises(Inexact):
        exact.multiply(third, third)


@given(AMOUNTS, STEPS)
def test_rounding_lands_on_the_step_and_on_the_right_side(value: Decimal, step: Decimal) -> None:
    down, up, near = (round_to(value, step) for round_to in (exact.floor_to, exact.ceil_to, exact.nearest_to))
    assert all(exact.on_step(found, step) for found in (down, up, near))
    assert abs(down) <= abs(value) <= abs(up)
    assert abs(exact.subtract(up, down)) <= step
    assert near in (down, up)


def test_a_division_is_rounded_half_even_at_the_places_asked_for() -> None:
    assert exact.divide(Decimal(1), Decimal(8), 2) == Decimal("0.12")
    assert exact.divide(Decimal(3), Decimal(8), 2) == Decimal("0.38")
