"""What a scan is asked for, checked before anything runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from brain import fault, state
from brain.registry import BROKEN, STRATEGIES, AnyStrategy
from brain.steps import BUDGET, STEPS
from shared.errors import Invalid
from shared.model import Interval, Model
from shared.model.base import invalid_from
from shared.model.decision import DecisionConfig, check_decisions
from shared.model.ids import params_id

FIELDS = ("venue", "interval", "strategies", "market", "evidence", "state")
OPTIONAL = ("decisions",)
MAX_STRATEGIES = 64
MAX_NAME = 32
SHOWN = 3
"""Broken files that a refusal of another name tells of, at most."""
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
    lost: Sequence[tuple[str, str]] = ()
    """Strategies that are asked for beside these and cannot be had: the name, and why."""


def read(body: Any, strategies: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> Request:
    """`Invalid` for a missing or unknown field, a state of another kind, or where not one of the strategies can be had, since it is
    not there or its parameters are bad; where some can, the others are `lost`.
    """
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
    wanted = body["strategies"]
    had, lost = _had(wanted, strategies)
    decided = decisions(body.get("decisions"))
    check_decisions(decided, [each["name"] for each in wanted])
    return Request(
        venue=venue,
        interval=Interval(interval),
        choices=had,
        market=body["market"],
        evidence=body["evidence"],
        entries=state.read(body["state"], venue, interval),
        decisions=decided,
        decided=state.decisions_of(body["state"]),
        lost=lost,
    )


def _had(wanted: Any, strategies: Mapping[str, type[AnyStrategy]]) -> tuple[list[Choice], list[tuple[str, str]]]:
    """Those that can be had, and the lost; `Invalid`, with what is wrong with the first, where not one can."""
    errors = unknown(wanted, strategies)
    had: dict[int, Choice] = {}
    for at, one in enumerate(wanted):
        if at not in errors:
            try:
                had[at] = _choice(one, f"strategies.{at}.", strategies)
            except Invalid as error:
                errors[at] = error
    if not had:
        # a name before any parameters
        raise next(iter(errors.values()))
    return _once(had), [(wanted[at]["name"], error.detail) for at, error in sorted(errors.items())]


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
    """Every strategy that is asked for; `Invalid` for one that is not there, and only then for bad parameters."""
    for error in unknown(wanted, strategies).values():
        raise error
    return _once({at: _choice(one, f"strategies.{at}.", strategies) for at, one in enumerate(wanted)})


def unknown(wanted: Any, strategies: Mapping[str, type[AnyStrategy]]) -> dict[int, Invalid]:
    """By its place why a strategy is not there, though it is asked for; `Invalid` for what names no strategies."""
    if not isinstance(wanted, list) or not 0 < len(wanted) <= MAX_STRATEGIES:
        shown = len(wanted) if isinstance(wanted, list) else wanted
        raise Invalid.field("strategies", shown, f"must be a list of 1 to {MAX_STRATEGIES} strategies")
    found: dict[int, Invalid] = {}
    for at, one in enumerate(wanted):
        if not isinstance(one, Mapping):
            raise Invalid.field(f"strategies.{at}", one, "must be an object")
        exactly(one, ("name", "params"), f"strategies.{at}.")
        name = one["name"]
        if not isinstance(name, str) or len(name) > MAX_NAME:
            raise Invalid.field(f"strategies.{at}.name", name, f"must be a name of at most {MAX_NAME} characters")
        if name not in strategies:
            found[at] = Invalid.field(f"strategies.{at}.name", name, *_why(name, strategies))
    return found


def _why(name: str, strategies: Mapping[str, type[AnyStrategy]]) -> tuple[str, str]:
    """The rule and the remedy for a strategy that is not there; it may be the one of a file that could not be loaded."""
    if name in BROKEN:
        return "is not a strategy as it stands", f"{BROKEN[name]}; mend it"
    told = [f"choose one of {', '.join(strategies)}", *BROKEN.values()]
    shown = told if len(told) <= 1 + SHOWN else [*told[: 1 + SHOWN], f"nor could {len(BROKEN) - SHOWN} more files"]
    return "is not a known strategy", "; ".join(shown)


def _once(found: Mapping[int, Choice]) -> list[Choice]:
    """By their places; `Invalid` for one that stands there twice."""
    places: dict[str, int] = {}
    for at, choice in found.items():
        if places.setdefault(choice.key, at) != at:
            raise Invalid.field(
                f"strategies.{at}", choice.key, "stands there twice", "name each strategy and its parameters once"
            )
    return list(found.values())


def _choice(one: Mapping[str, Any], where: str, strategies: Mapping[str, type[AnyStrategy]]) -> Choice:
    name, given = one["name"], one["params"]
    strategy = strategies[name]
    if not isinstance(given, Mapping):
        raise Invalid.field(f"{where}params", given, "must be an object")
    known = strategy.params_model.model_fields
    for param in given:
        if param not in known:
            rule = f"is not a parameter of {name}"
            raise Invalid.field(f"{where}params.{param}", given[param], rule, f"choose from {', '.join(known)}")
    STEPS.left = BUDGET
    try:
        choice = _checked(strategy, given, f"{where}params")
        STEPS.check()
    except KeyboardInterrupt:
        # may as well be the user's
        raise
    except BaseException as error:  # noqa: BLE001 - a strategy's own check may fail in any way; told of as a refusal
        raise Invalid.field(f"{where}params", dict(given), f"its check failed: {fault.told(error)}") from None
    if isinstance(choice, Invalid):
        raise choice
    return choice


def _checked(strategy: type[AnyStrategy], given: Mapping[str, Any], where: str) -> Choice | Invalid:
    """Why they are refused, where they are; what is raised is the strategy's own error."""
    try:
        params = strategy.params_model.model_validate(dict(given))
    except ValidationError as error:
        return invalid_from(error, where=where)
    hashed = params_id(params.model_dump())
    return Choice(strategy, params, hashed, f"{strategy.name}@{strategy.version}:{hashed}")
