"""What a strategy may look at when it is asked: nothing that had not closed by then."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from brain.bar import Bar

_NOBODY: Mapping[str, Bar] = MappingProxyType({})


class View:
    """`bar` is the one that just closed on `symbol`, at `close_ms`; `market` the newest closed bar of each symbol, as of then.

    `market` is filled for strategies that follow the whole market. A symbol that did not trade lately stands there with an old bar:
    compare `open_time_ms`. Whoever runs a strategy hands it the same view each time, with new contents.
    """

    __slots__ = ("bar", "close_ms", "market", "symbol")

    def __init__(self, symbol: str, market: Mapping[str, Bar] = _NOBODY) -> None:
        self.symbol = symbol
        self.market = market
        self.bar = Bar(0, 0.0, 0.0, 0.0, 0.0, 0.0)
        self.close_ms = 0
