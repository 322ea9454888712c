"""The engine: strategies, decisions and the desk over recorded bars, one close after the other. Nothing sees the next bar.

At each close, in this order: the desk sees the bars (orders of earlier closes fill by the paper venue's rules, a market order at
the open; crossed levels and breakers follow), what is held pays its carry, the strategies are asked, and what they propose
goes to the desk, to be filled from the next bar on. Equity is counted at the close.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter

from brain.backtest.desk import BacktestDesk
from brain.backtest.plan import Outcome, Plan, Refused
from brain.backtest.quiet import Quiet
from brain.backtest.trades import Trades, fingerprint
from brain.bar import Bar
from brain.decisions import decimal_of
from brain.decisions.decider import Decider
from brain.mind import Mind
from shared.desk import events as ev
from shared.desk.state import DeskStatus
from shared.model import Candle, Proposal, Signal, exact, symbol_of

Close = tuple[int, list[tuple[str, Bar]]]
DAY_MS = 86_400_000


class Backtest:
    """`advance` runs some closes at a time, so that whoever drives it can show progress or stop; `outcome` is of what was run.

    `skip` passes over quiet bars; without it the desk sees every bar, with the same result.
    """

    def __init__(self, plan: Plan, skip: bool = True) -> None:
        self._plan = plan
        self._skip = skip
        self._closes = closes(plan)
        self._total = len({bar.open_time_ms for bars in plan.series.values() for bar in bars})
        self._mind = Mind(plan.venue, plan.interval, plan.choices)
        self._decider = Decider(plan.decisions, plan.venue, plan.interval.ms, [each.key for each in plan.choices])
        self._desk = BacktestDesk(plan.opening)
        self._instruments = {each.id: each for each in plan.opening.instruments}
        self._trades = Trades(self._instruments)
        self._now: dict[str, Bar] = {}
        self._before: dict[str, Bar] = {}
        self._told: dict[str, Bar] = {}
        self._times = array("q")
        self._equity = array("d")
        self._exposed = 0
        self._proposals = 0
        self._refused: dict[tuple[str, str, str], Refused] = {}
        self._carry = exact.ZERO
        self._day = -1
        self._look()

    @property
    def total(self) -> int:
        """Closes in the plan."""
        return self._total

    @property
    def done(self) -> int:
        """Closes that were run."""
        return len(self._times)

    def advance(self, count: int | None = None) -> bool:
        """Runs `count` closes, or all; whether any are left."""
        left = self._total - self.done if count is None else count
        close, times, equity = self._close, self._times, self._equity
        for close_ms, bars in islice(self._closes, left):
            worth = close(close_ms, bars)
            times.append(close_ms)
            equity.append(worth)
        return self.done < self._total

    def _close(self, close_ms: int, bars: list[tuple[str, Bar]]) -> float:
        now, before = self._now, self._before
        for symbol, bar in bars:
            if symbol in now:
                before[symbol] = now[symbol]
            now[symbol] = bar
        if not self._skip or self._quiet.is_loud(bars):
            self._tell(close_ms)
        if self._held:
            self._age(bars)
        day = close_ms // DAY_MS
        if day != self._day:
            if self._held and self._day >= 0:
                self._pay(close_ms)
            self._day = day
        signals = self._mind.close(close_ms, bars)
        if signals or not self._decider.is_plain:
            self._decide(close_ms, signals, bars)
        if not self._held:
            return self._cash
        self._exposed += 1
        worth = self._cash
        for symbol, units in self._held:
            worth += units * now[symbol].close
        return worth

    def _age(self, bars: list[tuple[str, Bar]]) -> None:
        """What is held was held through these bars."""
        open_ = self._trades.open
        for symbol, bar in bars:
            if symbol in open_:
                open_[symbol].on_bar(bar)

    def _tell(self, close_ms: int) -> None:
        """What the desk has not seen: fills, crossed levels and a review."""
        if newest := self._unseen(close_ms):
            self._desk.bars(newest, close_ms)
            self._look()

    def _unseen(self, close_ms: int) -> list[Candle]:
        """The newest bar of each symbol that the desk has not had; it is marked at the one before, for it knows two closes."""
        newest = []
        for symbol, bar in self._now.items():
            if self._told.get(symbol) is bar:
                continue
            earlier = self._before.get(symbol)
            if earlier is not None and self._told.get(symbol) is not earlier:
                self._desk.market.on_bars([self._candle(symbol, earlier)], close_ms)
            newest.append(self._candle(symbol, bar))
            self._told[symbol] = bar
        return newest

    def _candle(self, symbol: str, bar: Bar) -> Candle:
        # checked when the series was read; ten digits after the point are exact enough for any tick
        return Candle.model_construct(
            instrument=f"{self._plan.venue}:{symbol}",
            interval=self._plan.interval,
            open_time_ms=bar.open_time_ms,
            open=decimal_of(bar.open),
            high=decimal_of(bar.high),
            low=decimal_of(bar.low),
            close=decimal_of(bar.close),
            volume=decimal_of(bar.volume),
        )

    def _look(self) -> None:
        """What the desk's news change for the bars to come."""
        state = self._desk.ready()
        found = self._desk.events()
        if found or not self._times:
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
        proposals: list[Proposal] = []
        for found in self._decider.decide(close_ms, signals, dict(bars)):
            if close_ms <= self._plan.warmup_ms:
                continue
            if found.proposal is None:
                self._refuse("brain", found.signal.instrument, found.code, found.detail, close_ms)
            else:
                proposals.append(found.proposal)
        if not proposals:
            return
        # nothing happens on a quiet bar, but an order is priced at its close
        self._desk.market.on_bars(self._unseen(close_ms), close_ms)
        self._proposals += len(proposals)
        for proposal, result in zip(proposals, self._desk.propose(proposals, close_ms), strict=True):
            if result["outcome"] == "refused":
                self._refuse("desk", proposal.instrument, result["code"], result["detail"], close_ms)
        self._look()

    def _refuse(self, by: str, instrument: str, code: str, detail: str, close_ms: int) -> None:
        key = by, instrument, code
        known = self._refused.get(key)
        symbol = symbol_of(instrument)
        self._refused[key] = (
            Refused(by, symbol, code, detail, close_ms) if known is None else known._replace(times=known.times + 1)
        )

    def _pay(self, close_ms: int) -> None:
        """Funding and borrowing, once a UTC day, at its first close, for what is held then."""
        carry = self._plan.carry
        if not (carry.funding_bps or carry.borrow_bps):
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
            times_ms=self._times,
            equity=self._equity,
            trades=self._trades.closed,
            exposure_bars=self._exposed,
            traded_notional=self._trades.traded,
            refused=[*failed, *self._refused.values()],
            proposals=self._proposals,
            carry=float(self._carry),
            halted=state.halt_reason if state.status is DeskStatus.HALTED else "",
            open_symbols=[symbol for symbol, _ in self._held],
            fingerprint=fingerprint(self._trades.closed, self._instruments, self._plan.venue),
        )


def closes(plan: Plan) -> Iterator[Close]:
    """Bars by the time of their close and, within one, by symbol; made as they are asked for, since keeping them costs more."""
    step_ms = plan.interval.ms
    if len(plan.series) == 1:
        [(only, alone)] = plan.series.items()
        for bar in alone:
            yield bar.open_time_ms + step_ms, [(only, bar)]
        return
    rows = merge(*(_rows(symbol, bars) for symbol, bars in sorted(plan.series.items())))
    for open_ms, together in groupby(rows, key=itemgetter(0)):
        yield open_ms + step_ms, [(symbol, bar) for _, symbol, bar in together]


def _rows(symbol: str, bars: Sequence[Bar]) -> Iterator[tuple[int, str, Bar]]:
    for bar in bars:
        yield bar.open_time_ms, symbol, bar


def run(plan: Plan) -> Outcome:
    """The whole plan at once."""
    backtest = Backtest(plan)
    backtest.advance()
    return backtest.outcome()
