"""Parameters tried, and how much of the best result was only the best of many.

Which are tried comes from `grid`, from `drawn`, or from whoever steers. Every try counts for the deflated Sharpe ratio,
also the discarded ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice, product
from typing import Any, Final, NamedTuple

from brain.backtest.deflated import Moments, deflated_sharpe, moments
from brain.backtest.each import Each
from brain.backtest.engine import run
from brain.backtest.metrics import UndefinedError, metrics
from brain.backtest.metrics.growth import returns
from brain.backtest.montecarlo import Chance
from brain.backtest.plan import Outcome, Plan
from brain.registry import STRATEGIES, AnyStrategy
from brain.request import choices
from shared.errors import Invalid

MOST: Final = 10_000
OBJECTIVES: Final = ("sharpe", "sortino", "calmar", "total_return", "profit_factor", "sqn", "expectancy")
Value = int | float | str
Params = Mapping[str, Value]


class Range(NamedTuple):
    """From `low` to `high`, both included. Whole numbers where both are; `step` 0: no steps, which a grid cannot have."""

    low: float
    high: float
    step: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return all(type(each) is int for each in (self.low, self.high)) and float(self.step).is_integer()

    @property
    def size(self) -> int:
        """How many values there are."""
        return math.floor((self.high - self.low) / self._step() + 1e-9) + 1

    def values(self) -> list[Value]:
        """All of them, ascending."""
        step = self._step()
        return [self._value(self.low + at * step) for at in range(self.size)]

    def _step(self) -> float:
        step = self.step or (1 if self.is_whole else 0.0)
        if not step:
            raise Invalid.field("step", self.step, "must be above 0 in a grid", "write low:high:step")
        return step

    def draw(self, chance: Chance) -> Value:
        """One of them, each as likely."""
        if self.step or self.is_whole:
            return self._value(self.low + int(chance.random() * self.size) * self._step())
        return self.low + chance.random() * (self.high - self.low)

    def _value(self, value: float) -> Value:
        # 0.1 + 2 * 0.1 is written 0.3
        return round(value) if self.is_whole else float(f"{value:.12g}")


Space = Mapping[str, Range]


def check(space: Space) -> None:
    """Invalid for a space in which nothing can be searched."""
    if not space:
        raise Invalid.field("space", {}, "must name at least one parameter", "give it as name=low:high:step")
    for name, each in space.items():
        if not (math.isfinite(each.low) and math.isfinite(each.high) and each.low <= each.high and each.step >= 0):
            raise Invalid.field(f"space.{name}", tuple(each), "must be low <= high, step >= 0, all finite")


def combinations(space: Space) -> int:
    """How many a grid has; Invalid for more than `MOST`."""
    check(space)
    if (count := math.prod(each.size for each in space.values())) > MOST:
        raise Invalid.field(
            "space", count, f"combinations are more than {MOST}", "take larger steps, or draw at random"
        )
    return count


def grid(space: Space) -> Iterator[Params]:
    """Every combination, the last parameter fastest; Invalid for more than `MOST`."""
    combinations(space)
    values = [each.values() for each in space.values()]
    return (dict(zip(space, chosen, strict=True)) for chosen in product(*values))


def drawn(space: Space, count: int, chance: Chance) -> Iterator[Params]:
    """`count` combinations by chance, each only once; fewer where there are no more to be found."""
    check(space)
    if not 1 <= count <= MOST:
        raise Invalid.field("count", count, f"must be 1 to {MOST}")

    def every() -> Iterator[Params]:
        seen: set[tuple[Value, ...]] = set()
        for _ in range(20 * count):
            chosen = {name: each.draw(chance) for name, each in space.items()}
            if tuple(chosen.values()) not in seen:
                seen.add(tuple(chosen.values()))
                yield chosen

    return islice(every(), count)


class Trial(NamedTuple):
    """One try. `value` is the objective, None where it is undefined; `sharpe` is of one bar, None where nothing varied."""

    params: Params
    value: float | None
    trades: int
    moments: Moments | None

    @property
    def sharpe(self) -> float | None:
        """Of one bar, not annualised."""
        return None if self.moments is None else self.moments.sharpe


class Found(NamedTuple):
    """`trials` with the best first, those without a value last; `refused` were no parameters of the strategy.

    `deflated` is the probability, 0..1, that the best is more than the best of as many lucky ones; None, and `why` not.
    """

    objective: str
    trials: Sequence[Trial]
    refused: int
    deflated: float | None
    why: str

    @property
    def best(self) -> Trial | None:
        """The one with the highest value; None where none had any."""
        return self.trials[0] if self.trials and self.trials[0].value is not None else None


def with_params(plan: Plan, params: Params, known: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> Plan:
    """The plan's one strategy with these parameters instead of its own; Invalid where it refuses them."""
    if len(plan.choices) != 1:
        raise Invalid.field("strategies", len(plan.choices), "must be exactly one where parameters are searched")
    chosen = plan.choices[0]
    whole = {**chosen.params.model_dump(), **params}
    return plan._replace(choices=choices([{"name": chosen.strategy.name, "params": whole}], known))


def tried(plan: Plan, params: Params, objective: str, outcome: Outcome) -> Trial:
    """What came of one run."""
    if objective not in OBJECTIVES:
        raise Invalid.field("objective", objective, f"must be one of {', '.join(OBJECTIVES)}")
    judged = metrics(
        outcome.equity,
        outcome.times_ms,
        outcome.trades,
        plan.interval.ms,
        outcome.exposure_bars,
        outcome.traded_notional,
    )
    return Trial(params, getattr(judged, objective), len(outcome.trades), _moments(outcome.equity))


def _moments(equity: Sequence[float]) -> Moments | None:
    if min(equity) <= 0:
        return None
    try:
        return moments(returns(equity))
    except UndefinedError:
        return None


def attempt(
    params: Params, plan: Plan, objective: str = "sharpe", known: Mapping[str, type[AnyStrategy]] = STRATEGIES
) -> Trial | None:
    """One backtest; None for what the strategy does not take, such as a fast average slower than the slow one."""
    try:
        made = with_params(plan, params, known)
    except Invalid as error:
        if error.context.get("field") == "strategies":
            raise
        return None
    return tried(made, params, objective, run(made))


class Search:
    """Tries and remembers them; `each` runs the backtests, one after the other or side by side."""

    def __init__(
        self,
        plan: Plan,
        objective: str = "sharpe",
        known: Mapping[str, type[AnyStrategy]] = STRATEGIES,
        each: Each = map,
    ) -> None:
        self._job = partial(attempt, plan=plan, objective=objective)
        if known is not STRATEGIES:
            # the usual ones need not go with it to another process, and could not
            self._job = partial(self._job, known=known)
        self._objective = objective
        self._each = each
        self.trials: list[Trial] = []
        self.refused = 0

    def tries(self, candidates: Iterable[Params]) -> list[Trial | None]:
        """What came of each: for whoever steers by what came before."""
        made = list(self._each(self._job, candidates))
        self.trials += [trial for trial in made if trial is not None]
        self.refused += made.count(None)
        return made

    def all(self, candidates: Iterable[Params]) -> Found:
        """Each of them, and the outcome."""
        self.tries(candidates)
        return self.found()

    def found(self) -> Found:
        """Of everything tried so far."""
        ranked = sorted(self.trials, key=lambda each: -math.inf if each.value is None else each.value, reverse=True)
        deflated, why = deflation(ranked)
        return Found(self._objective, ranked, self.refused, deflated, why)


def deflation(ranked: Sequence[Trial]) -> tuple[float | None, str]:
    """The first one's deflated Sharpe ratio among all, or None and why there is none."""
    if not ranked or ranked[0].value is None:
        return None, "no try had a value"
    if ranked[0].moments is None:
        return None, "the best try's returns do not vary"
    # a try that never traded has no ratio, and no skill either: it counts as 0
    sharpes = [each.sharpe or 0.0 for each in ranked]
    try:
        return deflated_sharpe(ranked[0].moments, sharpes), ""
    except UndefinedError as error:
        return None, str(error)


def read_space(texts: Mapping[str, str]) -> Space:
    """`low:high` or `low:high:step` by parameter; Invalid names the one that is wrong."""
    found = {name: Range(*_numbers(name, text)) for name, text in texts.items()}
    check(found)
    return found


def _numbers(name: str, text: str) -> list[Any]:
    parts = text.split(":")
    if len(parts) not in (2, 3):
        raise Invalid.field(f"space.{name}", text, "must be low:high or low:high:step", "write it like 5:50:5")
    return [_number(name, part) for part in parts]


def _number(name: str, text: str) -> int | float:
    try:
        return int(text) if text.strip("+-").isdecimal() else float(text)
    except ValueError:
        raise Invalid.field(f"space.{name}", text, "must be a number", "write it like 5:50:5") from None
