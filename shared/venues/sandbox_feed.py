"""The sandbox's stream of updates, decoded: pure, for whoever holds the socket.

{"type": "hello", "seq": 17}                        the first message: the last number given out before
{"type": "order", "seq": 18, "order": {…}}          an order as it is now, with all its fills
{"type": "heartbeat", "seq": 18, "wall_ms": …}      the stream lives; 18 is the last number
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from shared.errors import Invalid
from shared.venues import sandbox_wire as wire
from shared.venues.venue import OrderReport

MAX_CHARS = 1_048_576


class _Message(wire.Wire):
    type: Literal["hello", "order", "heartbeat"]
    seq: int = Field(ge=0)
    order: wire.WireOrder | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.type == "order") != (self.order is not None):
            raise ValueError("an order belongs to a message of type order, and only to it")
        return self


class News(NamedTuple):
    """`gap`: something was missed, or may have been, so the venue has to be asked. `problem` says what could not be read."""

    report: OrderReport | None = None
    gap: bool = False
    problem: str = ""


class SandboxFeed:
    """Reads one stream after the other; `seq` is the number that everything is known up to, None before the first message.

    A number that was seen is passed over; one that comes too early is used, and says that there is a gap.
    """

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self.seq: int | None = None

    def read(self, text: str) -> News:
        """One message; never raises. After a gap was told the count goes on from there."""
        if len(text) > MAX_CHARS:
            return News(gap=True, problem=f"{len(text)} characters are more than {MAX_CHARS}")
        try:
            message = _Message.parse(text)
        except Invalid as error:
            return News(gap=True, problem=error.detail[:200])
        known, self.seq = self.seq, message.seq if self.seq is None else max(self.seq, message.seq)
        if message.order is None:
            # a stream that begins before what is known is another one: its numbers say nothing about ours
            if message.type == "hello":
                self.seq = message.seq
            return News(gap=known != message.seq if message.type == "hello" else known is None or message.seq > known)
        if known is not None and message.seq <= known:
            return News()
        name = wire.name_of(message.order.client_id, message.order.order_id)
        return News(wire.report_of(message.order, self._venue, name), gap=known is None or message.seq > known + 1)
