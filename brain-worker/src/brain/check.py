"""Whether strategies and their parameters are ones that there are, before anything is run with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brain.registry import STRATEGIES, AnyStrategy
from brain.request import choices, exactly
from shared.errors import Invalid

MAX_SETS = 200


def check(body: Any, strategies: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> dict[str, int]:
    """`{"good", "refused"}` of the `sets` of strategies in the body; `Invalid`, with what is wrong with the first, where
    not one of them could run.
    """
    if not isinstance(body, Mapping):
        raise Invalid.field("body", body, "must be an object")
    exactly(body, ("sets",))
    sets = body["sets"]
    if not isinstance(sets, list) or not 0 < len(sets) <= MAX_SETS:
        shown = len(sets) if isinstance(sets, list) else sets
        raise Invalid.field("sets", shown, f"must be a list of 1 to {MAX_SETS} sets of strategies")
    refusals = [error for error in (_refusal(each, strategies) for each in sets) if error]
    if len(refusals) == len(sets):
        raise refusals[0]
    return {"good": len(sets) - len(refusals), "refused": len(refusals)}


def _refusal(wanted: Any, strategies: Mapping[str, type[AnyStrategy]]) -> Invalid | None:
    try:
        choices(wanted, strategies)
    except Invalid as error:
        return error
    return None
