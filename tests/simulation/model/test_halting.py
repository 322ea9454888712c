"""The halt protocol against the small model: a walk through all of it, and any walk at random."""

from __future__ import annotations

from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import given

from shared.desk import commands
from shared.desk import events as ev
from shared.desk.account import halting
from shared.desk.apply import apply
from shared.desk.context import Context, Mark
from shared.desk.decide import decide
from shared.desk.state import DeskState
from shared.errors import DeskError
from shared.model import OrderKind, Side
from tests.simulation.model.halting import HOLD, WORDS, Brake, said, walks
from tests.unit.desk.bench import Bench

DEPTH = 9
MINUTE_MS = 60_000
START_MS = 1_700_000_000_000
OPENED = Bench().state
PRICE = Mark(price=Decimal(100), market_ms=1, received_ms=START_MS, bar_close_ms=1)


class Walk:
    """The desk's core and the model side by side."""

    def __init__(self) -> None:
        self.state: DeskState = OPENED
        self.brake = Brake()
        self.tokens = 0
        self.context = Context(now_ms=START_MS, marks={"us:AAA": PRICE})

    def say(self, word: str) -> None:
        """One word to both; they must answer alike and stand alike."""
        expected = said(self.brake, word, self.tokens)
        code = ""
        try:
            self._tell(word)
        except DeskError as error:
            code = error.error_code
        assert code == expected.code, f"{word} of {self.brake}"
        self.tokens = max(self.tokens, expected.brake.token)
        self.brake = expected.brake
        assert self.state.status.value == self.brake.status
        assert (self.state.resume is not None) == bool(self.brake.token)
        assert self._enters() is (self.brake.status == "active")

    def _tell(self, word: str) -> None:
        if word in ("minute", "wait"):
            wait_ms = MINUTE_MS * (1 if word == "minute" else 5)
            self.context = self.context._replace(now_ms=self.context.now_ms + wait_ms)
        elif word == "trip":
            self._add(halting(self.state, "desk", "too much", "drawdown", self.context.now_ms + HOLD * MINUTE_MS))
        elif word == "reduce":
            self._add([ev.Reduced(code="drawdown", by="desk", reason="much")])
        elif word == "lift":
            self._add([ev.ReductionLifted(code="drawdown", reason="less")])
        else:
            self._add(decide(self.state, self._command(word), self.context))

    def _command(self, word: str) -> commands.Command:
        if word == "halt":
            return commands.HaltDesk("me", "because")
        if word == "request":
            return commands.RequestResume("me", "fine", f"token {self.tokens + 1}")
        if word == "expire":
            return commands.ExpireResume()
        token = {"confirm": self.tokens, "confirm_old": self.tokens - 1}.get(word, -1)
        return commands.ConfirmResume("me", f"token {token}")

    def _add(self, found: list[ev.Event]) -> None:
        for event in found:
            self.state = apply(self.state, event, self.context.now_ms)

    def _enters(self) -> bool:
        """Whether an entry would be let in now."""
        fresh = {"us:AAA": PRICE.model_copy(update={"received_ms": self.context.now_ms})}
        order = commands.Place("a" * 32, "me", "us:AAA", Side.BUY, OrderKind.MARKET, Decimal(1))
        found = decide(self.state, order, self.context._replace(marks=fresh))
        return any(isinstance(event, ev.OrderIntended) for event in found)


@pytest.mark.parametrize("first", WORDS)
def test_the_desk_follows_the_model_through_all_that_can_be_reached(first: str) -> None:
    walked = 0
    for walk in walks(DEPTH):
        if walk[0] == first:
            both = Walk()
            for word in walk:
                both.say(word)
            walked += 1
    assert walked


def test_the_walks_reach_every_shape_of_the_brake() -> None:
    seen = set()
    for walk in walks(DEPTH):
        brake, tokens = Brake(), 0
        for word in walk:
            brake = said(brake, word, tokens).brake
            tokens = max(tokens, brake.token)
        seen.add((brake.status, bool(brake.token), bool(brake.left), bool(brake.hold)))
    assert {status for status, *_ in seen} == {"active", "reducing", "halted"}
    assert {("halted", True, True, False), ("halted", True, False, False), ("halted", False, False, True)} <= seen


@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_any_walk_keeps_model_and_desk_together(words: list[str]) -> None:
    both = Walk()
    for word in words:
        both.say(word)
