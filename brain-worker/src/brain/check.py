"""Whether strategies and their parameters are ones that there are, before anything is run with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from brain.registry import STRATEGIES, AnyStrategy
from brain.request import choices, exactly
from shared.errors import Invalid, short
from shared.sweep import MAX_RUNS, put_over

SWEEPS = ("grid", "random")
MAX_SET = 200


def check(body: Any, strategies: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> dict[str, int]:
    """`{"good", "refused"}` of the `sets`: each is put over the parameters of the strategy at `place`, the others stay as they
    are. `Invalid`, with what is wrong with the first, where not one set could run. With `sweep`, what the sets came from, it
    names that one's field for what is wrong with a set, and a strategy's for what is wrong without any.
    """
    if not isinstance(body, Mapping):
        raise Invalid.field("body", body, "must be an object")
    exactly(body, ("strategies", "place", "sets"), optional=("sweep",))
    wanted, place, sets, sweep = body["strategies"], body["place"], body["sets"], body.get("sweep")
    if not isinstance(sets, list) or not 0 < len(sets) <= MAX_RUNS:
        shown = len(sets) if isinstance(sets, list) else sets
        raise Invalid.field("sets", shown, f"must be a list of 1 to {MAX_RUNS} sets of parameters")
    if not isinstance(wanted, list) or type(place) is not int or not 0 <= place < len(wanted):
        raise Invalid.field("place", place, "must be the place of one of the strategies")
    if sweep is not None and sweep not in SWEEPS:
        raise Invalid.field("sweep", sweep, f"must be one of {', '.join(SWEEPS)}", "or leave it out")
    refusals = [error for error in (_refusal(wanted, place, each, strategies) for each in sets) if error]
    if len(refusals) < len(sets):
        return {"good": len(sets) - len(refusals), "refused": len(refusals)}
    own = f"strategies.{place}.params"
    at = None if sweep is None else _blamed(refusals, _refusal(wanted, place, {}, strategies), own)
    if at is None:
        raise refusals[0]
    raise _swept(refusals[at], sets[at], own, f"sweep.{sweep}", strategies[wanted[place]["name"]])


def _refusal(wanted: list[Any], place: int, params: Any, strategies: Mapping[str, type[AnyStrategy]]) -> Invalid | None:
    swept, chosen = wanted[place], wanted
    if isinstance(swept, Mapping) and isinstance(swept.get("params"), Mapping) and isinstance(params, Mapping):
        chosen = put_over(wanted, place, params)
    elif params != {}:
        return Invalid.field("sets", params, "must be objects of parameters")
    try:
        choices(chosen, strategies)
    except Invalid as error:
        return error
    return None


def _blamed(refusals: list[Invalid], alone: Invalid | None, own: str) -> int | None:
    """Which set is to blame; None where the strategies are refused for the same without any, or what came is no set at all."""
    if refusals[0].context["field"] == "sets":
        return None
    if alone is None or refusals[0].detail != alone.detail:
        return 0
    if alone.context["field"] != own:
        return None
    # a set may begin with what the strategy has by itself
    return next((at for at, each in enumerate(refusals) if each.detail != alone.detail), None)


def _swept(error: Invalid, params: Mapping[str, Any], own: str, sweep: str, strategy: type[AnyStrategy]) -> Invalid:
    """The same in the words of whoever asked for the sweep, who named a parameter and gave no single value, and no set."""
    name = str(error.context["field"]).removeprefix(f"{own}.")
    if name in params and name not in strategy.params_model.model_fields:
        return Invalid.field(
            f"{sweep}.{name}", [params[name]], str(error.context["rule"]), str(error.context["remedy"])
        )
    why = error.detail.removeprefix(f"{own}: ").removeprefix(f"{own}.")
    return Invalid.field(sweep, params, f"{short(json.dumps(params), MAX_SET)}: {why}")
