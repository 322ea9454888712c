"""The engine: strategies, decisions and the desk over recorded bars, one close after the other. Nothing sees the next bar.

At each close, in this order: the desk sees the bars (orders of earlier closes fill by the paper venue's rules, a market order at
the open; crossed levels and breakers follow), what is held pays its carry, the strategies are asked, and what they propose
goes to the desk, to be filled from the next bar on. Equity is counted at the close.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice, repeat
from operator import add, mul

from brain.backtest.desk import BacktestDesk
from brain.backtest.plan import Outcome, Plan, Refusals, Refused
from brain.backtest.quiet import Quiet
from brain.backtest.timeline import Timeline, Together
from brain.backtest.trades import Trades, fingerprint
from brain.backtest.vain import Vain
from brain.bar import Bar
from brain.decisions import decimal_of
from brain.decisions.decider import Decider
from brain.mind import Mind
from brain.mind import refusals as failures
from shared.desk import events as ev
from shared.desk.state import DeskStatus
from shared.model import Candle, Interval, Proposal, Signal, exact, symbol_of

DAY_MS = 86_400_000
SPLIT = 1.9
"""An open so many times the close before it, or that part of it, is told of in the report."""


class Backtest:
    """`advance` runs some closes at a time, so that whoever drives it can show progress or stop; `outcome` is of what was run.

    `skip` passes over bars: where the strategies can tell on which they speak, all others on which nothing happens, and quiet
    ones the desk never sees. Without it everybody sees every bar, with the same result.
    """

    def __init__(self, plan: Plan, skip: bool = True) -> None:
        self._plan = plan
        self._skip = skip
        self._line = Timeline(plan.series)
        self._mind = Mind(plan.venue, plan.interval, plan.choices)
        self._decider = Decider(plan.decisions, plan.venue, plan.interval.ms, [each.key for each in plan.choices])
        self._desk = BacktestDesk(plan.opening)
        self._instruments = {each.id: each for each in plan.opening.instruments}
        self._trades = Trades(self._instruments)
        self._refused = Refusals()
        self._now: dict[str, Bar] = {}
        self._before: dict[str, Bar] = {}
        self._told: dict[str, Bar] = {}
        self._vain = Vain()
        self._equity = array("d")
        self._exposed = 0
        self._proposals = 0
        self._carry = exact.ZERO
        self._look()
        asked = self._mind.leap(self._line.series) if skip and self._decider.is_plain else None
        self._asked = None if asked is None else list(map(self._line.place, asked))
        self._closes = self._line.closes()

    @property
    def total(self) -> int:
        """Closes in the plan."""
        return len(self._line)

    @property
    def done(self) -> int:
        """Closes that were run."""
        return len(self._equity)

    def advance(self, count: int | None = None) -> bool:
        """Runs `count` closes, or all; whether any are left."""
        end = self.total if count is None else min(self.total, self.done + count)
        if self._asked is not None:
            self._leap(self._asked, end)
        else:
            close, note, now, before = self._close, self._equity.append, self._now, self._before
            for open_ms, bars in islice(self._closes, end - self.done):
                for symbol, bar in bars:
                    if symbol in now:
                        before[symbol] = now[symbol]
                    now[symbol] = bar
                note(close(open_ms, bars))
        return self.done < self.total

    def _leap(self, asked: list[int], end: int) -> None:
        """From one close on which something may happen to the next, up to `end`."""
        turn = bisect_left(asked, self.done)
        while self.done < end:
            stop = min(end, asked[turn]) if turn < len(asked) else end
            place = self._next(stop)
            self._pass(place)
            if place == end:
                return
            speaks = turn < len(asked) and asked[turn] == place
            turn += speaks
            open_ms, bars = self._line.open_ms[place], []
            for symbol, bar, before in self._line.newest(place):
                self._now[symbol] = bar
                if before is not None:
                    self._before[symbol] = before
                if bar.open_time_ms == open_ms:
                    bars.append((symbol, bar))
            self._equity.append(self._close(open_ms, bars, speaks))

    def _next(self, end: int) -> int:
        """The first place from here to `end` that the desk has to see, or at which carry is paid."""
        begin, line = self.done, self._line
        if self._quiet.always:
            return begin
        step_ms = self._plan.interval.ms
        end = min(end, max(begin, line.place(self._quiet.until_ms - step_ms)))
        if self._held and self._plan.carry.is_due and begin:
            day = (line.open_ms[begin - 1] + step_ms) // DAY_MS
            end = min(end, line.place((day + 1) * DAY_MS - step_ms))
        for symbol, band in self._quiet.bands.items():
            if symbol in line.series:
                series, span = line.series[symbol], line.span(symbol, begin, end)
                first = series.leaves(band.low, band.high, span.start, span.stop)
                if first < span.stop:
                    end = line.place(series.open_time_ms[first])
        return end

    def _pass(self, end: int) -> None:
        """Over places at which nothing happens; what is held has its price."""
        begin, line = self.done, self._line
        if begin == end:
            return
        worth = array("d", [self._cash]) * (end - begin)
        for symbol, units in self._held:
            self._trades.pass_over(symbol, line.series[symbol], line.span(symbol, begin, end))
            marks = line.marks(symbol, begin, end)
            worth = array("d", map(add, worth, map(mul, repeat(units), marks)))
        if self._held:
            self._exposed += end - begin
        self._equity.extend(worth)

    def _close(self, open_ms: int, bars: Together, speaks: bool = True) -> float:
        """One close; what the account is worth at it."""
        close_ms = open_ms + self._plan.interval.ms
        if not self._skip or self._quiet.is_loud(close_ms, bars):
            self._tell(close_ms)
        if self._held:
            self._trades.on_bars(bars)
            if self._plan.carry.is_due:
                self._pay(close_ms)
        if speaks:
            signals = self._mind.close(close_ms, bars)
            if signals and self._skip and self._decider.is_plain:
                signals, vain = self._vain.split(signals, self._quiet, {symbol for symbol, _ in self._held})
                if close_ms > self._plan.warmup_ms:
                    self._proposals += len(vain)
                    for signal, code, detail in vain:
                        self._refused.add("desk", signal.instrument, code, detail, close_ms)
            if signals or not self._decider.is_plain:
                self._decide(close_ms, signals, bars)
        if not self._held:
            return self._cash
        self._exposed += 1
        worth = self._cash
        for symbol, units in self._held:
            worth += units * self._now[symbol].close
        return worth

    def _tell(self, close_ms: int) -> None:
        """What the desk has not seen: fills, crossed levels and a review."""
        if newest := self._unseen(close_ms):
            self._desk.bars(newest, close_ms)
            self._look()

    def _unseen(self, close_ms: int) -> list[Candle]:
        """The newest bars that the desk has not had. Where it knows two closes, it is marked at the one before; what closed
        earlier, and was passed over, is told as of then: nothing came of it, but its price is that old.
        """
        newest = []
        step_ms = self._plan.interval.ms
        for symbol, bar in self._now.items():
            told = self._told.get(symbol)
            if told == bar:
                continue
            earlier = self._before.get(symbol)
            if earlier is not None and told != earlier:
                self._mark(symbol, earlier)
            if bar.open_time_ms + step_ms == close_ms:
                newest.append(candle_of(f"{self._plan.venue}:{symbol}", self._plan.interval, bar))
            else:
                self._mark(symbol, bar)
            self._told[symbol] = bar
        return newest

    def _mark(self, symbol: str, bar: Bar) -> None:
        closed_ms = bar.open_time_ms + self._plan.interval.ms
        self._desk.market.on_close(f"{self._plan.venue}:{symbol}", decimal_of(bar.close), closed_ms, closed_ms)

    def _look(self) -> None:
        """What the desk's news change for the bars to come."""
        state = self._desk.ready()
        found = self._desk.events()
        if found or not self._equity:
            self._trades.on_events(found, state)
            currency = self._plan.opening.currency
            self._cash = float(state.cash.get(currency, exact.ZERO))
            self._held = [
                (symbol_of(each.instrument), float(each.qty * self._instruments[each.instrument].multiplier))
                for each in state.held()
            ]
            self._quiet = Quiet(state)

    def _decide(self, close_ms: int, signals: Sequence[Signal], bars: list[tuple[str, Bar]]) -> None:
        """Score, bias, committee, policy and size; what is proposed goes to the desk once the warm-up is over."""
        self._decider.learn(self._trades.outcomes())
        if not self._decider.is_plain:
            for strategy, symbol, _ in failures(self._mind.followers()):
                self._decider.lose(strategy, symbol)
        proposals: list[Proposal] = []
        for found in self._decider.decide(close_ms, signals, dict(bars)):
            if close_ms <= self._plan.warmup_ms:
                continue
            if found.proposal is None:
                self._refused.add("brain", found.signal.instrument, found.code, found.detail, close_ms)
            else:
                proposals.append(found.proposal)
        self._proposals += len(proposals)
        if not proposals:
            return
        # nothing happens on a quiet bar, but an order is priced at its close
        self._desk.market.on_bars(self._unseen(close_ms), close_ms)
        for proposal, result in zip(proposals, self._desk.propose(proposals, close_ms), strict=True):
            if result["outcome"] == "refused":
                why = result["code"], result["detail"]
                self._refused.add("desk", proposal.instrument, *why, close_ms)
                self._vain.hear(proposal, *why)
        self._look()

    def _pay(self, close_ms: int) -> None:
        """Funding and borrowing, once a UTC day, at its first close, for what is held then."""
        carry, before = self._plan.carry, self.done - 1
        if before < 0 or close_ms // DAY_MS == (self._line.open_ms[before] + self._plan.interval.ms) // DAY_MS:
            return
        held = sum(units * self._now[symbol].close for symbol, units in self._held)
        cost = (held * carry.funding_bps + max(0.0, -self._cash) * carry.borrow_bps) / 10_000
        amount = decimal_of(-cost)
        if not amount:
            return
        draft = self._desk.session.draft(close_ms)
        draft.add(ev.LedgerAdjusted(asset=self._plan.opening.currency, amount=amount, by="venue", reason="carry"))
        self._desk.commit(draft)
        self._carry = exact.add(self._carry, amount)
        self._look()

    def outcome(self) -> Outcome:
        """Of the closes that were run; what is held then stays open, at its price."""
        state = self._desk.ready()
        failed = [
            Refused(strategy, symbol, why.code, why.detail, why.bar_close_ms)
            for strategy, symbol, why in self._mind.refusals()
        ]
        return Outcome(
            times_ms=list(map(add, self._line.open_ms[: self.done], repeat(self._plan.interval.ms))),
            equity=self._equity,
            trades=self._trades.closed,
            exposure_bars=self._exposed,
            traded_notional=self._trades.traded,
            refused=[*failed, *jumps(self._line, self.done, self._plan.interval.ms), *self._refused.found()],
            proposals=self._proposals,
            carry=float(self._carry),
            halted=state.halt_reason if state.status is DeskStatus.HALTED else "",
            open_symbols=[symbol for symbol, _ in self._held],
            fingerprint=fingerprint(self._trades.closed, self._instruments, self._plan.venue),
        )


def candle_of(instrument: str, interval: Interval, bar: Bar) -> Candle:
    """As the desk is told of it: checked when the series was read; ten digits after the point are exact enough for any tick."""
    return Candle.model_construct(
        instrument=instrument,
        interval=interval,
        open_time_ms=bar.open_time_ms,
        open=decimal_of(bar.open),
        high=decimal_of(bar.high),
        low=decimal_of(bar.low),
        close=decimal_of(bar.close),
        volume=decimal_of(bar.volume),
    )


def jumps(line: Timeline, done: int, step_ms: int) -> list[Refused]:
    """Of each symbol the first bar that looks like a split nobody adjusted for: what was held then has a wrong result."""
    found = []
    for symbol, bars in line.series.items():
        places = bars.jumps(SPLIT, line.span(symbol, 0, done).stop)
        if places:
            open_, close = bars.open[places[0]], bars.close[places[0] - 1]
            detail = (
                f"open {open_:g} is {open_ / close:.3g} times the close before it: a split that was not adjusted for?"
            )
            first_ms = bars.open_time_ms[places[0]] + step_ms
            found.append(Refused("market", symbol, "price_jump", detail, first_ms, len(places)))
    return found


def run(plan: Plan) -> Outcome:
    """The whole plan at once."""
    backtest = Backtest(plan)
    backtest.advance()
    return backtest.outcome()
