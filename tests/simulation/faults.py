"""What goes wrong, how often, and the dice of each step: a step's luck depends on its number only, so steps can be left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

CALL = {
    "call_lost": "a call never arrives, and times out",
    "answer_lost": "a call is handled, its answer never arrives, and it times out",
    "error_before": "5xx, and nothing was done",
    "error_after": "5xx, though it was done",
    "too_many": "429, and nothing was done",
    "garbled": "done, but the answer cannot be read",
    "said_no": "the venue refuses what was asked",
    "slow": "it takes seconds",
}
"""Faults of one call to the venue."""

OTHERS = {
    "late_arrival": "a call times out and arrives after all, later",
    "push_late": "a report of the venue comes late, after newer ones",
    "push_twice": "a report comes twice",
    "fill_behind": "an answer does not hold the newest fill yet; it is told a little later",
    "push_lost": "a report never comes",
    "partial_fill": "an order fills in parts",
    "cancel_loses": "an order fills just before its cancel arrives",
    "rejected": "the venue takes an order and rejects it",
    "forgotten": "the venue loses an order",
    "foreign_fill": "somebody else trades on the account",
    "foreign_order": "somebody else places an order on the account",
    "deposit": "money or holdings come to the account, or leave it, without a trade",
    "account_fails": "the question about the account fails",
    "jump": "the price jumps",
    "d1_down": "D1 does not answer",
    "d1_after": "D1 takes a batch, its answer is lost",
    "d1_slow": "D1 takes seconds",
    "alarm_late": "the alarm fires late",
    "alarm_lost": "an alarm is never delivered",
    "cron_silent": "the cron and the bars stop for minutes",
    "venue_silent": "the venue answers nothing for a while",
    "crash": "the process dies at a write, a commit or a call",
    "evicted": "the object is dropped from memory",
}
KINDS = {**CALL, **OTHERS}
RARE = (
    "fill_behind",
    "cancel_loses",
    "forgotten",
    "foreign_fill",
    "foreign_order",
    "deposit",
    "account_fails",
    "late_arrival",
)
"""Places where these may strike are rare."""


@dataclass(frozen=True)
class Profile:
    """How often each fault strikes in one run: many runs leave most of them out, so that each is met alone and together."""

    rates: dict[str, float]

    @classmethod
    def of(cls, luck: Random) -> Profile:
        swarm = luck.choice((0.0, 0.3, 0.6, 0.9))
        severity = luck.choice((0.05, 0.1, 0.2, 0.3))
        met = [kind for kind in KINDS if luck.random() < swarm]
        return cls({kind: min(0.8, severity * luck.uniform(0.3, 1.5) * (4 if kind in RARE else 1)) for kind in met})


@dataclass
class Faults:
    """Rolls for a fault at each place where one may strike. A `calm` step has none."""

    profile: Profile
    dice: Random
    calm: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def strike(self, kind: str) -> bool:
        """Whether the fault strikes here and now; it is counted."""
        rate = self.profile.rates.get(kind)
        if rate is None or self.calm or self.dice.random() >= rate:
            return False
        self.counts[kind] += 1
        return True

    def on_call(self) -> str:
        """The fault of a call, or nothing."""
        return next((kind for kind in CALL if self.strike(kind)), "")


def dice_of(seed: int, part: object) -> Random:
    """The luck of one part of a run; the same in every process."""
    return Random(f"{seed}/{part}")
