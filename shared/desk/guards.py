"""The protections that act on a desk: read from its settings once, strictly, and put in order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from pydantic import ValidationError

from shared.desk.protection import Breaker, Protection
from shared.desk.protections.dead_man import DeadMan
from shared.desk.protections.price_band import PriceBand
from shared.desk.protections.venue_down import VenueDown
from shared.desk.registry import PROTECTIONS
from shared.desk.state import DeskState
from shared.errors import Invalid
from shared.model.base import invalid_from

Settings = Mapping[str, Mapping[str, Any]]
P = TypeVar("P", bound=Protection)
MOST_KEPT = 64


@dataclass(frozen=True, eq=False)
class Guards:
    """`acting` are those that act, in the order of the gates; `breakers` those of them that can stop the desk by themselves.

    `unreadable` are stored ones that this release cannot read: they hold the desk back until they are set anew.
    """

    settings: Settings
    acting: tuple[Protection, ...]
    breakers: tuple[Breaker, ...]
    marks_equity: bool
    unreadable: tuple[str, ...]

    def only(self, kind: type[P]) -> P:
        """The one of that kind; it has to be one that always acts."""
        return next(each for each in self.acting if type(each) is kind)

    @cached_property
    def dead_man(self) -> DeadMan:
        return self.only(DeadMan)

    @cached_property
    def venue_down(self) -> VenueDown:
        return self.only(VenueDown)

    @cached_property
    def price_band(self) -> PriceBand:
        return self.only(PriceBand)

    @cached_property
    def bounding(self) -> tuple[Protection, ...]:
        """Those that may bound the size of an entry."""
        return tuple(each for each in self.acting if type(each).rooms is not Protection.rooms)


def read(settings: Settings) -> Guards:
    """`Invalid` naming `protections.<name>.<setting>` for what is not one, or breaks its rule."""
    named = {name: _one(name, values) for name, values in settings.items()}
    return _guards(settings, named, ())


def of(state: DeskState) -> Guards:
    """Those of a desk. Never fails: what was stored by another release and cannot be read is `unreadable`."""
    known = _known.get(id(state.protections))
    if known is None or known.settings is not state.protections:
        known = _stored(state.protections)
        if len(_known) >= MOST_KEPT:
            _known.clear()
        _known[id(state.protections)] = known
    return known


_known: dict[int, Guards] = {}
"""By the identity of the settings, which each entry keeps alive: they stay the same from state to state."""


def _stored(settings: Settings) -> Guards:
    named, unreadable = {}, []
    for name, values in settings.items():
        try:
            named[name] = _one(name, values)
        except Invalid:
            unreadable.append(name)
    return _guards(settings, named, tuple(unreadable))


def _one(name: str, values: Mapping[str, Any]) -> Protection:
    kind = PROTECTIONS.get(name)
    if kind is None:
        raise Invalid.field(f"protections.{name}", values, "is no protection", f"there are {', '.join(PROTECTIONS)}")
    try:
        return kind.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise invalid_from(error, where=f"protections.{name}") from None


def _guards(settings: Settings, named: Mapping[str, Protection], unreadable: tuple[str, ...]) -> Guards:
    always = {name: kind() for name, kind in PROTECTIONS.items() if kind.always}
    acting = sorted((always | dict(named)).values(), key=lambda each: (each.place, each.name))
    breakers = tuple(each for each in acting if isinstance(each, Breaker) and each.calls_for != "refuse")
    marks = any(isinstance(each, Breaker) and each.marks_equity for each in acting)
    return Guards(settings, tuple(acting), breakers, marks, unreadable)
