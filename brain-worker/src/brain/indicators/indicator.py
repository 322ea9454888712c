"""What an indicator is: numbers in, one bar after another, numbers out, and a state that JSON can carry."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections import deque
from typing import Any, ClassVar, Final

from brain.indicators.period import NAN

MAX_FLOAT: Final = sys.float_info.max


class Indicator(ABC):
    """One instance follows one symbol. Its lines are NaN until `warmup` updates, all of them numbers from then on.

    A subclass holds its formula and says in class attributes what belongs to it:
    `inputs`  the positional arguments of `update`, out of open, high, low, close, volume and open_time_ms;
    `lines`   the attributes of its outputs; the first is `value`, the one that `update` returns;
    `params`  the attributes that it was made with;
    `keeps`   the other attributes that it remembers: floats (NaN for none yet), counts (0 or more), deques of floats
              and indicators.

    Inputs are checked where bars come in, not here: finite, prices above 0, low <= open, close <= high, volume 0 or
    more.
    """

    __slots__ = ("value",)

    inputs: ClassVar[tuple[str, ...]] = ("close",)
    lines: ClassVar[tuple[str, ...]] = ("value",)
    params: ClassVar[tuple[str, ...]] = ("period",)
    keeps: ClassVar[tuple[str, ...]] = ()

    value: float

    def __init__(self) -> None:
        for line in self.lines:
            setattr(self, line, NAN)

    @property
    @abstractmethod
    def warmup(self) -> int:
        """Updates until the first number of every line."""

    @abstractmethod
    def update(self, *inputs: Any, **named: Any) -> float:
        """Take the next bar, `inputs` in their order; the newest `value`, NaN before `warmup` updates."""

    def state(self) -> list[Any]:
        """All that it was made with and remembers, as JSON values without NaN: its name, params, lines and keeps."""
        names = (*self.params, *self.lines, *self.keeps)
        return [type(self).__name__, *(_written(getattr(self, name)) for name in names)]

    def restore(self, state: list[Any]) -> None:
        """Become what `state()` described, and go on with the same numbers to the last bit.

        ValueError or TypeError for a state that does not fit; the indicator is of no use then.
        """
        name = type(self).__name__
        if type(state) is not list:
            raise TypeError(f"the state of {name} must be a list, not {type(state).__name__}")
        made = [name, *(getattr(self, param) for param in self.params)]
        names = (*self.lines, *self.keeps)
        values = state[len(made) :]
        if len(values) != len(names) or state[: len(made)] != made or bool in map(type, state):
            raise ValueError(f"the state does not fit {name} with {', '.join(self.params) or 'no settings'} {made[1:]}")
        if len({value is None for value in values[: len(self.lines)]}) != 1:
            raise ValueError(f"the state does not fit {name}: its lines warm up together")
        for attribute, value in zip(names, values, strict=True):
            setattr(self, attribute, _read(f"{name}.{attribute}", getattr(self, attribute), value, self.warmup))
        if not self.settle():
            raise ValueError(f"the state does not fit {name}: its parts contradict each other")

    def settle(self) -> bool:
        """After `restore`: rebuild what follows from what was kept; False where the parts contradict each other."""
        return True


def _written(value: Any) -> Any:
    """A kept attribute as a JSON value."""
    if isinstance(value, Indicator):
        return value.state()
    if isinstance(value, deque):
        return list(value)
    return None if value != value else value


def _read(name: str, now: Any, value: Any, most: int) -> Any:
    """The reverse of `_written` for the attribute that holds `now`; an int that once was a float becomes one again."""
    if isinstance(now, Indicator):
        now.restore(value)
        return now
    if isinstance(now, deque):
        if type(value) is not list:
            raise TypeError(f"{name} must be a list, not {type(value).__name__}")
        if now.maxlen is not None and len(value) > now.maxlen:
            raise ValueError(f"{name}: {len(value)} numbers do not fit {now.maxlen}")
        return deque((_finite(name, each) for each in value), now.maxlen)
    if type(now) is int:
        if type(value) is not int:
            raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
        if not 0 <= value <= most:
            raise ValueError(f"{name} {value} does not fit: 0 to {most}")
        return value
    return NAN if value is None else _finite(name, value)


def _finite(name: str, value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not abs(value) <= MAX_FLOAT:
        raise ValueError(f"{name} must be finite")
    return float(value)
