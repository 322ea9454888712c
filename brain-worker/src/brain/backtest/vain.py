"""Leaving what is not held, entering what is: signals that lead to a refusal known beforehand, so that nobody has to ask."""

from __future__ import annotations

from collections.abc import Container
from typing import Final, NamedTuple

from brain.backtest.quiet import Quiet
from shared.model import Action, Proposal, Side, Signal, symbol_of

_LASTING: Final = {"no_position": (Action.EXIT, Side.SELL), "already_in_position": (Action.ENTER, Side.BUY)}
"""Refusals that hold for as long as what is held stays as it is."""

_LEAST: Final = 1e-6


class InVain(NamedTuple):
    """A signal, and what the desk says to it."""

    signal: Signal
    code: str
    detail: str


class Vain:
    """What the desk said to the first such proposal of an instrument, it says to all."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, Action, Side], tuple[str, str]] = {}

    def hear(self, proposal: Proposal, code: str, detail: str) -> None:
        """A refusal of the desk."""
        if _LASTING.get(code) == (proposal.action, proposal.side):
            self._said[proposal.instrument, proposal.action, proposal.side] = code, detail

    def split(self, signals: list[Signal], quiet: Quiet, held: Container[str]) -> tuple[list[Signal], list[InVain]]:
        """The signals of one close that the desk has to judge, and those in vain; `held` are symbols."""
        if not self._said or not quiet.orderly:
            return signals, []
        # an exit may take back what is entered at the same close
        entered = {each.instrument for each in signals if each.action is Action.ENTER}
        judged, vain = [], []
        for signal in signals:
            said = self._said.get((signal.instrument, signal.action, signal.side))
            if signal.action is Action.ENTER:
                is_vain = symbol_of(signal.instrument) in held
            else:
                is_vain = quiet.idle and signal.instrument not in entered
            if said is not None and is_vain and _can_be_proposed(signal):
                vain.append(InVain(signal, *said))
            else:
                judged.append(signal)
        return judged, vain


def _can_be_proposed(signal: Signal) -> bool:
    """Whether its levels are far from what no proposal can hold: else it is refused before the desk hears of it."""
    distances = [signal.stop_distance, signal.target_distance, signal.trail_distance]
    given = [each for each in distances if each is not None]
    return all(_LEAST < each < signal.price * (1.0 - _LEAST) for each in given)
