"""When equity is marked, when a reduction is lifted, how silence is judged: each at the very moment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands, guards, review, silence
from shared.desk import events as ev
from shared.desk.state import DeskStatus, Equity, Reduction, Timebase
from shared.errors import Invalid
from tests.unit.desk.bench import DAY, opening
from tests.unit.desk.protections.core import START, Core

D = Decimal
MIDNIGHT = START - DAY
"""A bar that closes at `START` belongs to the day that began here."""


def marked(core: Core) -> tuple[Decimal, int, Decimal] | None:
    """The newest mark that a review makes; None where it makes none."""
    found = [event for event in core.run(commands.Review()) if isinstance(event, ev.EquityMarked)]
    return None if not found else (found[-1].peak, found[-1].day_ms, found[-1].day_start)


def holding(core: Core, price: str, **changes: Any) -> Core:
    """A thousand of AAA, bought at 100, at the price."""
    core.hold("AAA", "500")
    core.mark("AAA", price, **changes)
    return core


def desk() -> Core:
    core = Core({"max_drawdown": {"limit_bps": 9000}})
    core.review()
    assert core.known.equity == Equity(peak=D(100_000), day_ms=MIDNIGHT, day_start=D(100_000))
    return core


def test_a_day_ends_with_the_bar_that_closes_at_midnight() -> None:
    assert [review.day_of(ms) for ms in (DAY, DAY + 1, 2 * DAY, 2 * DAY + 1)] == [0, DAY, DAY, 2 * DAY]


def test_every_new_peak_is_marked_at_bars_and_only_peaks() -> None:
    core = holding(desk(), "100.02")
    assert marked(core) == (D(100_010), MIDNIGHT, D(100_000))
    assert marked(core) is None
    core.mark("AAA", "99")
    assert marked(core) is None


def test_at_quotes_a_peak_is_marked_when_it_is_ten_basis_points_above_the_last() -> None:
    core = holding(desk(), "100.20", bid="100.20", ask="100.30")
    assert marked(core) is None
    core.mark("AAA", "100.20", bid="100.21", ask="100.30")
    assert marked(core) == (D(100_105), MIDNIGHT, D(100_000))
    assert review.PEAK_STEP_BPS == 10


def test_a_new_day_begins_with_what_it_was_worth_at_the_closes_before() -> None:
    core = holding(desk(), "110")
    core.review()
    core.market_ms += 1
    core.mark("AAA", "120", before="104")
    assert marked(core) == (D(110_000), START, D(102_000))
    core.market_ms = START + DAY
    core.mark("AAA", "90", before="80")
    assert marked(core) is None
    core.market_ms += 1
    core.mark("AAA", "90", before=None)
    assert marked(core) == (D(110_000), START + DAY, D(95_000))


def test_the_first_command_of_a_day_marks_it_before_anything_is_booked() -> None:
    core = holding(desk(), "100")
    assert review.begin_day(core.known, core.context) == []
    core.market_ms += 1
    core.mark("AAA", "101", before="100")
    assert [event.kind for event in review.begin_day(core.known, core.context)] == ["equity_marked"]
    assert review.begin_day(core.known.but(equity=None), core.context) == []
    assert review.begin_day(core.known.but(status=DeskStatus.HALTED), core.context) == []
    assert review.begin_day(core.known.but(protections={}), core.context) == []


def test_a_new_peak_within_the_day_is_not_what_a_day_begins_with() -> None:
    core = holding(desk(), "150")
    assert review.begin_day(core.known, core.context) == []


def reduced(core: Core, code: str, until_ms: int | None, clock: Timebase) -> None:
    reduction = Reduction(reason="x", by="desk", since_ms=0, until_ms=until_ms, clock=clock)
    core.state = core.known.but(status=DeskStatus.REDUCING, reductions={code: reduction})


@pytest.mark.parametrize("clock", [Timebase.WALL, Timebase.MARKET])
@pytest.mark.parametrize("code", ["daily_loss", "of_another"])
def test_a_reduction_ends_at_its_time_on_its_own_clock(clock: Timebase, code: str) -> None:
    core = Core()
    ours, other = ("now_ms", "market_ms") if clock is Timebase.WALL else ("market_ms", "now_ms")
    reduced(core, code, getattr(core, ours) + 10, clock)
    setattr(core, other, getattr(core, other) + 10**9)
    setattr(core, ours, getattr(core, ours) + 9)
    assert core.run(commands.Review()) == []
    setattr(core, ours, getattr(core, ours) + 1)
    assert core.run(commands.Review()) == [ev.ReductionLifted(code=code, reason="its time is over")]


def test_one_without_an_end_goes_with_its_cause_if_it_is_a_breakers() -> None:
    core = Core()
    reduced(core, "daily_loss", None, Timebase.WALL)
    assert core.run(commands.Review()) == [ev.ReductionLifted(code="daily_loss", reason="its cause is gone")]
    reduced(core, "protections_unreadable", None, Timebase.WALL)
    assert [event.kind for event in core.run(commands.Review())] == ["reduction_lifted"]
    for code in ("deadman_cron", "unreconciled"):
        reduced(core, code, None, Timebase.WALL)
        assert core.run(commands.Review()) == []


def test_what_cannot_be_read_reduces_with_its_names_and_by_the_desk() -> None:
    core = Core()
    core.state = core.known.but(protections={"gone": {}, "cooldown": {"for_s": 0}, "leverage": {}})
    (event,) = core.run(commands.Review())
    reason = "this release cannot read gone, cooldown: set them anew"
    assert event == ev.Reduced(code="protections_unreadable", by="desk", reason=reason)


def test_a_halt_by_a_protection_is_told_whole() -> None:
    core = Core({"consecutive_losses": {"losses": 1, "calls_for": "halted", "for_s": 60, "on_halt": "flatten"}})
    core.hold("BBB", "2")
    core.trip("AAA", "-1")
    (event,) = [each for each in core.events if isinstance(each, ev.Halted)]
    assert (event.by, event.code, event.reason) == ("desk", "consecutive_losses", "the last 1 round trips lost")
    assert (event.hold_until_ms, event.flatten) == (core.now_ms + 60_000, True)


def test_a_halt_without_for_s_holds_nothing_and_cancels_only() -> None:
    core = Core({"consecutive_losses": {"losses": 1, "calls_for": "halted", "for_s": 0}})
    core.trip("AAA", "-1")
    (event,) = [each for each in core.events if isinstance(each, ev.Halted)]
    assert (event.hold_until_ms, event.flatten) == (0, False)


def test_a_reduction_for_a_while_counts_from_now_where_the_finding_has_no_end() -> None:
    core = Core({"max_drawdown": {"limit_bps": 100, "calls_for": "reducing", "for_s": 60}})
    core.review()
    holding(core, "90")
    core.review()
    reduction = core.known.reductions["max_drawdown"]
    assert (reduction.until_ms, reduction.clock) == (START + 60_000, Timebase.MARKET)
    core.now_ms += 10**9
    core.mark("AAA", "100")
    core.market_ms += 59_999
    assert core.review() == ["equity_marked"]
    core.market_ms += 1
    assert core.review() == ["reduction_lifted"]


@pytest.mark.parametrize(("what", "missed"), [("cron", "the cron's minute"), ("data", "the market's data")])
def test_silence_is_told_in_words_and_by_its_code(what: str, missed: str) -> None:
    core = Core({"dead_man": {"data_reduce_s": 180, "data_halt_s": 600, "on_halt": "flatten"}})
    core.state = core.known.but(interval_ms=60_000)
    assert core.run(commands.DeadMan(what, 180_000)) == []
    reason = f"{missed} has not come for 181 s"
    assert core.run(commands.DeadMan(what, 181_999)) == [ev.Reduced(code=f"deadman_{what}", by="desk", reason=reason)]
    assert core.run(commands.DeadMan(what, 600_000)) == []
    assert core.run(commands.DeadMan(what, 0)) == [ev.ReductionLifted(code=f"deadman_{what}", reason=f"{missed} came")]
    (halt,) = core.run(commands.DeadMan(what, 600_001))
    reason = f"{missed} has not come for 600 s"
    assert halt == ev.Halted(by="desk", reason=reason, code=f"deadman_{what}", flatten=True)
    assert core.run(commands.DeadMan(what, 700_000)) == []
    assert silence.deadman_code(what) == f"deadman_{what}"


def test_a_lost_venue_is_told_with_since_when_and_why() -> None:
    core = Core()
    since_ms = core.now_ms - 30_001
    lost, _ = core.run(commands.VenueSilent(since_ms, "time-out"))
    assert lost == ev.VenueLost(since_ms=since_ms, detail="time-out")


def test_each_desk_has_its_own_protections_and_reads_them_once() -> None:
    core = Core({"cooldown": {"for_s": 9}})
    state = core.known
    first = guards.of(state)
    assert guards.of(state.but(seq=9)) is first
    same = state.but(protections=dict(state.protections))
    assert guards.of(same) is not first
    assert [each.wire() for each in guards.of(same).acting] == [each.wire() for each in first.acting]
    assert first.settings is state.protections
    assert (first.price_band.span, first.dead_man.venue_s, first.venue_down.after_s) == (10, 300, 30)
    assert guards.MOST_KEPT == 64


def test_those_that_only_refuse_stop_nothing_by_themselves() -> None:
    found = guards.read({"daily_loss": {"calls_for": "refuse"}, "max_drawdown": {}})
    assert [each.name for each in found.breakers] == ["error_rate", "max_drawdown", "venue_down"]
    assert found.unreadable == ()
    settings = {"cooldown": {"for_s": 9}}
    assert guards.read(settings).settings is settings


@pytest.mark.parametrize(
    ("settings", "field", "rule", "detail"),
    [
        (
            {"cooldown": {"for_s": 0}},
            "protections.cooldown.for_s",
            "input should be greater than or equal to 1",
            "protections.cooldown.for_s: 0 input should be greater than or equal to 1",
        ),
        (
            {"trading_hours": {"windows": [{"from": "10:00", "to": "09:00"}]}},
            "protections.trading_hours.windows.0",
            "from 10:00 must be before to 09:00: a window over midnight takes two",
            "protections.trading_hours.windows.0: ",
        ),
        ({"nothing": {"a": 1}}, "protections.nothing", "is no protection", "protections.nothing: is no protection; "),
    ],
)
def test_what_cannot_be_read_tells_field_value_and_rule(
    settings: dict[str, Any], field: str, rule: str, detail: str
) -> None:
    with pytest.raises(Invalid) as caught:
        guards.read(settings)
    assert (caught.value.context["field"], caught.value.context["rule"]) == (field, rule)
    assert caught.value.detail.startswith(detail)


def test_what_is_no_protection_is_told_which_there_are() -> None:
    with pytest.raises(Invalid, match=r"there are consecutive_losses, cooldown, .*, trading_hours, venue_down$"):
        Core().open(opening(protections={"nothing": {}}))


def test_what_is_no_mapping_is_told_by_the_name_of_the_protection() -> None:
    broken: Any = {"cooldown": []}
    with pytest.raises(Invalid) as caught:
        guards.read(broken)
    assert caught.value.context["field"] == "protections.cooldown"
    assert caught.value.detail.startswith("protections.cooldown: input should be")
