"""What a proposal says about itself: small, for it is stored with every signal (at most 2 kB as JSON)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from brain.decisions.committee import Heard, Tally
from brain.decisions.policy import Ruling
from brain.decisions.sizing import Sized
from shared.model import Signal

MOST_NUMBERS = 8
MOST_VOTES = 12
NAME = 32

Why = dict[str, JsonValue]


def alone(signal: Signal) -> Why:
    """Of a strategy that decided for itself."""
    return {"strategy": signal.strategy, "numbers": numbers(signal.evidence), "score": short(signal.score)}


def weighed(heard: Heard, score: float, bias: float) -> Why:
    """The same with its score after the bias (already weighted) was added; `raw` is the strategy's own."""
    return {**alone(heard.signal), "raw": short(heard.signal.score), "score": short(score), "bias": short(bias)}


def voted(tally: Tally) -> Why:
    """Of the committee: the votes with the most weight, and the numbers of its leading member."""
    loud = sorted(tally.votes, key=lambda key: (-abs(tally.weights[key] * tally.votes[key]), key))[:MOST_VOTES]
    names = {key: _label(key, tally.votes) for key in sorted(loud)}
    why: Why = {
        "votes": {name: short(tally.votes[key]) for key, name in names.items()},
        "weights": {name: short(tally.weights[key]) for key, name in names.items()},
        "score": short(tally.total),
        "bias": short(tally.bias),
        "agree": tally.agree,
        "quorum": tally.quorum,
        "dissent": short(tally.dissent),
    }
    if tally.lead is not None:
        why |= {"lead": tally.lead.signal.strategy, "numbers": numbers(tally.lead.signal.evidence)}
    return why


def ruled(ruling: Ruling) -> Why:
    """Which row of the policy held, and what it says; nothing where none did."""
    if ruling.row is None:
        return {}
    return {"rule": {"row": ruling.row, "do": ruling.do, "reason": ruling.reason}}


def sized(found: Sized) -> Why:
    """What the size was found from; nothing where it is the desk's own."""
    return {"size": numbers(found.numbers)} if found.numbers else {}


def numbers(found: Mapping[str, float]) -> dict[str, JsonValue]:
    """The first few, in their own order."""
    return {name[:NAME]: short(value) for name, value in list(found.items())[:MOST_NUMBERS]}


def short(value: float) -> float:
    """Six digits say enough."""
    return float(f"{value:.6g}")


def _label(key: str, among: Mapping[str, float]) -> str:
    """The strategy's name; with the beginning of its parameters' hash where two have that name."""
    name, _, rest = key.partition("@")
    if sum(other.partition("@")[0] == name for other in among) == 1:
        return name
    return f"{name}@{rest.partition(':')[0]}:{rest.partition(':')[2][:6]}"
