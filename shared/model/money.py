"""An amount of one asset; amounts of different assets never mix."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from shared.errors import Invalid
from shared.model import exact
from shared.model.base import Model
from shared.model.exact import Exact

Asset = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9._-]{1,16}$")]


class Money(Model):
    """`Money(amount=Decimal("1.5"), asset="USD")`; sums of different assets raise `Invalid`."""

    amount: Exact
    asset: Asset

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(amount=exact.add(self.amount, other.amount), asset=self.asset)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(amount=exact.subtract(self.amount, other.amount), asset=self.asset)

    def __neg__(self) -> Money:
        return Money(amount=exact.subtract(exact.ZERO, self.amount), asset=self.asset)

    def _same(self, other: Money) -> None:
        if other.asset != self.asset:
            raise Invalid.field("asset", other.asset, f"is not {self.asset}", "convert it first")
