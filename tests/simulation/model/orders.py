"""The life of an order once more, as small as it can be said and without a line of the desk's code.

An order is what it is called, how much of its two lots is filled, and whether the venue ever named it. `MOVES` says, for each
state, which words may be said of it and what it is then called; what is not there must be refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

LOTS = 2


class Life(NamedTuple):
    """`status` is empty before there is an order. `named`: the venue has told its own id."""

    status: str = ""
    filled: int = 0
    named: bool = False


OPEN = ("intended", "sent", "unknown", "acknowledged", "partly_filled", "cancelling")
CLOSED = ("filled", "cancelled", "rejected", "expired")
WORDS = (
    *("replacement_intended", "replacement_dropped", "order_intended", "order_sent", "order_acknowledged"),
    *("fill_part", "fill_rest", "order_cancel_requested", "order_cancelled", "order_expired", "order_rejected"),
    *("order_unknown", "order_not_found"),
)
MOVES: dict[str, dict[str, str]] = {
    "": {"order_intended": "intended", "replacement_intended": "created"},
    "created": {"order_intended": "intended", "replacement_dropped": "cancelled"},
    "intended": {"order_sent": "sent", "order_unknown": "unknown"},
    "sent": {"order_unknown": "unknown"},
    "unknown": {"order_not_found": "intended"},
    "cancelling": {"order_unknown": "unknown"},
    "acknowledged": {},
    "partly_filled": {},
}
ANY_OPEN = {
    "order_cancel_requested": "cancelling",
    "order_cancelled": "cancelled",
    "order_expired": "expired",
    "order_rejected": "rejected",
}


def makes_sense(life: Life, word: str) -> bool:
    """Whether anybody could say it at all: half of one lot is no fill, and what was filled or named is not unheard of."""
    if word == "fill_part":
        return not life.filled
    return word != "order_not_found" or not (life.filled or life.named)


def said(life: Life, word: str) -> Life | None:
    """The order after the word; None where it may not be said."""
    status, filled, named = life
    if not makes_sense(life, word):
        return None
    if word in ("fill_part", "fill_rest"):
        return _filled(life, word)
    if word == "order_acknowledged":
        return _acknowledged(life)
    if word == "order_intended" and status == "created":
        return Life("intended")
    if word == "order_cancel_requested" and status == "cancelling":
        return None
    after = MOVES.get(status, {}).get(word) or (ANY_OPEN.get(word) if status in OPEN else None)
    return None if after is None else Life(after, filled, named)


def _acknowledged(life: Life) -> Life | None:
    if life.status not in OPEN:
        return None
    if life.status in ("cancelling", "partly_filled"):
        return life._replace(named=True)
    return Life("partly_filled" if life.filled else "acknowledged", life.filled, True)


def _filled(life: Life, word: str) -> Life | None:
    """A fill of the rest makes it filled whatever it was; a part leaves a closed or cancelling one as it is called."""
    if life.status in ("", "created"):
        return None
    if word == "fill_rest":
        return life._replace(status="filled", filled=LOTS)
    keeps = life.status in (*CLOSED, "cancelling")
    return life._replace(status=life.status if keeps else "partly_filled", filled=life.filled + 1)


def reachable() -> Iterator[Life]:
    """Every life that legal words lead to."""
    seen, waiting = {Life()}, [Life()]
    while waiting:
        life = waiting.pop()
        yield life
        for word in WORDS:
            after = said(life, word)
            if after is not None and after not in seen:
                seen.add(after)
                waiting.append(after)
