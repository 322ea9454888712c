"""Every setting's default and bounds, and where each protection stands: docs/protections.md promises them to operators."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import guards
from shared.desk.intent import Intent
from shared.desk.protection import Breaker, Protection
from shared.desk.registry import PROTECTIONS
from shared.desk.state import Timebase
from shared.errors import Invalid
from shared.model import OrderKind, Side
from tests.unit.desk.protections.core import Core

MONTH = 2_678_400
DAY = 86_400
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = {"from": "09:00", "to": "17:00"}

NUMBERS: dict[str, tuple[int | None, int, int]] = {
    "consecutive_losses.for_s": (DAY, 0, MONTH),
    "consecutive_losses.losses": (5, 1, 200),
    "cooldown.for_s": (3600, 1, MONTH),
    "daily_loss.for_s": (0, 0, MONTH),
    "daily_loss.limit_bps": (300, 1, 10_000),
    "dead_man.cron_reduce_s": (180, 0, DAY),
    "dead_man.cron_halt_s": (600, 0, DAY),
    "dead_man.data_reduce_s": (300, 0, DAY),
    "dead_man.data_halt_s": (1800, 0, DAY),
    "dead_man.venue_s": (300, 60, 3600),
    "error_rate.for_s": (300, 0, MONTH),
    "error_rate.errors": (20, 1, 200),
    "error_rate.within_s": (60, 1, DAY),
    "low_profit_symbol.trades": (4, 1, 200),
    "low_profit_symbol.within_s": (604_800, 1, MONTH),
    "low_profit_symbol.min_profit_bps": (0, -10_000, 10_000),
    "low_profit_symbol.for_s": (DAY, 1, MONTH),
    "max_drawdown.for_s": (0, 0, MONTH),
    "max_drawdown.limit_bps": (1000, 1, 10_000),
    "order_rate.for_s": (300, 0, MONTH),
    "price_band.wrong_side_bps": (2000, 1, 9000),
    "price_band.span": (10, 2, 100),
    "price_band.jump_bps": (5000, 1, 100_000),
    "spread_too_wide.max_bps": (50, 1, 10_000),
    "stale_data.for_s": (0, 0, MONTH),
    "stale_data.after_s": (900, 1, DAY),
    "stoploss_guard.for_s": (DAY, 0, MONTH),
    "stoploss_guard.stops": (4, 1, 200),
    "stoploss_guard.within_s": (DAY, 1, MONTH),
    "venue_down.for_s": (0, 0, MONTH),
    "venue_down.after_s": (30, 1, DAY),
}
"""setting -> its default, its least, its most"""

WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "consecutive_losses.calls_for": ("reducing", ("refuse", "reducing", "halted")),
    "consecutive_losses.on_halt": ("cancel", ("cancel", "flatten")),
    "cooldown.after": ("any", ("any", "loss")),
    "daily_loss.calls_for": ("halted", ("refuse", "reducing", "halted")),
    "daily_loss.on_halt": ("cancel", ("cancel", "flatten")),
    "dead_man.on_halt": ("cancel", ("cancel", "flatten")),
    "error_rate.calls_for": ("reducing", ("refuse", "reducing", "halted")),
    "error_rate.on_halt": ("cancel", ("cancel", "flatten")),
    "max_drawdown.calls_for": ("halted", ("refuse", "reducing", "halted")),
    "max_drawdown.on_halt": ("cancel", ("cancel", "flatten")),
    "order_rate.calls_for": ("refuse", ("refuse", "reducing", "halted")),
    "order_rate.on_halt": ("cancel", ("cancel", "flatten")),
    "stale_data.calls_for": ("refuse", ("refuse", "reducing", "halted")),
    "stale_data.on_halt": ("cancel", ("cancel", "flatten")),
    "stoploss_guard.calls_for": ("reducing", ("refuse", "reducing", "halted")),
    "stoploss_guard.on_halt": ("cancel", ("cancel", "flatten")),
    "venue_down.calls_for": ("reducing", ("refuse", "reducing", "halted")),
    "venue_down.on_halt": ("cancel", ("cancel", "flatten")),
}
"""setting -> its default, and all that it can be"""

OTHERS: dict[str, object] = {
    "exposure.groups": {},
    "leverage.max": "1",
    "spread_too_wide.require_quote": False,
    "stoploss_guard.per_symbol": False,
}
"""setting -> its default"""

WALL, MARKET = Timebase.WALL, Timebase.MARKET
LIMITS = ("max_order_notional", "max_symbol_notional", "max_total_notional")
GROUPS = ("max_group_notional", "max_group_positions", "max_open_positions")
KINDS: dict[str, tuple[int, bool, Timebase, bool, tuple[str, ...], tuple[str, ...]]] = {
    "stale_data": (40, False, WALL, True, ("stale_data",), ("stale_data",)),
    "price_band": (50, True, MARKET, True, ("qty_absurd", "price_absurd", "price_jump"), ()),
    "min_notional_and_precision": (70, True, MARKET, True, ("tick", "lot", "min_qty", "min_notional"), ()),
    "self_trade": (95, False, MARKET, True, ("self_trade",), ()),
    "consecutive_losses": (100, False, MARKET, False, (), ("consecutive_losses",)),
    "cooldown": (100, False, MARKET, False, ("cooldown",), ()),
    "daily_loss": (100, False, MARKET, False, (), ("daily_loss", "equity_unknown")),
    "dead_man": (100, False, WALL, True, (), ("deadman_cron", "deadman_data")),
    "error_rate": (100, False, WALL, True, (), ("error_rate",)),
    "low_profit_symbol": (100, False, MARKET, False, ("low_profit_symbol",), ()),
    "max_drawdown": (100, False, MARKET, False, (), ("max_drawdown", "equity_unknown")),
    "spread_too_wide": (100, False, WALL, False, ("spread_too_wide", "no_quote"), ()),
    "stoploss_guard": (100, False, MARKET, False, ("stoploss_guard",), ("stoploss_guard",)),
    "trading_hours": (100, False, MARKET, False, ("trading_hours",), ()),
    "venue_down": (100, False, WALL, True, (), ("venue_down",)),
    "exposure": (200, True, MARKET, True, LIMITS + GROUPS, ()),
    "leverage": (205, True, MARKET, False, ("leverage", "equity_unknown"), ()),
    "order_rate": (220, False, WALL, True, ("order_rate",), ("order_rate",)),
    "free_balance": (230, True, MARKET, True, ("free_balance",), ()),
}
"""name -> place in the line, whether its answer depends on the quantity, clock, whether it always acts, its codes"""


def needed(name: str) -> dict[str, Any]:
    return {"windows": [HOURS]} if name == "trading_hours" else {}


def read(setting: str, value: object) -> object:
    name, _, field = setting.partition(".")
    acting = guards.read({name: {**needed(name), field: value}}).acting
    return getattr(next(each for each in acting if each.name == name), field)


def refused(setting: str, value: object) -> str:
    with pytest.raises(Invalid) as caught:
        read(setting, value)
    return str(caught.value.context["field"])


def test_every_setting_stands_here_with_its_default() -> None:
    acting = guards.read({name: needed(name) for name in PROTECTIONS}).acting
    defaults = {f"{each.name}.{field}": value for each in acting for field, value in each.wire().items()}
    assert defaults.pop("trading_hours.windows") == [{"days": list(DAYS), "start": "09:00", "end": "17:00"}]
    known = {name: row[0] for name, row in (NUMBERS | WORDS).items()}
    assert defaults == known | OTHERS


@pytest.mark.parametrize("setting", NUMBERS)
def test_a_number_may_be_at_its_bound_and_not_beyond(setting: str) -> None:
    _, least, most = NUMBERS[setting]
    assert (read(setting, least), read(setting, most)) == (least, most)
    assert {refused(setting, each) for each in (least - 1, most + 1, 1.5, "1", True)} == {f"protections.{setting}"}


@pytest.mark.parametrize("setting", WORDS)
def test_a_word_is_one_of_those_that_there_are(setting: str) -> None:
    _, words = WORDS[setting]
    assert tuple(read(setting, word) for word in words) == words
    assert refused(setting, "panic") == f"protections.{setting}"


@pytest.mark.parametrize("setting", ["spread_too_wide.require_quote", "stoploss_guard.per_symbol"])
def test_a_switch_is_on_or_off(setting: str) -> None:
    assert read(setting, True) is True
    assert refused(setting, None) == refused(setting, 1) == f"protections.{setting}"


def symbols(count: int) -> list[str]:
    return [f"S{number}" for number in range(count)]


def groups(**group: Any) -> dict[str, Any]:
    return {"tech": {"symbols": ["AAA"], **group}}


def test_a_group_is_of_one_to_five_hundred_symbols_and_a_desk_has_a_hundred_groups_at_most() -> None:
    for good in (groups(symbols=symbols(500)), {name: {"symbols": ["AAA"]} for name in symbols(100)}, groups()):
        assert read("exposure.groups", good)
    where = "protections.exposure.groups"
    assert refused("exposure.groups", {name: {"symbols": ["AAA"]} for name in symbols(101)}) == where
    assert refused("exposure.groups", groups(symbols=symbols(501))) == f"{where}.tech.symbols"
    assert refused("exposure.groups", groups(symbols=[])) == f"{where}.tech.symbols"


def test_a_group_limits_what_it_names_and_nothing_else() -> None:
    (group,) = dict(read("exposure.groups", groups())).values()  # type: ignore[call-overload]
    assert (group.max_notional, group.max_positions) == (None, None)
    assert read("exposure.groups", groups(max_positions=1, max_notional="0.01"))
    assert read("exposure.groups", groups(max_positions=1000))
    for field, value in (("max_positions", 0), ("max_positions", 1001), ("max_notional", "0"), ("max_notional", 1)):
        assert refused("exposure.groups", groups(**{field: value})) == f"protections.exposure.groups.tech.{field}"


def test_a_desk_has_one_to_fifty_windows_of_one_day_at_least() -> None:
    for good in ([HOURS] * 50, [{**HOURS, "days": [day]} for day in DAYS], [{"from": "00:00", "to": "24:00"}]):
        assert len(list(read("trading_hours.windows", good))) == len(good)  # type: ignore[call-overload]
    assert refused("trading_hours.windows", []) == "protections.trading_hours.windows"
    assert refused("trading_hours.windows", [HOURS] * 51) == "protections.trading_hours.windows"
    assert refused("trading_hours.windows", [{**HOURS, "days": []}]) == "protections.trading_hours.windows.0.days"
    for field in ("from", "to"):
        for time in ("24:01", "23:60", "9:00", "0900", ""):
            where = refused("trading_hours.windows", [{**HOURS, field: time}])
            assert where.startswith("protections.trading_hours.windows.0")


def test_leverage_is_any_share_above_zero() -> None:
    assert str(read("leverage.max", "0.01")) == "0.01"
    assert refused("leverage.max", "0") == refused("leverage.max", 1) == "protections.leverage.max"


@pytest.mark.parametrize("name", PROTECTIONS)
def test_each_has_its_place_its_clock_and_its_codes(name: str) -> None:
    kind = PROTECTIONS[name]
    assert (kind.place, kind.sized, kind.clock, kind.always, kind.refusals, kind.findings) == KINDS[name]


def test_all_of_them_act_in_the_order_of_their_places_and_names() -> None:
    acting = guards.read({name: needed(name) for name in reversed(PROTECTIONS)}).acting
    assert [each.name for each in acting] == list(KINDS)


def test_only_what_can_stop_the_desk_is_a_breaker_and_only_equity_has_to_be_marked() -> None:
    breakers = {name for name, kind in PROTECTIONS.items() if issubclass(kind, Breaker)}
    named = {name.partition(".")[0] for name in WORDS if name.endswith(".calls_for")}
    assert breakers == named
    marking = {name for name, kind in PROTECTIONS.items() if issubclass(kind, Breaker) and kind.marks_equity}
    assert marking == {"daily_loss", "max_drawdown"}
    for name in PROTECTIONS:
        assert guards.read({name: needed(name)}).marks_equity is (name in marking)


def test_a_protection_that_says_nothing_refuses_nothing_and_leaves_all_room() -> None:
    class Mute(Protection):
        """Says nothing."""

    mute = Mute()
    nothing: Any = None
    assert mute.refuse(nothing, nothing, nothing) is None
    assert tuple(mute.rooms(nothing, nothing, nothing)) == ()
    assert (mute.can_refuse, mute.clock, mute.place, mute.sized, mute.always) == (False, MARKET, 100, False, False)
    assert (mute.name, mute.refusals, mute.findings) == ("", (), ())


def test_a_breaker_that_says_nothing_reduces_while_its_cause_lasts() -> None:
    class Plain(Breaker):
        """Says nothing either."""

    assert Plain().wire() == {"calls_for": "reducing", "for_s": 0, "on_halt": "cancel"}
    assert Plain().can_refuse is False
    assert Plain(calls_for="refuse").can_refuse is True
    assert Plain.marks_equity is False
    nothing: Any = None
    with pytest.raises(NotImplementedError):
        Plain().finds(nothing, nothing)


def test_on_a_quiet_desk_none_of_them_says_anything() -> None:
    hours = {"windows": [{"from": "00:00", "to": "24:00"}]}
    core = Core({name: hours if name == "trading_hours" else {} for name in PROTECTIONS})
    core.mark("AAA", "100", bid="99.99", ask="100.01")
    asked = Intent(core.known.instruments["us:AAA"], Side.BUY, OrderKind.LIMIT, Decimal(10), Decimal(100))
    acting = guards.of(core.known).acting
    assert [each.name for each in acting] == list(KINDS)
    for each in acting:
        assert each.refuse(core.known, asked, core.context) is None
        assert all(room.notional > 0 for room in each.rooms(core.known, asked.instrument, core.context))
        if isinstance(each, Breaker):
            assert each.finds(core.known, core.context) is None
    assert guards.of(core.known).dead_man.look_every_ms == 90_000
