"""The scan: `(market, evidence, state) -> (signals, proposals, refused, state')`, a pure function."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from brain import request as requests
from brain import series, state
from brain.bar import Bar
from brain.decisions import Decider, evidence
from brain.follower import Follower
from brain.mind import Mind, refusals
from brain.registry import STRATEGIES, AnyStrategy
from brain.request import Request
from brain.series import Refusal
from shared.model import Proposal, Signal, symbol_of

_SYMBOL = re.compile(r"[A-Z0-9._-]{1,32}")
_BAD_SYMBOL = Refusal(0, "bad_symbol", "must be 1 to 32 of A-Z, 0-9, '.', '_' and '-'")


def scan(body: Any, strategies: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> dict[str, Any]:
    """One scan of the new bars of every symbol, as docs/contracts.md has it; `Invalid` for a request that breaks it.

    Bars are taken close by close, and within one by symbol, so the order they are sent in changes nothing. What a bad series
    or a failing strategy would have learnt or said is dropped whole for that symbol, and its state stays as it was. Evidence
    is for the decisions; no strategy reads it. The state that comes back holds the strategies of this request, on every symbol
    that they ever saw, and what the decisions learnt. A strategy that is not there, or whose parameters are bad, is refused by its
    name, and the others go on; but no committee enters without a member.
    """
    request = requests.read(body, strategies)
    work = _Scan(request)
    work.run()
    return {
        "signals": [signal.wire() for signal in work.signals],
        "proposals": [proposal.wire() for proposal in work.proposals],
        "refused": work.refused,
        "state": state.write(work.known, request.venue, request.interval.value, work.decider.state()),
    }


class _Scan:
    """What a scan has gathered so far."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.known: state.Entries = {each.key: dict(request.entries.get(each.key, {})) for each in request.choices}
        self._mind = Mind(request.venue, request.interval, request.choices, self.known)
        self._evidence = evidence.read(request.evidence)
        members, lost = [each.key for each in request.choices], [name for name, _ in request.lost]
        self.decider = Decider(request.decisions, request.venue, request.interval.ms, members, lost)
        self.decider.restore(request.decided)
        self._newest: dict[str, int] = {}
        self.signals: list[Signal] = []
        self.proposals: list[Proposal] = []
        self.refused: list[dict[str, Any]] = []
        for name, why in request.lost:
            self._refuse(name, "", Refusal(0, "unknown_strategy", why))

    def run(self) -> None:
        """All new bars through all strategies; then what they said through the decisions, without those that failed."""
        closes: dict[int, list[tuple[str, Bar]]] = {}
        said: dict[int, list[Signal]] = {}
        step_ms = self._request.interval.ms
        mind, bad = self._mind, list[Follower]()
        # symbol by symbol, so that the strategies of one only stand in memory at a time
        for symbol in sorted(self._request.market):
            for bar in self._bars(symbol):
                close_ms = bar.open_time_ms + step_ms
                closes.setdefault(close_ms, []).append((symbol, bar))
                said.setdefault(close_ms, []).extend(mind.each(close_ms, ((symbol, bar),)))
            bad += self._store(mind.leave(symbol))
        for close_ms in sorted(closes):
            said[close_ms] += mind.everywhere(close_ms, closes[close_ms])
        bad += self._store(mind.followers())
        failed = set()
        for strategy, symbol, refusal in refusals(bad):
            failed.add((strategy, symbol))
            self._refuse(strategy, symbol, refusal)
            self.decider.lose(strategy, symbol)
        outcomes = deque(sorted(self._evidence.outcomes, key=lambda each: each.closed_ms))
        for close_ms, signals in sorted(said.items()):
            good = [
                each
                for each in signals
                if not failed & {(each.strategy, symbol_of(each.instrument)), (each.strategy, "")}
            ]
            while outcomes and outcomes[0].closed_ms <= close_ms:
                self.decider.learn([outcomes.popleft()])
            self.signals += good
            self._decide(close_ms, good, dict(closes[close_ms]))
        self.decider.learn(outcomes)

    def _decide(self, close_ms: int, signals: list[Signal], bars: dict[str, Bar]) -> None:
        """Proposals are for the newest bar of each symbol; what is not proposed there is refused."""
        if self.decider.is_plain:
            signals = [each for each in signals if self._is_newest(each)]
        for found in self.decider.decide(close_ms, signals, bars, self._evidence):
            if found.own:
                self.signals.append(found.signal)
            if not self._is_newest(found.signal):
                continue
            if found.proposal is not None:
                self.proposals.append(found.proposal)
            else:
                why = Refusal(found.signal.bar_close_ms, found.code, found.detail)
                self._refuse(found.signal.strategy, symbol_of(found.signal.instrument), why)

    def _is_newest(self, signal: Signal) -> bool:
        return signal.bar_close_ms == self._newest.get(symbol_of(signal.instrument))

    def _bars(self, symbol: str) -> list[Bar]:
        """The new ones; none of a series that is refused."""
        if not _SYMBOL.fullmatch(symbol):
            self._refuse("", symbol[:64], _BAD_SYMBOL)
            return []
        seen_ms = self._mind.seen_ms(symbol)
        bars = series.read(self._request.market[symbol], self._request.interval.ms, seen_ms)
        if isinstance(bars, Refusal):
            self._refuse("", symbol, bars)
            return []
        if bars:
            self._newest[symbol] = bars[-1].open_time_ms + self._request.interval.ms
        return bars

    def _store(self, followers: list[Follower]) -> list[Follower]:
        """Takes what they have learnt; those that failed, of which what was known before stays."""
        for follower in followers:
            if follower.refusal is None and follower.watermark_ms >= 0 and (entry := follower.entry()):
                self.known[follower.choice.key][follower.symbol] = entry
        return [each for each in followers if each.refusal is not None]

    def _refuse(self, strategy: str, symbol: str, refusal: Refusal) -> None:
        self.refused.append({"strategy": strategy, "symbol": symbol, **refusal._asdict()})
