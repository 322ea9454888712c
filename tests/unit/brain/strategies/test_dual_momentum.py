"""dual_momentum, by scenario and by its definition."""

from __future__ import annotations

from brain.bar import Bar
from shared.model import Action, Side
from tests.unit.brain.strategies.scenes import closes_of, follow_all, market, wicked

Series = dict[str, list[Bar]]


def lines(**growth: float) -> Series:
    """Each symbol grows by so much a day, for 30 days."""
    return {name: wicked([100.0 * (1.0 + rate) ** at for at in range(30)]) for name, rate in growth.items()}


def told(series: Series, **params: int | float) -> list[tuple[int, str, Action]]:
    return [(day, symbol, idea.action) for day, symbol, idea in follow_all("dual_momentum", series, **params)]


def test_enters_the_best_that_rose_and_says_so_once() -> None:
    found = follow_all("dual_momentum", lines(A=0.001, B=0.03, C=0.02, D=-0.01))
    assert [(day, symbol) for day, symbol, _ in found] == [(5, "B"), (5, "C")]
    (_, _, best), (_, _, second) = found
    assert (best.action, best.side, best.reason) == (Action.ENTER, Side.BUY, "in_first_ranks")
    assert (best.score, second.score) == (1.0, 0.75)
    assert best.evidence["place"] == 1.0
    assert best.stop_distance == 2.0 * best.evidence["atr"]


def test_what_did_not_rise_is_not_entered_even_if_it_is_the_best() -> None:
    assert told(lines(A=-0.001, B=-0.03, C=-0.02)) == []
    assert told(lines(A=0.001, B=0.03), least_pct=1.0) == [(5, "B", Action.ENTER)]


def test_choices_fall_on_the_first_close_of_a_span() -> None:
    series = lines(A=0.001, B=0.03)
    assert {day for day, _, _ in told(series, every=3)} == {5}
    assert {day for day, _, _ in told(series, every=7)} == {6}
    late = {name: bars[4:] for name, bars in series.items()}
    assert {day for day, _, _ in told(late, every=7)} == {13}


def test_exits_what_is_no_longer_among_the_first() -> None:
    series = lines(A=0.001, B=0.03, C=0.02)
    series["A"] = wicked([100.0] * 10 + [100.0 * 1.1**at for at in range(20)])
    found = follow_all("dual_momentum", series)
    left = [(symbol, idea) for _, symbol, idea in found if idea.action is Action.EXIT]
    assert [symbol for symbol, _ in left] == ["C"]
    assert (left[0][1].reason, left[0][1].score) == ("no_longer_in_first_ranks", 2 / 3)


def test_what_stops_trading_is_left_when_it_next_trades() -> None:
    series = lines(A=0.001, B=0.03, C=0.02)
    series["B"] = [bar for at, bar in enumerate(series["B"]) if not 8 <= at < 19]
    assert (19, "B", Action.EXIT) in told(series)
    assert [symbol for day, symbol, _ in told(series) if 8 <= day < 19] == ["A"]


def test_a_choice_waits_for_the_next_bar_of_a_symbol_that_had_none() -> None:
    series = lines(A=0.001, B=0.03, C=0.02)
    del series["B"][5]
    assert told(series) == [(5, "C", Action.ENTER), (6, "B", Action.ENTER)]


def test_a_symbol_listed_midway_is_ranked_when_it_is_warm() -> None:
    series = lines(A=0.001, B=0.03, C=0.05)
    series["C"] = series["C"][10:]
    assert told(series)[:2] == [(5, "A", Action.ENTER), (5, "B", Action.ENTER)]
    assert told(series)[2:] == [(14, "A", Action.EXIT), (14, "C", Action.ENTER)]


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    series = {name: market(seed, 300) for seed, name in enumerate("ABCDEF")}
    closes = {name: [bar.close for bar in rows] for name, rows in series.items()}
    wanted, chosen = [], set[str]()
    for day, _ in closes_of(series):
        # the first close of a span of three: the one at the end of days 2, 5, 8, ...
        if (day + 1) % 3 or day < 4:
            continue
        rises = {name: prices[day] / prices[day - 4] - 1.0 for name, prices in closes.items()}
        best = sorted(rises, key=lambda name: (-rises[name], name))[:2]
        now = {name for name in best if rises[name] > 0.0}
        wanted += [(day, name, Action.EXIT if name in chosen else Action.ENTER) for name in sorted(now ^ chosen)]
        chosen = now
    assert told(series) == wanted
    assert len(wanted) > 100


def test_a_symbol_is_ranked_as_long_as_it_traded_within_the_span() -> None:
    series = lines(A=-0.001, B=0.03, C=0.02)
    for missing, left in ((range(7, 10), False), (range(6, 10), True)):
        holes = {**series, "B": [bar for at, bar in enumerate(series["B"]) if at not in missing]}
        assert ((10, "B", Action.EXIT) in told(holes)) == left


def test_what_did_not_move_did_not_rise() -> None:
    assert told(lines(A=0.0, B=0.0)) == []
