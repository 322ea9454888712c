"""The protocol of halting once more: who may resume, when, and with which word; in minutes and without the desk's code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

WITHIN = 5
"""Minutes in which a request has to be confirmed."""


class Brake(NamedTuple):
    """`token` is that of the request that stands, 0: none; `left` the minutes it has; `hold` the minutes no resume is possible."""

    halted: bool = False
    reduced: frozenset[str] = frozenset()
    token: int = 0
    left: int = 0
    hold: int = 0

    @property
    def status(self) -> str:
        return "halted" if self.halted else "reducing" if self.reduced else "active"


class Said(NamedTuple):
    """The brake afterwards, and the code of the refusal, if it was one."""

    brake: Brake
    code: str = ""


HOLD = 3
"""Minutes that a protection's halt cannot be resumed."""
WORDS = (
    *(
        "halt",
        "trip",
        "reduce",
        "lift",
        "request",
        "confirm",
        "confirm_old",
        "confirm_wrong",
        "expire",
        "minute",
        "wait",
    ),
)


def said(brake: Brake, word: str, tokens: int) -> Said:
    """`tokens` are the requests made so far; the newest has that number, and an old one any below it."""
    if word in ("minute", "wait"):
        return Said(_later(brake, 1 if word == "minute" else WITHIN))
    if word in ("halt", "trip", "reduce", "lift", "expire"):
        return Said(_moved(brake, word))
    if not brake.halted and not brake.reduced:
        return Said(brake, "not_halted")
    if brake.halted and brake.hold:
        return Said(brake, "halt_holds")
    if word == "request":
        return Said(brake._replace(token=tokens + 1, left=WITHIN))
    return _confirmed(brake, word)


def _moved(brake: Brake, word: str) -> Brake:
    """What needs no permission."""
    if word == "halt":
        # what somebody has begun to resume is undone
        return brake._replace(halted=True, token=0, left=0)
    if word == "trip":
        return brake._replace(halted=True, token=0, left=0, hold=max(brake.hold, HOLD))
    if word == "reduce":
        return brake._replace(reduced=brake.reduced | {"drawdown"})
    if word == "lift":
        return brake._replace(reduced=frozenset())
    return brake._replace(token=0) if brake.token and not brake.left else brake


def _confirmed(brake: Brake, word: str) -> Said:
    if not brake.token:
        return Said(brake, "no_resume_request")
    if not brake.left:
        return Said(brake, "resume_expired")
    if word != "confirm":
        return Said(brake, "confirm_wrong")
    return Said(Brake())


def _later(brake: Brake, minutes: int) -> Brake:
    return brake._replace(left=max(0, brake.left - minutes), hold=max(0, brake.hold - minutes))


def walks(depth: int) -> Iterator[tuple[str, ...]]:
    """Every sequence of words that leads somewhere new, none longer than `depth`: a walk through all that can be reached."""
    seen: set[Brake] = {Brake()}
    waiting: list[tuple[tuple[str, ...], Brake, int]] = [((), Brake(), 0)]
    while waiting:
        walk, brake, tokens = waiting.pop(0)
        for word in WORDS:
            yield (*walk, word)
            after = said(brake, word, tokens).brake
            made = tokens + (after.token > tokens)
            # a token is only ever compared: the newest, or none
            shape = after._replace(token=bool(after.token))
            if shape not in seen and len(walk) + 1 < depth:
                seen.add(shape)
                waiting.append(((*walk, word), after, made))
