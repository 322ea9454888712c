"""What a backtest is told of the span it asked for: what the archive had of it, and what it lacked."""

from __future__ import annotations

import asyncio
import gzip
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cron.backtest_coverage import CLOSED_MS, MAX_HOLES, Kept, Known, coverage, several
from shared.archive import keys
from shared.archive.candles import CandleArchive
from shared.archive.ndjson import Row
from shared.backtest import BacktestOrder
from shared.coverage import Coverage, SymbolCoverage
from shared.market.gaps import expected, find
from shared.model import Interval
from tests.unit.cron.test_backtest import ID, ORDER, ask, deliver, drain, instrument, parent, result, runs, world
from tests.unit.cron.world import DAY_MS, START_MS, World, settings, wave

FIRST, LAST = START_MS, START_MS + 249 * DAY_MS
"""Of AAA, which has every day; BBB has the first 180."""


def span(from_day: int, to_day: int) -> dict[str, int]:
    return {"from_ms": START_MS + from_day * DAY_MS, "to_ms": START_MS + to_day * DAY_MS}


def covered(order: dict[str, Any], place: World | None = None) -> dict[str, Any]:
    """The whole result."""
    place = place or world()
    ask(place, ORDER | order)
    drain(place)
    assert parent(place)["state"] == "done", parent(place)["error"]
    return result(place)


def symbols(found: dict[str, Any]) -> dict[str, SymbolCoverage]:
    return Coverage.model_validate_json(json.dumps(found["coverage"])).symbols


def archive(place: World, symbol: str, days: list[int], listed_ms: int = 0) -> None:
    """One more symbol, with bars on those days."""
    body = json.dumps(json.loads(instrument(symbol)) | {"listed_ms": listed_ms})
    place.db.change("INSERT INTO instruments VALUES (?, 'us', ?, ?, 0)", f"us:{symbol}", symbol, body)
    every = wave(START_MS, DAY_MS, 250, 5)
    rows = [Row(symbol, *every[day]) for day in days]
    archived = CandleArchive(place.db, place.store, "us", Interval.D1)
    stored = asyncio.run(archived.put(rows, symbol))
    bars = {symbol: {row.open_time_ms: row for row in rows}}
    asyncio.run(place.db.batch([archived.index(stored, 0), archived.watermarks(bars, 0)]))


def test_a_span_that_the_archive_has_whole_leaves_no_doubt() -> None:
    found = covered({"span": span(10, 170)})
    assert found["coverage"]["from_ms"] == START_MS + 10 * DAY_MS
    assert found["coverage"]["to_ms"] == START_MS + 170 * DAY_MS
    whole = SymbolCoverage(
        bars=161,
        first_ms=START_MS + 10 * DAY_MS,
        last_ms=START_MS + 170 * DAY_MS,
        listed_ms=None,
        starts_late=False,
        ends_early=False,
        missing=0,
        holes=(),
    )
    assert symbols(found) == {"AAA": whole, "BBB": whole}
    assert not [each for each in found["doubts"] if "archive" in each]


def test_an_archive_that_begins_later_and_ends_earlier_is_doubted_before_the_numbers() -> None:
    place = world()
    found = covered({"span": span(-30, 400)}, place)
    aaa, bbb = symbols(found).values()
    assert (aaa.bars, aaa.first_ms, aaa.last_ms) == (250, FIRST, LAST)
    assert (aaa.starts_late, aaa.ends_early, aaa.missing) == (True, True, 0)
    assert (bbb.bars, bbb.starts_late, bbb.ends_early) == (180, True, True)
    doubts = [each for each in found["doubts"] if "archive" in each]
    assert len(doubts) == 2
    assert doubts[0] == (
        "AAA: the archive begins at 2024-10-04; the archive ends at 2025-06-10; asked for was 2024-09-04 to 2025-11-08"
    )
    page = gzip.decompress(place.store.objects[keys.page_key(ID, 1)]).decode()
    assert page.index(doubts[0]) < page.index("<svg") < page.index("<h2>Numbers</h2>")
    assert "bars that open from 2024-09-04 to 2025-11-08" in page
    assert "AAA: 250 bars, the first 2024-10-04, the last 2025-06-10; none missing in between" in page
    assert json.loads(runs(place)[0]["summary"])["doubts"] == len(found["doubts"]) >= 2


def test_symbols_that_lack_the_same_are_told_together() -> None:
    found = covered({"span": span(-1, 170)})
    [doubt] = [each for each in found["doubts"] if "archive" in each]
    assert doubt.startswith("AAA, BBB: the archive begins at 2024-10-04; asked")


def test_what_others_have_and_a_symbol_lacks_is_a_hole_though_only_that_symbol_was_asked_for() -> None:
    place = world()
    archive(place, "CCC", [*range(100), *range(103, 150), *range(151, 250)])
    found = covered({"symbols": ["CCC"], "span": span(10, 200)}, place)
    [ccc] = symbols(found).values()
    assert (ccc.bars, ccc.missing, ccc.starts_late, ccc.ends_early) == (187, 4, False, False)
    assert ccc.holes == (
        (START_MS + 100 * DAY_MS, START_MS + 102 * DAY_MS),
        (START_MS + 150 * DAY_MS, START_MS + 150 * DAY_MS),
    )
    assert "CCC: 4 bars are missing in between, the first at 2025-01-12; asked" in " ".join(found["doubts"])


@pytest.mark.parametrize("calendar", ["session", "continuous"])
def test_days_on_which_nobody_traded_are_holes_only_around_the_clock(calendar: str) -> None:
    place = World(config=settings("1d", calendar))
    archive(place, "CCC", [day for day in range(250) if day % 7 < 5])
    archive(place, "DDD", [day for day in range(250) if day % 7 < 5])
    # both ends lie on a weekend
    order = {"symbols": ["CCC"], "span": span(5, 202)}
    [ccc] = symbols(covered(order, place)).values()
    closed = [day for day in range(5, 203) if day % 7 >= 5]
    assert ccc.missing == (len(closed) if calendar == "continuous" else 0)
    assert not ccc.starts_late
    assert not ccc.ends_early


def test_the_weekend_before_the_first_bar_of_one_is_explained_by_the_others() -> None:
    place = World(config=settings("1d", "session"))
    archive(place, "CCC", [day for day in range(250) if day % 7 < 5])
    archive(place, "DDD", [day for day in range(7, 200) if day % 7 < 5])
    found = symbols(covered({"span": span(5, 201)}, place))
    assert [each.starts_late for each in found.values()] == [False, False]
    assert [each.ends_early for each in found.values()] == [False, True]
    later = symbols(covered({"span": span(4, 199)}, _again(place)))
    assert [each.starts_late for each in later.values()] == [False, True]


def _again(place: World) -> World:
    place.db.change("DELETE FROM backtests")
    place.db.change("DELETE FROM backtest_runs")
    place.db.change("DELETE FROM job_runs")
    return place


def test_a_symbol_listed_after_the_start_is_told_as_such() -> None:
    place = world()
    archive(place, "CCC", list(range(50, 250)), START_MS + 50 * DAY_MS)
    archive(place, "DDD", list(range(90, 250)), START_MS + 50 * DAY_MS)
    found = covered({"symbols": ["AAA", "CCC", "DDD"], "span": span(10, 249)}, place)
    aaa, ccc, ddd = symbols(found).values()
    assert (aaa.listed_ms, ccc.listed_ms, ddd.listed_ms) == (None, START_MS + 50 * DAY_MS, START_MS + 50 * DAY_MS)
    assert (ccc.starts_late, ddd.starts_late) == (False, True)
    said = " ".join(found["doubts"])
    assert "CCC: was listed on 2024-11-23, after the start; asked" in said
    assert "DDD: was listed on 2024-11-23, after the start; the archive begins at 2025-01-02; asked" in said


def test_a_listing_later_than_the_bars_is_not_believed() -> None:
    place = world()
    archive(place, "CCC", list(range(250)), START_MS + 50 * DAY_MS)
    [ccc] = symbols(covered({"symbols": ["CCC"], "span": span(10, 249)}, place)).values()
    assert (ccc.listed_ms, ccc.starts_late, ccc.missing) == (None, False, 0)


def test_a_symbol_without_any_bar_of_the_span_is_named() -> None:
    place = world()
    archive(place, "CCC", [240])
    found = covered({"symbols": ["AAA", "CCC"], "span": span(10, 100)}, place)
    assert found["symbols"] == ["AAA"]
    assert symbols(found)["CCC"].bars == 0
    assert "CCC: the archive has no bar of it in the span" in " ".join(found["doubts"])


def test_a_listing_that_bars_from_before_prove_wrong_does_not_excuse_a_late_start() -> None:
    place = world()
    archive(place, "CCC", list(range(30, 250)), START_MS + 50 * DAY_MS)
    found = covered({"symbols": ["AAA", "CCC"], "span": span(10, 249)}, place)
    ccc = symbols(found)["CCC"]
    assert (ccc.listed_ms, ccc.starts_late) == (None, True)
    said = " ".join(found["doubts"])
    assert "CCC: the archive begins at 2024-11-03; asked" in said
    assert "listed" not in said


@pytest.mark.parametrize(("hours", "late"), [(0, False), (9, False), (24, True), (33, True)])
def test_a_bar_of_the_day_of_the_listing_does_not_prove_it_wrong(hours: int, late: bool) -> None:
    place = world()
    listed_ms = START_MS + 50 * DAY_MS + hours * 3_600_000
    archive(place, "CCC", list(range(50, 250)), listed_ms)
    ccc = symbols(covered({"symbols": ["AAA", "CCC"], "span": span(10, 249)}, place))["CCC"]
    assert (ccc.starts_late, ccc.listed_ms) == (late, None if late else listed_ms)


def test_where_there_are_sessions_and_no_other_symbol_a_long_gap_is_doubted_and_none_is_said_to_be_whole() -> None:
    place = World(config=settings("1d", "session"))
    archive(place, "CCC", [*range(60), *range(200, 250)])
    found = covered({"span": span(10, 240)}, place)
    [ccc] = symbols(found).values()
    assert (ccc.bars, ccc.missing, ccc.starts_late, ccc.ends_early) == (91, None, False, False)
    assert ccc.holes == ((START_MS + 60 * DAY_MS, START_MS + 199 * DAY_MS),)
    told = "CCC: not known how many bars are missing in between, the first gap is from 2024-12-03 to 2025-04-21; asked"
    assert told in " ".join(found["doubts"])
    page = gzip.decompress(place.store.objects[keys.page_key(ID, 1)]).decode()
    assert "the last 2025-06-01; not known how many are missing in between" in page
    assert "none missing" not in page


def test_a_long_gap_at_the_start_of_the_span_is_doubted_too() -> None:
    place = World(config=settings("1d", "session"))
    archive(place, "CCC", [*range(60), *range(200, 250)])
    [ccc] = symbols(covered({"span": span(70, 240)}, place)).values()
    assert (ccc.missing, ccc.starts_late) == (None, False)
    assert ccc.holes == ((START_MS + 70 * DAY_MS, START_MS + 199 * DAY_MS),)


def test_a_weekend_of_the_only_symbol_is_not_doubted_and_not_said_to_be_whole() -> None:
    place = World(config=settings("1d", "session"))
    archive(place, "CCC", [day for day in range(250) if day % 7 < 5])
    found = covered({"span": span(5, 202)}, place)
    [ccc] = symbols(found).values()
    assert (ccc.missing, ccc.holes) == (None, ())
    assert not [each for each in found["doubts"] if "CCC: not known" in each]
    assert (
        "not known how many are missing in between"
        in gzip.decompress(place.store.objects[keys.page_key(ID, 1)]).decode()
    )


@pytest.mark.parametrize("symbols_asked", [["CCC"], ["AAA", "CCC"]])
def test_an_early_end_is_seen_whether_or_not_the_longer_symbol_is_asked_for(symbols_asked: list[str]) -> None:
    place = world()
    archive(place, "CCC", list(range(200)))
    for to_day in (200, 201, 203, 249):
        found = symbols(covered({"symbols": symbols_asked, "span": span(10, to_day)}, place))
        assert found["CCC"].ends_early, to_day
        assert "AAA" not in found or not found["AAA"].ends_early
        _again(place)


@pytest.mark.parametrize("interval", [Interval.H1, Interval.D1])
def test_easter_is_no_gap_and_no_early_end(interval: Interval) -> None:
    easter = [day for day in range(40) if day % 7 not in {5, 6} and day not in {4, 7}]
    hours = range(8, 17) if interval is Interval.H1 else (0,)
    opens = [day * DAY_MS + hour * 3_600_000 for day in easter for hour in hours]
    both = [(opens[0], opens[-1])] * 2
    asked = ORDER | {"interval": interval.value, "span": {"from_ms": opens[0], "to_ms": opens[-1]}}
    known = Known(opens[0], opens[-1], opens, "session", opens[-1], both)
    told = coverage(BacktestOrder.parse(json.dumps(asked)), {"AAA": Kept(opens, both[0], 0)}, known).symbols["AAA"]
    assert (told.missing, told.holes, told.ends_early) == (0, (), False)
    thursday = [at for at in opens if at < 4 * DAY_MS]
    tuesday_ms = 8 * DAY_MS + 9 * 3_600_000
    asked["span"] = {"from_ms": thursday[0], "to_ms": tuesday_ms}
    known = Known(thursday[0], thursday[-1], thursday, "session", thursday[-1], both)
    kept = Kept(thursday, (thursday[0], thursday[-1]), 0)
    assert not coverage(BacktestOrder.parse(json.dumps(asked)), {"AAA": kept}, known).symbols["AAA"].ends_early
    asked["span"] = {"from_ms": thursday[0], "to_ms": tuesday_ms + DAY_MS}
    assert coverage(BacktestOrder.parse(json.dumps(asked)), {"AAA": kept}, known).symbols["AAA"].ends_early


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)).map(lambda each: (each[0], each[0] + each[1]))))
def test_several_are_where_two_are(marks: list[tuple[int, int]]) -> None:
    found = several(marks)
    two = {at for at in range(45) if sum(first <= at <= last for first, last in marks) > 1}
    assert {at for first, last in found for at in range(first, last + 1)} == two
    assert all(one[1] < two[0] for one, two in pairwise(found))


def test_all_there_is_may_be_asked_for() -> None:
    found = covered({"span": {"from_ms": 0, "to_ms": 2**53}})
    assert "asked for was 1970-01-01 to 9999-12-31" in found["doubts"][0]


def test_a_venue_that_is_not_configured_has_no_calendar_to_find_holes_by() -> None:
    place = world()
    archive(place, "CCC", [*range(100), *range(103, 250)])
    place.settings = settings("1d", "session", name="fx")
    found = covered({"symbols": ["CCC"], "span": span(10, 200)}, place)
    assert symbols(found)["CCC"].missing is None


def test_bars_gathered_by_a_release_that_knew_no_coverage_run_as_ever() -> None:
    place = world()
    ask(place)
    deliver(place, place.queue.sent.pop(0))
    key = keys.backtest_key(ID, "bars")
    body = json.loads(gzip.decompress(place.store.objects[key]))
    del body["coverage"]
    place.store.objects[key] = gzip.compress(json.dumps(body).encode())
    drain(place)
    assert parent(place)["state"] == "done"
    assert result(place)["coverage"] is None


def _told(order: dict[str, Any], kept: Kept, known: Known) -> SymbolCoverage:
    return coverage(BacktestOrder.parse(json.dumps(ORDER | order)), {"AAA": kept}, known).symbols["AAA"]


@given(
    have=st.sets(st.integers(0, 40), min_size=1),
    others=st.sets(st.integers(0, 40)),
    asked=st.tuples(st.integers(0, 40), st.integers(1, 20)),
    calendar=st.sampled_from(["continuous", "session"]),
    wanted_alone=st.booleans(),
)
@example(have={0}, others={0, 1}, asked=(2, 1), calendar="session", wanted_alone=False)
@example(have={0}, others=set(), asked=(2, 1), calendar="session", wanted_alone=False)
def test_holes_are_those_that_gaps_are_found_by(
    have: set[int], others: set[int], asked: tuple[int, int], calendar: str, wanted_alone: bool
) -> None:
    step, interval = DAY_MS, Interval.D1
    from_ms, to_ms = asked[0] * step, (asked[0] + asked[1]) * step
    archived = min(have) * step, max(have) * step
    marks = [archived, *([(min(others) * step, max(others) * step)] if others else [])]
    read = archived if wanted_alone else (0, 40 * step)
    read_ms = max(from_ms, read[0]), min(to_ms, read[1])
    # else there is no result at all: `no_bars`
    assume(read_ms[0] <= read_ms[1])
    times = sorted(at * step for at in have if from_ms <= at * step <= to_ms)
    opens = sorted(at * step for at in have | others if read_ms[0] <= at * step <= read_ms[1])
    newest_ms = max(last for _, last in marks)
    known = Known(*read_ms, opens, calendar, newest_ms, several(marks))
    told = _told({"span": {"from_ms": from_ms, "to_ms": to_ms}}, Kept(times, archived, 0), known)
    assert told.bars == len(times)

    lo, hi = max(from_ms, archived[0]), min(to_ms, archived[1])
    wanted = expected(calendar, interval, lo, hi, opens) if lo <= hi else ()
    lacking = sum(at not in times for at in wanted)
    gaps = find("AAA", wanted, set(times))
    compared = all(
        others and min(others) * step <= one + step and max(others) * step >= two - step
        for one, two in pairwise((lo - step, *times, hi + step))
        if two - one > step
    )
    merged = sorted({lo - step, *times, *wanted, hi + step})
    silent = any(two - one > CLOSED_MS for one, two in pairwise(merged))
    if calendar == "continuous" or lo > hi or (not silent and compared):
        assert told.missing == lacking
        assert told.holes == tuple((gap.from_ms, gap.to_ms) for gap in gaps[:MAX_HOLES])
    elif silent:
        assert told.missing is None
        assert told.holes
    else:
        assert told.missing is None
        assert told.holes == tuple((gap.from_ms, gap.to_ms) for gap in gaps[:MAX_HOLES])

    before = from_ms < archived[0] and (
        from_ms < read_ms[0]
        or archived[0] - step > read_ms[1]
        or len(expected(calendar, interval, from_ms, archived[0] - step, opens)) > 0
    )
    assert told.starts_late == before
    known_ms = min(to_ms, newest_ms)
    # what lacks before the span lacks in nothing that was asked for
    next_ms = max(archived[1] + step, from_ms)
    after = archived[1] < to_ms and (
        known_ms > read_ms[1] or len(expected(calendar, interval, next_ms, known_ms, opens)) > 0
    )
    beyond = archived[1] < to_ms and to_ms - newest_ms > (5 if calendar == "session" else 2) * step
    assert told.ends_early == (after or beyond)


@pytest.mark.parametrize(("calendar", "most"), [("continuous", 2), ("session", 5)])
def test_a_span_that_reaches_to_the_present_is_not_doubted_for_a_bar_that_is_still_open(
    calendar: str, most: int
) -> None:
    for days in range(1, 8):
        kept = Kept([at * DAY_MS for at in range(10, 41)], (0, 40 * DAY_MS), 0)
        opens = [at * DAY_MS for at in range(10, 41)]
        known = Known(10 * DAY_MS, 40 * DAY_MS, opens, calendar, 40 * DAY_MS, [(0, 40 * DAY_MS)])
        order = {"span": {"from_ms": 10 * DAY_MS, "to_ms": (40 + days) * DAY_MS}}
        assert _told(order, kept, known).ends_early == (days > most)
        # another symbol has bars up to the span's end: the present explains nothing
        further = known._replace(newest_ms=(40 + days) * DAY_MS)
        assert _told(order, kept, further).ends_early
