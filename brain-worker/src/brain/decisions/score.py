"""Stage 1: a strategy's raw score -> -1..1, comparable with the scores of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from brain.decisions.moments import Moments
from shared.model import Signal
from shared.model.decision import ScoreConfig

PLACES = 9
"""Scores are cut to so many digits, so that the last bit of a math library decides nothing."""


def key_of(signal: Signal) -> str:
    """The strategy with its version and parameters, as the state of a scan names it."""
    return f"{signal.strategy}@{signal.version}:{signal.params}"


def cut(value: float) -> float:
    """Within -1 and 1, to `PLACES` digits."""
    return round(max(-1.0, min(1.0, value)), PLACES)


class Scores:
    """Each strategy's scores against its own earlier ones, over all symbols.

        z = (raw - mean) / deviation;  strength = (1 + z / (1 + |z|)) / 2;  score = side (buy 1, sell -1) * strength

    A sigmoid of the z-score, as in the tanh estimators of Hampel (Jain, Nandakumar and Ross, Score normalization in multimodal
    biometric systems, Pattern Recognition 38, 2005), with the algebraic one in place of tanh: it is the same number on every
    machine. An average signal gets a half. Before `after` signals, and while all of them were equal, the strength is the raw
    score. A signal is held against those of earlier closes alone, so that their order within a close says nothing.
    """

    def __init__(self, config: ScoreConfig | None) -> None:
        self._config = config
        self._of: dict[str, Moments] = {}

    def take(self, signals: Sequence[Signal]) -> list[float]:
        """The scores of the signals of one close, in their order."""
        found = [self._score(signal) for signal in signals]
        if self._config is not None:
            for signal in signals:
                self._moments(key_of(signal), self._config).add(signal.score)
        return found

    def _score(self, signal: Signal) -> float:
        known = self._of.get(key_of(signal))
        strength = signal.score
        if known is not None and self._config is not None and known.count >= self._config.after and known.deviation:
            z = (signal.score - known.mean) / known.deviation
            strength = (1.0 + z / (1.0 + abs(z))) / 2.0
        return cut(signal.side.sign * strength)

    def _moments(self, key: str, config: ScoreConfig) -> Moments:
        known = self._of.get(key)
        if known is None:
            known = self._of[key] = Moments(config.half_life)
        return known

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {key: each.state() for key, each in sorted(self._of.items())}

    def restore(self, state: dict[str, Any], members: Collection[str]) -> None:
        """Of the `members`, or of all where none are named; ValueError or TypeError for what does not fit."""
        if self._config is None:
            return
        for key, kept in state.items():
            if not members or key in members:
                self._moments(key, self._config).restore(kept)
