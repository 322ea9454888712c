"""The positions that a desk holds, among all that it ever had."""

from __future__ import annotations

from collections.abc import Mapping

from shared.model import Position

_newest: tuple[Mapping[str, Position], tuple[Position, ...]] = ({}, ())


def held(positions: Mapping[str, Position]) -> tuple[Position, ...]:
    """Those that are not flat; kept for the newest positions asked about, since most commands leave them as they are."""
    global _newest  # it saves time and changes no answer: mappings of a state are replaced, never changed
    known, found = _newest
    if known is not positions:
        found = tuple(position for position in positions.values() if position.qty)
        _newest = positions, found
    return found
