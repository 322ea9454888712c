"""Who opened a position, and what was put at risk by it."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from shared.model import exact
from shared.model.base import Model
from shared.model.exact import NotNegative
from shared.model.ids import HexId


class Entry(Model):
    """The order that bought first, `client_id`, opens a position, and it stays its entry however much is bought after it.

    `by` is a strategy or a key's prefix. `risk` is what the whole position loses at the stops that it was bought with, in quote
    before fees: each purchase adds its own. None: something was bought without a stop, or came in without an order. `proposed`:
    all of it was bought on proposals of that one strategy, and no person had a hand in it.
    """

    client_id: HexId
    by: Annotated[str, StringConstraints(max_length=64)]
    proposed: bool
    risk: NotNegative | None

    def joined_by(self, more: Entry) -> Entry:
        """With what was bought after it."""
        risk = None if self.risk is None or more.risk is None else exact.add(self.risk, more.risk)
        proposed = self.proposed and more.proposed and self.by == more.by
        return self.model_copy(update={"risk": risk, "proposed": proposed})

    def disturbed(self) -> Entry:
        """Once something came in, or went out, without an order of the desk or a fill."""
        return self.model_copy(update={"risk": None, "proposed": False})
