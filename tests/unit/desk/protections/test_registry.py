"""Finding the protections, reading their settings, and putting them in line."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from shared.desk import guards, registry
from shared.desk.gates import BEFORE_SIZE, WHOLE, WITH_SIZE, line
from shared.desk.protection import Breaker, Protection
from shared.desk.registry import PROTECTIONS
from shared.errors import Invalid
from tests.unit.desk.bench import opening
from tests.unit.desk.protections.core import Core

ALWAYS = {
    "dead_man",
    "error_rate",
    "exposure",
    "free_balance",
    "min_notional_and_precision",
    "order_rate",
    "price_band",
    "self_trade",
    "stale_data",
    "venue_down",
}


def test_all_of_them_are_found_by_name() -> None:
    assert set(PROTECTIONS) == ALWAYS | {
        "consecutive_losses",
        "cooldown",
        "daily_loss",
        "leverage",
        "low_profit_symbol",
        "max_drawdown",
        "spread_too_wide",
        "stoploss_guard",
        "trading_hours",
    }
    assert all(kind.name == name for name, kind in PROTECTIONS.items())


def test_the_safe_ones_act_without_being_named_and_the_others_only_when_they_are() -> None:
    assert {each.name for each in guards.read({}).acting} == ALWAYS
    assert {each.name for each in guards.read({"cooldown": {}}).acting} == ALWAYS | {"cooldown"}


def test_what_is_configured_takes_the_place_of_the_default() -> None:
    acting = guards.read({"venue_down": {"after_s": 5}})
    assert acting.venue_down.after_s == 5
    assert len(acting.acting) == len(ALWAYS)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"daily_los": {}}, "protections.daily_los"),
        ({"daily_loss": {"limit_bps": 0}}, "protections.daily_loss.limit_bps"),
        ({"daily_loss": {"limit_bps": 10_001}}, "protections.daily_loss.limit_bps"),
        ({"daily_loss": {"limit_bps": "300"}}, "protections.daily_loss.limit_bps"),
        ({"daily_loss": {"limit_bps": 1.5}}, "protections.daily_loss.limit_bps"),
        ({"daily_loss": {"limit": 300}}, "protections.daily_loss.limit"),
        ({"daily_loss": {"calls_for": "panic"}}, "protections.daily_loss.calls_for"),
        ({"daily_loss": {"on_halt": "run"}}, "protections.daily_loss.on_halt"),
        ({"daily_loss": {"for_s": -1}}, "protections.daily_loss.for_s"),
        ({"leverage": {"max": "0"}}, "protections.leverage.max"),
        ({"leverage": {"max": 2}}, "protections.leverage.max"),
        ({"trading_hours": {}}, "protections.trading_hours.windows"),
        ({"exposure": {"groups": {"tech": {"symbols": []}}}}, "protections.exposure.groups.tech.symbols"),
    ],
)
def test_what_cannot_be_is_refused_by_its_full_name(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        Core(settings)
    assert caught.value.context["field"] == field
    assert caught.value.detail.startswith(f"{field}:")


def test_a_change_is_recorded_once_and_counts_at_once() -> None:
    core = Core({"cooldown": {}})
    core.trip("AAA", "1")
    assert core.place("AAA") == "cooldown"
    body = opening(limits=core.known.limits.wire(), paper=core.known.paper.wire())
    assert [event.kind for event in core.open({**body, "protections": {"cooldown": {}}})] == []
    assert [event.kind for event in core.open(body)] == ["protections_changed"]
    assert core.known.protections == {}
    assert len(core.place("AAA")) == 32


def test_a_reduction_of_a_protection_that_is_taken_away_is_lifted() -> None:
    core = Core({"consecutive_losses": {"losses": 1, "for_s": 0}})
    core.trip("AAA", "-1")
    assert core.status == "reducing"
    body = opening(limits=core.known.limits.wire(), paper=core.known.paper.wire())
    assert [event.kind for event in core.open(body)] == ["protections_changed", "reduction_lifted"]
    assert core.status == "active"


def test_what_another_release_stored_and_this_one_cannot_read_holds_the_desk_back_until_it_is_set_anew() -> None:
    core = Core()
    core.state = core.known.but(protections={"gone": {}, "cooldown": {"for_s": 60}})
    core.review()
    assert core.reductions == {"protections_unreadable"}
    assert core.review() == []
    assert "gone" in core.known.reductions["protections_unreadable"].reason
    assert core.place("AAA") == "reducing"
    core.open(opening(limits=core.known.limits.wire(), paper=core.known.paper.wire()))
    assert core.status == "active"


def test_each_gate_is_asked_once_in_a_fixed_order() -> None:
    hours = {"windows": [{"from": "00:00", "to": "24:00"}]}
    acting = guards.read({name: hours if name == "trading_hours" else {} for name in PROTECTIONS})
    whole = line(acting, WHOLE)
    halves = [*line(acting, BEFORE_SIZE), *line(acting, WITH_SIZE)]
    assert len(whole) == len(halves) == len(set(whole))
    assert set(whole) == set(halves)


def test_settings_are_read_once_for_all_states_of_a_desk() -> None:
    core = Core({"cooldown": {}})
    before = guards.of(core.known)
    core.hold("AAA")
    assert guards.of(core.known) is before
    for number in range(2 * guards.MOST_KEPT):
        guards.of(core.known.but(protections={"cooldown": {"for_s": number + 1}}))
    assert guards.of(core.known) == guards.of(core.known)


class Good(Protection):
    """Says no."""

    refusals = ("no",)


@pytest.mark.parametrize(
    ("named", "kinds", "match"),
    [
        ("nothing", {}, "exactly one"),
        ("two", {"Two": Good, "Three": Breaker}, "exactly one"),
        ("wrong_name", {"Good": Good}, "belongs into a file named good"),
    ],
)
def test_a_file_that_is_not_one_good_protection_is_a_type_error(named: str, kinds: dict[str, Any], match: str) -> None:
    module = ModuleType(f"made.{named}")
    for name, kind in kinds.items():
        body = {"__module__": module.__name__, "__doc__": kind.__doc__, "refusals": ("no",)}
        setattr(module, name, type(name, (kind,), body))
    with pytest.raises(TypeError, match=match):
        registry.only_protection(module)


def test_a_protection_without_codes_or_docstring_is_none() -> None:
    module = ModuleType("made.mute")
    module.Mute = type("Mute", (Protection,), {"__module__": "made.mute", "__doc__": ""})  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="lacks"):
        registry.only_protection(module)
    module.Mute = type("Mute", (Good,), {"__module__": "made.mute", "__doc__": "Is good."})  # type: ignore[attr-defined]
    assert registry.only_protection(module) is module.Mute
