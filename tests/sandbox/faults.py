"""What goes wrong, by a script. Rules say at which endpoint, at which call, and how. Seeded, so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from shared.model import Exact, Model

Endpoint = Literal[
    "place", "cancel", "order", "orders", "fills", "positions", "balances", "key", "keep_alive", "time", "instruments",
    "updates", "*",
]  # fmt: skip
Kind = Literal[
    "timeout_before", "timeout_after", "late", "error_before", "error_after", "too_many", "maintenance", "reset_before",
    "reset_after", "truncated", "garbage", "slow", "skew", "partial_fill", "lose_cancel", "short_page", "no_cursor",
    "duplicate", "reorder", "lose", "delay", "close",
]  # fmt: skip
STREAM: frozenset[str] = frozenset({"duplicate", "reorder", "lose", "delay", "close"})
"""What befalls a message of the stream; all else befalls a request."""


GARBAGE = bytes(range(128, 256)) + b"<html>{]"


class Rule(Model):
    """Strikes at call number `nth`, at `every` n-th, or with a `probability`; else at each; `times` in all (0: without end).

    `status` is of errors, `retry_after_s` of 429 and maintenance (None: no header), `delay_ms` of slow, late and delay, `share`
    how much of an order fills at once, `skew_ms` by how much its clock is wrong for that one call.
    """

    endpoint: Endpoint
    kind: Kind
    nth: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, gt=0, le=1)
    times: int = Field(default=1, ge=0)
    status: int = Field(default=500, ge=500, le=599)
    retry_after_s: int | None = Field(default=None, ge=0)
    delay_ms: int = Field(default=200, ge=0, le=60_000)
    share: Exact | None = None
    skew_ms: int = 3_600_000

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if sum(each is not None for each in (self.nth, self.every, self.probability)) > 1:
            raise ValueError("nth, every and probability exclude one another: give one")
        if (self.endpoint == "updates") != (self.kind in STREAM):
            raise ValueError(f"{self.kind} cannot happen at {self.endpoint}")
        if self.share is not None and not 0 <= self.share <= 1:
            raise ValueError(f"share {self.share} must be 0 to 1")
        return self


class Script(Model):
    """What a script file holds."""

    rules: tuple[Rule, ...] = ()


Ending = Literal["reply", "hang", "reset", "status", "truncated", "garbage"]


class Plan(NamedTuple):
    """How a request fares: whether the venue takes it up (`late`: after its caller is gone), and what the caller gets."""

    handled: bool = True
    late_ms: int | None = None
    delay_ms: int = 0
    ending: Ending = "reply"
    status: int = 500
    retry_after_s: int | None = None
    code: str = "internal"


def plan(rule: Rule | None) -> Plan:
    """What a rule comes to for the one request that it struck."""
    if rule is None:
        return Plan()
    match rule.kind:
        case "timeout_before":
            return Plan(handled=False, ending="hang")
        case "timeout_after":
            return Plan(ending="hang")
        case "late":
            return Plan(late_ms=rule.delay_ms, ending="hang")
        case "error_before" | "error_after":
            return Plan(handled=rule.kind == "error_after", ending="status", status=rule.status)
        case "too_many":
            return Plan(False, None, 0, "status", 429, rule.retry_after_s, "too_many_requests")
        case "maintenance":
            return Plan(False, None, 0, "status", 503, rule.retry_after_s, "maintenance")
        case "reset_before" | "reset_after":
            return Plan(handled=rule.kind == "reset_after", ending="reset")
        case "truncated":
            return Plan(ending="truncated")
        case "garbage":
            return Plan(ending="garbage")
        case "slow":
            return Plan(delay_ms=rule.delay_ms)
        case _:
            return Plan()


class Faults:
    """The rules that stand. Each counts the calls of its endpoint from when it was set."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"faults {seed}")
        self._rules: list[Rule] = []
        self._calls: list[int] = []
        self._struck: list[int] = []

    def replace(self, rules: Sequence[Rule]) -> None:
        """Instead of those that stood."""
        self._rules = []
        self._calls = []
        self._struck = []
        self.add(rules)

    def add(self, rules: Sequence[Rule]) -> None:
        self._rules += rules
        self._calls += [0] * len(rules)
        self._struck += [0] * len(rules)

    def take(self, endpoint: str) -> Rule | None:
        """The first rule that strikes this call, if any."""
        found: Rule | None = None
        for number, rule in enumerate(self._rules):
            if rule.endpoint != endpoint and not (rule.endpoint == "*" and endpoint != "updates"):
                continue
            self._calls[number] += 1
            used_up = rule.times and self._struck[number] >= rule.times
            if found is None and not used_up and self._strikes(rule, self._calls[number]):
                self._struck[number] += 1
                found = rule
        return found

    def _strikes(self, rule: Rule, call: int) -> bool:
        if rule.nth is not None:
            return rule.nth <= call < rule.nth + max(1, rule.times)
        if rule.every is not None:
            return call % rule.every == 0
        return rule.probability is None or self._random.random() < rule.probability
