"""What a desk is opened with: what is refused and in which words, what an existing one takes, and what it lists."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import account
from shared.desk import events as ev
from shared.errors import Conflict, Invalid
from tests.unit.desk.bench import DAY, LIMITS, PAPER, instrument, opening
from tests.unit.desk.protections.core import Core

FREE = {"fee_bps": "0", "slippage_bps": "0", "volume_share_bps": 1000}
RULES = {"limits": {**LIMITS, "max_data_age_ms": 10 * DAY}, "paper": FREE}
"""Those of a `Core`."""
FINE = {"tick": "0.000000001", "lot": "0.000000001"}
"""Nine digits each: as fine as can be counted."""
FINER = {**FINE, "multiplier": "0.1"}


def again(*symbols: str, **changes: Any) -> dict[str, Any]:
    return opening(*symbols, **{**RULES, **changes})


def listed(**changes: Any) -> dict[str, Any]:
    return {"instruments": [instrument("AAA", **changes)]}


REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"instruments": []}, "instruments", "0", "must be 1 to 2000 of them"),
    (listed(venue="eu"), "instruments", "'eu:AAA'", "is not of the venue us"),
    (listed(settle="BTC"), "settle", "'BTC'", "of us:AAA must be its quote: the desk trades spot"),
    (listed(**FINER), "tick", "Decimal('1E-9')", "and lot of us:AAA are too fine to be counted exactly"),
    ({"rehearsed_as": "alpha"}, "rehearsed_as", "'alpha'", "must be another desk"),
    ({"mode": "live"}, "mode", "'live'", "cannot be: "),
    ({"trading": {"kind": "sandbox"}}, "mode", "'paper'", "cannot be: "),
]


@pytest.mark.parametrize(("changes", "field", "value", "rule"), REFUSED)
@pytest.mark.parametrize("existing", [False, True])
def test_what_cannot_be_is_named_with_its_value_and_its_rule(
    changes: dict[str, Any], field: str, value: str, rule: str, existing: bool
) -> None:
    core = Core()
    if not existing:
        core.state = None
    with pytest.raises(Invalid) as caught:
        core.open(again("AAA", **changes))
    assert (caught.value.error_code, caught.value.context["field"]) == ("invalid", field)
    assert caught.value.detail.startswith(f"{field}: {value} {rule}")
    assert str(caught.value.context["rule"]).startswith(rule)


def test_a_desk_lists_two_thousand_instruments_at_most() -> None:
    many = [instrument(f"S{number}") for number in range(2001)]
    core = Core()
    core.open(again(instruments=many[1:]))
    assert len(core.known.instruments) == 2004
    with pytest.raises(Invalid, match="instruments: 2001 must be 1 to 2000 of them"):
        core.open(again(instruments=many))


def test_steps_may_be_as_fine_as_is_counted_exactly() -> None:
    core = Core()
    core.open(again(**listed(**FINE)))
    assert core.known.instruments["us:AAA"].tick == Decimal("1E-9")
    core.open(again(**listed(tick="10", lot="100", multiplier="0.000000000000000001")))
    assert core.known.instruments["us:AAA"].lot == 100


def test_a_new_desk_is_opened_with_all_that_was_asked() -> None:
    core = Core()
    core.state, core.events = None, []
    body = again("AAA", rehearsed_as="beta", rehearsal_days=7, protections={"cooldown": {"for_s": 9}})
    opened, instruments = core.open(body)
    assert isinstance(opened, ev.DeskOpened)
    assert isinstance(instruments, ev.InstrumentsListed)
    wire = opened.wire()
    for name in ("desk", "mode", "venue", "interval_ms", "currency", "cash", "rehearsed_as", "rehearsal_days"):
        assert wire[name] == body[name]
    assert (wire["protections"], wire["trading"]) == ({"cooldown": {"for_s": 9}}, {"kind": "paper"})
    state = core.known
    for name in ("desk", "mode", "venue", "interval_ms", "currency", "limits", "paper", "protections", "trading"):
        assert getattr(state, name) == getattr(opened, name)
    assert (state.rehearsed_as, state.rehearsal_days) == ("beta", 7)
    assert (state.initial_cash, state.cash) == (opened.cash, {"USD": opened.cash})
    assert (state.opened_ms, state.since_ms, state.seq) == (core.now_ms, core.now_ms, 2)
    assert (state.status.value, set(state.instruments), state.delisted) == ("active", {"us:AAA"}, ())


DIFFERS: list[tuple[dict[str, Any], str, str]] = [
    ({"desk": "beta"}, "desk", "desk is alpha and cannot become beta"),
    ({"interval_ms": 60_000}, "interval_ms", "interval_ms is 86400000 and cannot become 60000"),
    ({"currency": "EUR"}, "currency", "currency is USD and cannot become EUR"),
    ({"cash": "5"}, "cash", "cash is 100000 and cannot become 5"),
    ({"mode": "demo", "trading": {"kind": "sandbox"}}, "mode", "mode is paper and cannot become demo"),
    ({"venue": "eu", **listed(venue="eu")}, "venue", "venue is us and cannot become eu"),
]


@pytest.mark.parametrize(("changes", "field", "detail"), DIFFERS)
def test_who_the_desk_is_never_changes_and_the_answer_says_what_would(
    changes: dict[str, Any], field: str, detail: str
) -> None:
    core = Core()
    with pytest.raises(Conflict) as caught:
        core.open(again(**changes))
    assert (caught.value.error_code, caught.value.context, caught.value.detail) == (
        "desk_differs",
        {"field": field},
        detail,
    )


def test_where_its_orders_go_never_changes_either() -> None:
    core = Core()
    core.state = core.known.but(trading=core.known.trading.model_copy(update={"kind": "sandbox"}))
    with pytest.raises(Conflict, match="trading is sandbox and cannot become paper") as caught:
        core.open(again())
    assert caught.value.context == {"field": "trading"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, None),
        ({"limits": {**RULES["limits"], "max_open_positions": 2}}, "limits_changed"),
        ({"paper": PAPER}, "limits_changed"),
        ({"rehearsed_as": "beta"}, "limits_changed"),
        ({"rehearsal_days": 31}, "limits_changed"),
        ({"protections": {"cooldown": {"for_s": 60}}}, "protections_changed"),
    ],
)
def test_an_existing_desk_records_what_changed_and_only_once(changes: dict[str, Any], kind: str | None) -> None:
    core = Core()
    found = core.open(again(**changes))
    assert [event.kind for event in found] == ([kind] if kind else [])
    assert core.open(again(**changes)) == []
    for name, value in changes.items():
        field = getattr(core.known, name)
        if name in ("limits", "paper"):
            field = {key: each for key, each in field.wire().items() if key in value}
        assert field == value


def test_what_is_listed_no_more_is_told_once_and_comes_back_when_it_is_listed_again() -> None:
    core = Core()
    (gone,) = core.open(again("AAA"))
    assert isinstance(gone, ev.InstrumentsListed)
    assert (gone.instruments, gone.removed) == ((), ("us:BBB", "us:CCC", "us:DDD"))
    assert core.known.delisted == gone.removed
    (back,) = core.open(again("AAA", "BBB"))
    assert isinstance(back, ev.InstrumentsListed)
    assert ([each.id for each in back.instruments], back.removed) == (["us:BBB"], ())
    assert core.known.delisted == ("us:CCC", "us:DDD")
    assert core.open(again("AAA", "BBB")) == []


def test_what_was_never_traded_is_listed_as_it_is_asked_for() -> None:
    core = Core()
    core.open(again(**listed(multiplier="5", base="XYZ", quote="EUR", settle="EUR")))
    found = core.known.instruments["us:AAA"]
    assert (found.multiplier, found.base, found.quote) == (5, "XYZ", "EUR")


@pytest.mark.parametrize("traded", ["held", "ordered", "sold"])
def test_what_was_traded_stays_counted_in_what_it_was(traded: str) -> None:
    core = Core()
    if traded == "ordered":
        core.place("AAA", kind="limit", limit_price="90")
    else:
        core.hold("AAA")
    if traded == "sold":
        core.leave("AAA", "101")
    core.open(again(**listed(multiplier="5", base="XYZ", quote="EUR", settle="EUR", lot="2")))
    found = core.known.instruments["us:AAA"]
    assert (found.multiplier, found.base, found.quote, found.settle, found.lot) == (1, "AAA", "USD", "USD", 2)


@pytest.mark.parametrize(("tick", "lot"), [("0.00000001", "1E-9"), ("0.000000001", "1")])
def test_steps_too_fine_for_what_it_is_counted_in_are_not_taken(tick: str, lot: str) -> None:
    core = Core()
    core.open(again(**listed(multiplier="0.1")))
    core.hold("AAA", "100")
    core.open(again(**listed(tick=tick, lot="0.000000001")))
    found = core.known.instruments["us:AAA"]
    assert (found.lot, found.multiplier) == (Decimal(lot), Decimal("0.1"))


def test_a_confirmation_is_good_for_five_minutes() -> None:
    assert (account.CONFIRM_WITHIN_MS, account.MAX_INSTRUMENTS, account.ASKED) == (300_000, 2000, "asked")
