"""What realised outcomes teach: the weights of a committee, and what a strategy earns for the risk it takes."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import fsum
from typing import Any, Final

from brain.decisions import hedge
from brain.decisions.moments import Moments, finite
from shared.model import Outcome
from shared.model.decision import LearningConfig

REMEMBERED: Final = 512
"""Outcomes that are known by name; of older ones none is counted any more."""
ROUNDING: Final = 1e-9
HALF_LIFE: Final = 200.0
"""Outcomes after which one counts half in what a strategy earns."""


class Outcomes:
    """Each outcome once, whoever sends it how often; `of` is what each strategy earned, in units of the risk taken."""

    def __init__(self) -> None:
        self.of: dict[str, Moments] = {}
        self._heard: list[tuple[int, str]] = []
        self._before_ms = -1

    def fresh(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Those not counted yet, by time; from now on they are."""
        found = []
        for outcome in sorted(outcomes, key=lambda each: (each.closed_ms, each.key)):
            name = (outcome.closed_ms, outcome.key)
            if outcome.closed_ms <= self._before_ms or name in self._heard:
                continue
            insort(self._heard, name)
            while len(self._heard) > REMEMBERED:
                self._before_ms = self._heard.pop(0)[0]
            self.of.setdefault(outcome.strategy, Moments(HALF_LIFE)).add(outcome.r)
            found.append(outcome)
        return found

    def state(self) -> dict[str, Any]:
        """As JSON."""
        earned = {name: each.state() for name, each in sorted(self.of.items())}
        return {"of": earned, "heard": [list(each) for each in self._heard], "before_ms": self._before_ms}

    def restore(self, state: Mapping[str, Any]) -> None:
        """ValueError, TypeError or LookupError for what does not fit."""
        for name, kept in state["of"].items():
            self.of[name] = Moments(HALF_LIFE)
            self.of[name].restore(kept)
        self._heard = sorted((int(closed_ms), str(key)) for closed_ms, key in state["heard"])
        self._before_ms = int(state["before_ms"])


class Weights:
    """How much each member's vote counts: equal without learning, else by `brain.decisions.hedge`.

    An outcome of `r` times the risk is a round of the game: a member that held the stance `s` (-1..1) has the loss
    `(1 - s clip(r / scale_r)) / 2`, so who stayed out loses a half, as a trade that came to nothing.
    """

    def __init__(self, config: LearningConfig | None, members: Sequence[str]) -> None:
        self._config = config
        self._of = {key: 1.0 / len(members) for key in sorted(members)}

    def __getitem__(self, key: str) -> float:
        return self._of[key]

    @property
    def members(self) -> list[str]:
        """By name."""
        return list(self._of)

    def admit(self, key: str) -> None:
        """A member that was not known: it gets an equal share, out of those of the others."""
        if key in self._of:
            return
        share = 1.0 / (len(self._of) + 1)
        self._set({**{known: w * (1.0 - share) for known, w in self._of.items()}, key: share})

    def learn(self, outcome: Outcome, stance: Callable[[str], float]) -> None:
        """One round; `stance` is what each member held when the position was opened."""
        config = self._config
        if config is None or not self._of:
            return
        gain = max(-1.0, min(1.0, outcome.r / config.scale_r))
        losses = [(1.0 - stance(key) * gain) / 2.0 for key in self._of]
        found = hedge.update(list(self._of.values()), losses, config.rate, config.floor, config.cap)
        self._of = dict(zip(self._of, found, strict=True))

    def _set(self, weights: Mapping[str, float]) -> None:
        keys = sorted(weights)
        floor, cap = (0.0, 1.0) if self._config is None else (self._config.floor, self._config.cap)
        self._of = dict(zip(keys, hedge.project([weights[key] for key in keys], floor, cap), strict=True))

    def state(self) -> dict[str, Any]:
        """As JSON, with the epoch it belongs to."""
        return {"epoch": self._config.epoch if self._config else 0, "of": dict(self._of)}

    def restore(self, state: Mapping[str, Any], members: Sequence[str]) -> None:
        """Those of the `members`, or of all where none are named; nothing of another epoch. ValueError, TypeError or LookupError
        for what does not fit."""
        kept = {key: finite(w) for key, w in state["of"].items() if not members or key in members}
        if any(not 0.0 <= w <= 1.0 for w in kept.values()):
            raise ValueError("a weight lies outside of 0 and 1")
        if self._config is None or state["epoch"] != self._config.epoch or not kept:
            for key in kept:
                self.admit(key)
            return
        # to the last bit where nobody came or went
        self._of = dict(sorted(kept.items()))
        if abs(fsum(kept.values()) - 1.0) > ROUNDING:
            self._set(kept)
        for key in sorted(members):
            self.admit(key)
