"""What a scan is asked for, checked before anything runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from brain import state
from brain.registry import STRATEGIES, AnyStrategy
from brain.steps import BUDGET, STEPS
from shared.errors import Invalid
from shared.model import Interval, Model
from shared.model.base import invalid_from
from shared.model.decision import DecisionConfig
from shared.model.ids import params_id

FIELDS = ("venue", "interval", "strategies", "market", "evidence", "state")
OPTIONAL = ("decisions",)
MAX_STRATEGIES = 64
_VENUE = re.compile(r"[a-z][a-z0-9-]{0,15}")


class Choice(NamedTuple):
    """A strategy with its parameters; `key` is its place in the state."""

    strategy: type[AnyStrategy]
    params: Model
    params_id: str
    key: str


class Request(NamedTuple):
    """A scan's request, every part of it known to be good but the series and the learnt states."""

    venue: str
    interval: Interval
    choices: list[Choice]
    market: Mapping[str, Any]
    evidence: Mapping[str, Any]
    entries: state.Entries
    decisions: DecisionConfig | None = None
    decided: Mapping[str, Any] | None = None
    """What the decisions learnt."""


def read(body: Any, strategies: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> Request:
    """`Invalid` for a missing or unknown field, an unknown strategy, bad parameters or a state of another kind."""
    if not isinstance(body, Mapping):
        raise Invalid.field("body", body, "must be an object")
    exactly(body, FIELDS, optional=OPTIONAL)
    venue, interval = body["venue"], body["interval"]
    if not isinstance(venue, str) or not _VENUE.fullmatch(venue):
        raise Invalid.field("venue", venue, "must be a venue's name, such as 'replay'")
    lengths = [known.value for known in Interval]
    if interval not in lengths:
        raise Invalid.field("interval", interval, f"must be one of {', '.join(lengths)}")
    for name in ("market", "evidence"):
        if not isinstance(body[name], Mapping):
            raise Invalid.field(name, body[name], "must be an object")
    return Request(
        venue=venue,
        interval=Interval(interval),
        choices=choices(body["strategies"], strategies),
        market=body["market"],
        evidence=body["evidence"],
        entries=state.read(body["state"], venue, interval),
        decisions=decisions(body.get("decisions")),
        decided=state.decisions_of(body["state"]),
    )


def exactly(body: Mapping[str, Any], names: tuple[str, ...], where: str = "", optional: tuple[str, ...] = ()) -> None:
    """`Invalid` where a field is missing or not known."""
    for name in names:
        if name not in body:
            raise Invalid.missing(where + name)
    for name in body:
        if name not in names and name not in optional:
            raise Invalid.field(where + name, body[name], "is not a known field", "remove it")


def decisions(given: Any) -> DecisionConfig | None:
    """The stages' settings from JSON values, None for null; `Invalid` naming `decisions.<setting>`."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise Invalid.field("decisions", given, "must be an object or null")
    try:
        return DecisionConfig.model_validate_json(json.dumps(given))
    except ValidationError as error:
        raise invalid_from(error, where="decisions") from None


def choices(wanted: Any, strategies: Mapping[str, type[AnyStrategy]]) -> list[Choice]:
    if not isinstance(wanted, list) or not 0 < len(wanted) <= MAX_STRATEGIES:
        shown = len(wanted) if isinstance(wanted, list) else wanted
        raise Invalid.field("strategies", shown, f"must be a list of 1 to {MAX_STRATEGIES} strategies")
    choices: list[Choice] = []
    for at, one in enumerate(wanted):
        choice = _choice(one, f"strategies.{at}.", strategies)
        if any(choice.key == other.key for other in choices):
            raise Invalid.field(
                f"strategies.{at}", choice.key, "stands there twice", "name each strategy and its parameters once"
            )
        choices.append(choice)
    return choices


def _choice(one: Any, where: str, strategies: Mapping[str, type[AnyStrategy]]) -> Choice:
    if not isinstance(one, Mapping):
        raise Invalid.field(where[:-1], one, "must be an object")
    exactly(one, ("name", "params"), where)
    name, given = one["name"], one["params"]
    strategy = strategies.get(name) if isinstance(name, str) else None
    if strategy is None:
        raise Invalid.field(f"{where}name", name, "is not a known strategy", f"choose one of {', '.join(strategies)}")
    if not isinstance(given, Mapping):
        raise Invalid.field(f"{where}params", given, "must be an object")
    known = strategy.params_model.model_fields
    for param in given:
        if param not in known:
            rule = f"is not a parameter of {name}"
            raise Invalid.field(f"{where}params.{param}", given[param], rule, f"choose from {', '.join(known)}")
    STEPS.left = BUDGET
    try:
        params = strategy.params_model.model_validate(dict(given))
    except ValidationError as error:
        raise invalid_from(error, where=f"{where}params") from None
    hashed = params_id(params.model_dump())
    return Choice(strategy, params, hashed, f"{name}@{strategy.version}:{hashed}")
