"""Stage 3: the strategies vote on each symbol, and the committee decides by their weighted sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any, NamedTuple

from brain.decisions.learning import Weights
from brain.decisions.moments import finite
from brain.decisions.score import PLACES, cut, key_of
from shared.model import Action, Outcome, Side, Signal
from shared.model.decision import COMMITTEE, CommitteeConfig

VERSION = 1


class Heard(NamedTuple):
    """A signal with its score, -1..1."""

    signal: Signal
    score: float

    @property
    def is_entry(self) -> bool:
        """Whether it asks to buy what is not held."""
        return self.signal.action is Action.ENTER and self.signal.side is Side.BUY


class Stance(NamedTuple):
    """A member's last word on a symbol: its score, when it was said, and whether it was an entry."""

    score: float
    at_ms: int
    entry: bool


class Entry(NamedTuple):
    """An entry that the committee proposed: when, and on whose votes. Whether the desk followed it, the outcome will tell."""

    at_ms: int
    votes: Mapping[str, float]


KEPT = 4
"""Entries of a symbol: the first since it was last flat, and the newest."""


class Tally(NamedTuple):
    """A vote as it was counted. `total` is the weighted sum and the bias, cut to -1..1; `dissent` is how much of the weight that
    was cast was cast against it; `lead` the entry of this close with the most to say."""

    total: float
    bias: float
    votes: Mapping[str, float]
    weights: Mapping[str, float]
    agree: int
    quorum: int
    dissent: float
    verdict: Action | None
    lead: Heard | None


class Committee:
    """Stances by symbol and member, weights by member, and on which symbols it has entered."""

    def __init__(self, config: CommitteeConfig, interval_ms: int, members: Sequence[str]) -> None:
        self.config = config
        self._hold_ms = config.hold_bars * interval_ms
        self._members = members
        self.weights = Weights(config.learning, members)
        self._stances: dict[str, dict[str, Stance]] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._held: set[str] = set()

    def hear(self, symbol: str, said: Sequence[Heard]) -> None:
        """Takes in the stances; an older word does not replace a newer one."""
        of = self._stances.setdefault(symbol, {})
        for each in said:
            key, signal = key_of(each.signal), each.signal
            self.weights.admit(key)
            counts = signal.action is Action.ENTER or self.config.exit_votes == "against"
            score = each.score if counts else 0.0
            known = of.get(key)
            if known is None or known.at_ms <= signal.bar_close_ms:
                of[key] = Stance(score, signal.bar_close_ms, each.is_entry)

    def tally(self, symbol: str, close_ms: int, said: Sequence[Heard], bias: float) -> Tally:
        """The vote at a close on which `said` was heard; `bias` is already weighted."""
        stances = self._alive(symbol, close_ms)
        votes = {key: self._faded(stance, close_ms) for key, stance in stances.items()}
        weights = {key: self.weights[key] for key in votes}
        total = cut(fsum([*(weights[key] * vote for key, vote in votes.items()), bias]))
        agree = sum(stance.entry and stance.score >= 0.0 for stance in stances.values())
        cast = fsum(weights[key] * abs(vote) for key, vote in votes.items())
        against = fsum(weights[key] * abs(vote) for key, vote in votes.items() if vote * total < 0.0)
        dissent = round(against / cast, PLACES) if cast else 0.0
        entries = [each for each in said if each.is_entry]
        leaves = any(each.signal.side is Side.SELL for each in said) or self.holds(symbol)
        verdict: Action | None = None
        if entries and total >= self.config.enter_at and agree >= self.config.quorum:
            verdict = Action.ENTER
        elif leaves and total <= self.config.exit_at:
            verdict = Action.EXIT
        lead = max(entries, key=self._importance, default=None)
        return Tally(total, bias, votes, weights, agree, self.config.quorum, dissent, verdict, lead)

    def holds(self, symbol: str) -> bool:
        """Whether it has entered and not left: only then it may exit with nothing said."""
        return symbol in self._held

    def _importance(self, each: Heard) -> tuple[bool, float, str]:
        # one that knows its stop goes before all others: without a stop nothing is entered
        return (
            each.signal.stop_distance is not None,
            self.weights[key_of(each.signal)] * each.score,
            key_of(each.signal),
        )

    def _alive(self, symbol: str, close_ms: int) -> dict[str, Stance]:
        known = self._stances.get(symbol, {})
        alive = {key: each for key, each in sorted(known.items()) if close_ms - each.at_ms < self._hold_ms}
        if alive:
            self._stances[symbol] = alive
        else:
            self._stances.pop(symbol, None)
        return alive

    def _faded(self, stance: Stance, close_ms: int) -> float:
        age = max(0, close_ms - stance.at_ms) / self._hold_ms
        return round(stance.score * (1.0 - age), PLACES)

    def entered(self, symbol: str, close_ms: int, tally: Tally) -> None:
        """It was proposed to enter: who voted how is kept until the outcome is known."""
        known = self._entries.setdefault(symbol, [])
        known.append(Entry(close_ms, dict(tally.votes)))
        if len(known) > KEPT:
            del known[1]
        self._held.add(symbol)

    def left(self, symbol: str) -> None:
        """It was proposed to exit."""
        self._held.discard(symbol)

    def learn(self, outcome: Outcome) -> None:
        """An outcome of a strategy is its own, one of the committee belongs to those who voted on its entry."""
        if outcome.strategy != COMMITTEE:
            self.weights.learn(outcome, lambda key: float(key.partition("@")[0] == outcome.strategy))
            return
        known = self._entries.get(outcome.symbol, [])
        over = [entry for entry in known if entry.at_ms < outcome.closed_ms]
        if not over:
            return
        # proposed again while it was held, it was the earlier word that the desk followed
        opened_ms = outcome.closed_ms if outcome.opened_ms is None else outcome.opened_ms
        meant = next((entry for entry in reversed(over) if entry.at_ms <= opened_ms), over[0])
        if left := known[len(over) :]:
            self._entries[outcome.symbol] = left
        else:
            del self._entries[outcome.symbol]
            self.left(outcome.symbol)
        self.weights.learn(outcome, lambda key: meant.votes.get(key, 0.0))

    def state(self) -> dict[str, Any]:
        """As JSON."""
        stances = {
            symbol: {key: list(each) for key, each in sorted(of.items())}
            for symbol, of in sorted(self._stances.items())
        }
        entries = {symbol: [list(each) for each in of] for symbol, of in sorted(self._entries.items())}
        return {
            "weights": self.weights.state(),
            "stances": stances,
            "entries": entries,
            "held": sorted(self._held),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Of the members it was made with, or of all where none were named; ValueError, TypeError or LookupError for what does
        not fit."""
        self.weights.restore(state["weights"], self._members)
        for symbol, of in state["stances"].items():
            alive = {key: each for key, each in of.items() if not self._members or key in self._members}
            for key in alive:
                self.weights.admit(key)
            if alive:
                self._stances[symbol] = {
                    key: Stance(cut(finite(score)), int(at_ms), bool(entry))
                    for key, (score, at_ms, entry) in alive.items()
                }
        for symbol, entries in state["entries"].items():
            self._entries[symbol] = [
                Entry(int(at_ms), {key: cut(finite(vote)) for key, vote in votes.items()}) for at_ms, votes in entries
            ]
        self._held = set(map(str, state["held"]))
