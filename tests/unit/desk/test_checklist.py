"""The checklist of the live gate item by item, and the two steps of arming at the edge of their time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands, live_gate
from shared.desk import events as ev
from shared.desk.commands import LiveFacts
from shared.desk.registry import PROTECTIONS
from shared.errors import Conflict, Forbidden, Invalid
from shared.venues.venue import Credentials
from tests.unit.desk.bench import NOW
from tests.unit.desk.protections.core import Core

D = Decimal


FACTS = LiveFacts(
    setting_live=True,
    setting_own=True,
    credentials=Credentials(valid=True, may_trade=True, may_withdraw=False),
    record_days=30,
    record_open=0,
)


def item(code: str, **facts: Any) -> live_gate.Item:
    state = Core().known.but(rehearsed_as="demo", rehearsal_days=30)
    return next(each for each in live_gate.checklist(state, FACTS._replace(**facts), NOW) if each.code == code)


@pytest.mark.parametrize(("code", "facts", "ok"), [
    ("setting", {}, True), ("setting", {"setting_live": False}, False),
    ("credentials", {}, True), ("credentials", {"credentials": None}, False),
    ("credentials", {"credentials": Credentials(True, None, None)}, True),
    ("credentials", {"credentials": Credentials(True, False, None)}, False),
    ("credentials", {"credentials": Credentials(False, True, None)}, False),
    ("withdrawal", {}, True), ("withdrawal", {"credentials": None}, False),
    ("withdrawal", {"credentials": Credentials(True, True, True)}, False),
    ("withdrawal", {"credentials": Credentials(True, True, None)}, True),
    ("record", {}, True), ("record", {"record_days": 29}, False), ("record", {"record_days": None}, False),
    ("differences", {}, True), ("differences", {"record_open": 1}, False), ("differences", {"record_open": None}, False),
])  # fmt: skip
def test_each_item_holds_or_says_what_to_do(code: str, facts: dict[str, Any], ok: bool) -> None:
    found = item(code, **facts)
    assert found.ok is ok
    assert found.detail
    assert found.remedy


@pytest.mark.parametrize(("left_ms", "ok", "detail"), [
    (0, False, "not armed, or no longer"), (1, True, "armed for 0 more minutes"), (120_000, True, "armed for 2 more minutes"),
])  # fmt: skip
def test_armed_is_until_its_very_end(left_ms: int, ok: bool, detail: str) -> None:
    found = live_gate.checklist(Core().known.but(armed_until_ms=NOW + left_ms), FACTS, NOW)[-1]
    assert (found.code, found.ok, found.detail) == ("armed", ok, detail)


def test_arming_is_for_a_time_to_come_and_seven_days_at_most() -> None:
    core = Core()
    state = core.known.but(mode="live", armed_until_ms=NOW + 1)

    def ask(until_ms: int) -> list[ev.Event]:
        return live_gate.request_arm(state, commands.RequestArm("me", "go", "0" * 64, until_ms), core.context)

    for wrong in (NOW, NOW - 1, NOW + live_gate.MOST_MS + 1):
        with pytest.raises(Invalid) as caught:
            ask(wrong)
        assert caught.value.context["field"] == "until_ms"
        assert str(wrong) in caught.value.detail
    for right in (NOW + 1, NOW + live_gate.MOST_MS):
        (requested,) = ask(right)
        assert isinstance(requested, ev.ArmRequested)
        assert (requested.until_ms, requested.expires_ms) == (right, NOW + 300_000)
    with pytest.raises(Conflict) as conflict:
        live_gate.request_arm(core.known, commands.RequestArm("me", "go", "0" * 64, NOW + 1), core.context)
    assert conflict.value.error_code == "not_live"


def test_the_second_step_comes_before_its_time_is_over_with_the_token_of_the_first() -> None:
    core = Core()
    core.state = core.known.but(mode="live", armed_until_ms=NOW + 1)
    confirm = commands.ConfirmArm("you", "0" * 64)
    with pytest.raises(Conflict) as caught:
        live_gate.confirm_arm(core.known, confirm, core.context)
    assert caught.value.error_code == "no_arm_request"
    core.run(commands.RequestArm("me", "go", "0" * 64, NOW + 5))
    with pytest.raises(Forbidden) as wrong:
        live_gate.confirm_arm(core.known, commands.ConfirmArm("you", "1" * 64), core.context)
    assert wrong.value.error_code == "confirm_wrong"
    core.now_ms = NOW + 299_999
    (armed,) = live_gate.confirm_arm(core.known, confirm, core.context)
    assert isinstance(armed, ev.Armed)
    assert (armed.by, armed.reason, armed.until_ms) == ("you", "go", NOW + 5)
    core.now_ms += 1
    with pytest.raises(Conflict) as late:
        live_gate.confirm_arm(core.known, confirm, core.context)
    assert late.value.error_code == "arm_expired"


def test_protections_that_are_missing_are_named() -> None:
    found = item("protections")
    assert found.detail.startswith("not configured: ")
    assert "max_drawdown" in found.detail
    state = Core().known.but(protections={name: {} for name in PROTECTIONS})
    found = live_gate.checklist(state, FACTS, NOW)[1]
    assert (found.code, found.ok, found.detail) == ("protections", True, f"all {len(PROTECTIONS)} are configured")
