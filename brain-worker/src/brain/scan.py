"""The scan: `(market, evidence, state) -> (signals, proposals, refused, state')`, a pure function."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from typing import Any

from brain import request as requests
from brain import series, state
from brain.bar import Bar
from brain.decisions import proposal_of, signal_of
from brain.registry import STRATEGIES, AnyStrategy
from brain.request import Choice, Request
from brain.series import Refusal
from shared.errors import Invalid
from shared.model import Proposal, Signal

_SYMBOL = re.compile(r"[A-Z0-9._-]{1,32}")
_FROM_THE_START = -1
_DOES_NOT_FIT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def scan(body: Any, strategies: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> dict[str, Any]:
    """One scan of the new bars of every symbol, as docs/contracts.md has it; `Invalid` for a request that breaks it.

    Symbols are taken in the order of their names, so the order they are sent in changes nothing. What a bad series or
    a failing strategy would have learnt or said is dropped whole for that symbol, and its state stays as it was.
    Evidence is checked to be an object; no strategy reads it yet. The state that comes back holds the strategies of
    this request, on every symbol that they ever saw.
    """
    request = requests.read(body, strategies)
    work = _Scan(request)
    for symbol in sorted(request.market):
        work.symbol(symbol, request.market[symbol])
    return {
        "signals": [signal.wire() for signal in work.signals],
        "proposals": [proposal.wire() for proposal in work.proposals],
        "refused": work.refused,
        "state": state.write(work.entries, request.venue, request.interval.value),
    }


class _Scan:
    """What a scan has gathered so far."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.signals: list[Signal] = []
        self.proposals: list[Proposal] = []
        self.refused: list[dict[str, Any]] = []
        self.entries = {choice.key: request.entries.get(choice.key, {}) for choice in request.choices}

    def symbol(self, symbol: str, columns: Any) -> None:
        """All strategies on one symbol."""
        if not _SYMBOL.fullmatch(symbol):
            self._refuse("", symbol[:64], Refusal(0, "bad_symbol", "must be 1 to 32 of A-Z, 0-9, '.', '_' and '-'"))
            return
        seen = [(choice, self.entries[choice.key].get(symbol)) for choice in self._request.choices]
        oldest_ms = min(entry[0] if entry else _FROM_THE_START for _, entry in seen)
        bars = series.read(columns, self._request.interval.ms, oldest_ms)
        if isinstance(bars, Refusal):
            self._refuse("", symbol, bars)
        elif bars:
            for choice, entry in seen:
                self._follow(choice, symbol, entry, bars)

    def _follow(self, choice: Choice, symbol: str, entry: state.Entry | None, bars: list[Bar]) -> None:
        """One strategy on the new bars of one symbol: all of them, or none."""
        strategy = choice.fresh()
        if entry:
            watermark_ms = entry[0]
            if bars[0].open_time_ms <= watermark_ms:
                bars = [bar for bar in bars if bar.open_time_ms > watermark_ms]
                if not bars:
                    return
            try:
                strategy.restore(entry[1])
            except _DOES_NOT_FIT as error:
                refusal = Refusal(self._close_ms(bars[0]), "bad_state", f"{type(error).__name__}; {state.REMEDY}")
                self._refuse(choice.strategy.name, symbol, refusal)
                return
        signals = self._signals(choice, symbol, strategy, bars)
        if isinstance(signals, Refusal):
            self._refuse(choice.strategy.name, symbol, signals)
            return
        self.entries[choice.key][symbol] = [bars[-1].open_time_ms, strategy.state()]
        self.signals += signals
        if signals and signals[-1].bar_close_ms == self._close_ms(bars[-1]):
            self._propose(symbol, signals[-1])

    def _signals(self, choice: Choice, symbol: str, strategy: AnyStrategy, bars: list[Bar]) -> list[Signal] | Refusal:
        request = self._request
        signals = []
        bar = bars[0]
        try:
            for bar in bars:
                idea = strategy.on_bar(bar)
                if idea is not None:
                    signals.append(signal_of(choice, f"{request.venue}:{symbol}", request.interval, bar, idea))
        except Exception as error:  # noqa: BLE001 - a strategy may fail in any way; recorded, it must not stop the others
            return Refusal(self._close_ms(bar), "strategy_error", _where(error))
        return signals

    def _propose(self, symbol: str, signal: Signal) -> None:
        proposal = proposal_of(signal)
        if isinstance(proposal, Refusal):
            self._refuse(signal.strategy, symbol, proposal)
        else:
            self.proposals.append(proposal)

    def _close_ms(self, bar: Bar) -> int:
        return bar.open_time_ms + self._request.interval.ms

    def _refuse(self, strategy: str, symbol: str, refusal: Refusal) -> None:
        self.refused.append({"strategy": strategy, "symbol": symbol, **refusal._asdict()})


def _where(error: Exception) -> str:
    """The kind of error and the line it came from; not its message, which may differ from one run to the next."""
    if isinstance(error, Invalid):
        return f"Invalid: {error.detail}"
    place = type(error).__name__
    for frame, line in traceback.walk_tb(error.__traceback__):
        place = f"{type(error).__name__} in {frame.f_code.co_qualname}, line {line}"
    return place
