"""What is asked of the desks, and when: fixed before the first request, so that a slow answer puts nothing off."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

CANCEL_AFTER_S = 1.0
HALT_S = 0.3
"""A halt lasts this long at least; then it is resumed in two steps."""
TIMEOUT_S = 30.0


class Plan(BaseModel):
    """`rate` commands a second over all desks in turn, for `seconds`; every `halt_every_s` seconds one desk is halted and resumed.

    The rest is half `place` (a limit order that rests), half `cancel`, a second after its `place`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    trader: str
    admin: str
    instrument: str
    desks: tuple[str, ...]
    rate: float
    seconds: float
    halt_every_s: float


class Step(NamedTuple):
    """One command, `at_s` after the start. `after` is the number of the one whose answer it needs.

    A `cancel` needs that of its `place`; halts and the steps of their ends need one another's, so that they keep their order.
    """

    at_s: float
    kind: str
    desk: str
    after: int | None = None


class Sample(BaseModel):
    """What came of a step: `ms` from when it was due, `late_ms` of those the generator's own. `status` is 0 without an answer."""

    model_config = ConfigDict(frozen=True)

    at_s: float
    kind: str
    ms: float
    late_ms: float
    status: int
    code: str = ""

    @property
    def failed(self) -> bool:
        """Whether it is an error: no answer, a 5xx, or a refusal that the plan does not lead to."""
        return not (self.status in (200, 201) or self.code in ("halted", "skipped"))


def steps(plan: Plan) -> list[Step]:
    """In the order of time. The three commands of a halt are taken out of the rate, so that the sum is as told."""
    found: list[Step] = []
    halts = [plan.halt_every_s * n for n in range(1, int(plan.seconds / plan.halt_every_s) + 1)]
    pairs = int((plan.rate * plan.seconds - 3 * len(halts)) / 2)
    for number in range(pairs):
        desk = plan.desks[number % len(plan.desks)]
        at_s = number * plan.seconds / pairs
        found.append(Step(at_s, "place", desk))
        found.append(Step(at_s + CANCEL_AFTER_S, "cancel", desk, len(found) - 1))
    before = None
    for number, at_s in enumerate(halts):
        for kind, later_s in (("halt", 0.0), ("resume", HALT_S), ("confirm", HALT_S)):
            found.append(Step(at_s + later_s, kind, plan.desks[number % len(plan.desks)], before))
            before = len(found) - 1
    return found
