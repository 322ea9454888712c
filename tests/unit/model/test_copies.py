"""A copy of a noun is a value of its own: nothing that was worked out for the one is told of the other."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from shared.model import Instrument, LevelKind, Money, Position, exact

NUMBERS = {name: Decimal(1) for name in ("tick", "lot", "min_qty", "min_notional", "multiplier")}


def instrument() -> Instrument:
    return Instrument(venue="us", symbol="AAA", base="AAA", quote="USD", settle="USD", **NUMBERS)


def test_a_copy_works_its_own_id_out() -> None:
    one = instrument()
    assert one.id == "us:AAA"
    other = one.model_copy(update={"symbol": "BBB"})
    assert (one.id, other.id) == ("us:AAA", "us:BBB")
    assert other.model_copy(update={"symbol": "AAA"}) == one


def test_what_was_worked_out_is_no_part_of_the_value() -> None:
    one, other = instrument(), instrument()
    before = one.json_text()
    assert one.id
    assert one == other
    assert hash(one) == hash(other)
    assert one.json_text() == before == one.model_dump_json()
    assert set(one.wire()) == set(Instrument.model_fields)
    assert Instrument.parse(before) == one


def test_a_position_that_moved_has_other_levels() -> None:
    held = Position(instrument="us:AAA", qty=Decimal(1), stop_price=Decimal(9))
    assert [(level.kind, level.price) for level in held.levels] == [(LevelKind.STOP, Decimal(9))]
    moved = held.model_copy(update={"stop_price": Decimal(8), "target_price": Decimal(12)})
    assert [(level.kind, level.price) for level in moved.levels] == [
        (LevelKind.STOP, Decimal(8)),
        (LevelKind.TARGET, Decimal(12)),
    ]
    assert held.levels[0].price == Decimal(9)


def test_a_copy_is_frozen_and_as_good_as_any_other() -> None:
    one = Money(amount=Decimal(1), asset="USD")
    other = one.model_copy(update={"amount": Decimal(2)})
    assert other == Money(amount=Decimal(2), asset="USD")
    assert one.amount == 1
    assert other.model_fields_set == {"amount", "asset"}
    assert one.model_copy() == one == one.model_copy(deep=True)
    with pytest.raises(ValidationError, match="frozen"):
        other.amount = Decimal(3)  # type: ignore[misc]
    assert Position(instrument="us:AAA").model_copy(update={"qty": Decimal(1)}).model_fields_set == {
        "instrument",
        "qty",
    }


@pytest.mark.parametrize("written", ["1", "1.0", "1.000", "0.10E+1"])
def test_equal_decimals_are_written_alike(written: str) -> None:
    assert exact.text(Decimal(written)) == "1"
