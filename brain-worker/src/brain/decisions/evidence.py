"""What a scan is told beside the market: events that move a bias, outcomes to learn from, regimes that were found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import Field, StringConstraints, ValidationError

from shared.errors import Invalid
from shared.model import Model, Outcome, Symbol
from shared.model.base import invalid_from
from shared.model.decision import Regime

MOST = 512
"""Of each kind in one request."""
_Time = Annotated[int, Field(ge=0, le=2**53 - 1)]
M = TypeVar("M", bound=Model)


class Event(Model):
    """Something that happened to `symbol` at `at_ms` (market time): it moves the bias by `bias`, half of that after
    `half_life_bars`. `hash` tells it from others: the same one counts once."""

    symbol: Symbol
    bias: float = Field(ge=-1, le=1)
    at_ms: _Time
    half_life_bars: float = Field(gt=0, le=10_000)
    source: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8,64}$")]


class RegimeFound(Model):
    """What `symbol` has been like since `at_ms` (market time)."""

    symbol: Symbol
    regime: Regime
    at_ms: _Time


class Evidence(NamedTuple):
    events: tuple[Event, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    regimes: tuple[RegimeFound, ...] = ()


NONE = Evidence()
_KINDS: dict[str, type[Model]] = {"events": Event, "outcomes": Outcome, "regimes": RegimeFound}


def read(evidence: Mapping[str, Any]) -> Evidence:
    """`Invalid` naming `evidence.<kind>.<place>.<field>` for what breaks a rule; every kind may be left out."""
    for name in evidence:
        if name not in _KINDS:
            raise Invalid.field(f"evidence.{name}", evidence[name], "is not a known field", "remove it")
    return Evidence(
        _all(Event, "events", evidence), _all(Outcome, "outcomes", evidence), _all(RegimeFound, "regimes", evidence)
    )


def _all(kind: type[M], name: str, evidence: Mapping[str, Any]) -> tuple[M, ...]:
    given = evidence.get(name, [])
    if not isinstance(given, list) or len(given) > MOST:
        shown = len(given) if isinstance(given, list) else given
        raise Invalid.field(f"evidence.{name}", shown, f"must be a list of at most {MOST}", "send the newest")
    return tuple(_one(kind, f"evidence.{name}.{at}", one) for at, one in enumerate(given))


def _one(kind: type[M], where: str, one: Any) -> M:
    if not isinstance(one, Mapping):
        raise Invalid.field(where, one, "must be an object")
    try:
        return kind.model_validate(dict(one))
    except ValidationError as error:
        raise invalid_from(error, where=where) from None
