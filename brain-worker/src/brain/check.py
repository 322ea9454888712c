"""Whether strategies and their parameters are ones that there are, before anything is run with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brain.registry import STRATEGIES, AnyStrategy
from brain.request import choices, exactly
from shared.errors import Invalid
from shared.sweep import MAX_RUNS, put_over


def check(body: Any, strategies: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> dict[str, int]:
    """`{"good", "refused"}` of the `sets`: each is put over the parameters of the strategy at `place`, the others stay as they
    are. `Invalid`, with what is wrong with the first, where not one set could run.
    """
    if not isinstance(body, Mapping):
        raise Invalid.field("body", body, "must be an object")
    exactly(body, ("strategies", "place", "sets"))
    wanted, place, sets = body["strategies"], body["place"], body["sets"]
    if not isinstance(sets, list) or not 0 < len(sets) <= MAX_RUNS:
        shown = len(sets) if isinstance(sets, list) else sets
        raise Invalid.field("sets", shown, f"must be a list of 1 to {MAX_RUNS} sets of parameters")
    if not isinstance(wanted, list) or type(place) is not int or not 0 <= place < len(wanted):
        raise Invalid.field("place", place, "must be the place of one of the strategies")
    refusals = [error for error in (_refusal(wanted, place, each, strategies) for each in sets) if error]
    if len(refusals) == len(sets):
        raise refusals[0]
    return {"good": len(sets) - len(refusals), "refused": len(refusals)}


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
