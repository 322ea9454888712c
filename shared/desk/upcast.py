"""Lifts the body of an old event to today's version, one version at a time.

An event that was stored is never rewritten. Who changes the fields of a kind raises its `v` by one, registers here how the
version before becomes it, and keeps a stored body of the old version in the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.errors import Halt

Body = dict[str, Any]
Lift = Callable[[Body], Body]


class Upcasters:
    """A registry `(kind, v) -> function` that turns a body of version v into one of version v + 1."""

    def __init__(self) -> None:
        self._lifts: dict[tuple[str, int], Lift] = {}

    def register(self, kind: str, v: int) -> Callable[[Lift], Lift]:
        """`@UPCASTERS.register("order_filled", 1)`; ValueError for a second one of the same version."""

        def keep(lift: Lift) -> Lift:
            if (kind, v) in self._lifts:
                raise ValueError(f"{kind} v{v} has its upcaster already")
            self._lifts[kind, v] = lift
            return lift

        return keep

    def lift(self, kind: str, v: int, to_v: int, body: Body) -> Body:
        """The body at version `to_v`; `Halt` where a step is missing, for then the log cannot be understood."""
        while v < to_v:
            step = self._lifts.get((kind, v))
            if step is None:
                raise Halt(f"no upcaster lifts {kind} from v{v}", code="log_no_upcaster", kind=kind, v=v)
            body = step(body)
            v += 1
        return body


UPCASTERS = Upcasters()
