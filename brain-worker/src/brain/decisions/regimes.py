"""What each symbol is like, as far as it was known at a close."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from brain.decisions.evidence import RegimeFound

MOST: Final = 8
"""Of one symbol; of a longer list the oldest are dropped."""


class Regimes:
    """The newest of each symbol, and those whose time is still to come."""

    def __init__(self) -> None:
        self._of: dict[str, list[tuple[int, str]]] = {}

    def hear(self, found: Iterable[RegimeFound]) -> None:
        """In any order, known ones among them."""
        for each in found:
            known = self._of.setdefault(each.symbol, [])
            if (each.at_ms, each.regime) not in known:
                known.append((each.at_ms, each.regime))
                known.sort()
                del known[:-MOST]

    def of(self, symbol: str, close_ms: int) -> str:
        """The regime at a close; "" where none was found by then."""
        found = [regime for at_ms, regime in self._of.get(symbol, ()) if at_ms <= close_ms]
        return found[-1] if found else ""

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {symbol: [list(each) for each in known] for symbol, known in sorted(self._of.items())}

    def restore(self, state: Mapping[str, Any]) -> None:
        """ValueError or TypeError for what does not fit."""
        for symbol, known in state.items():
            self._of[symbol] = [(int(at_ms), str(regime)) for at_ms, regime in known]
