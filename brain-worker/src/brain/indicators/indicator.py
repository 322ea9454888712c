"""What an indicator is: numbers in, one bar after another, numbers out, and a state that is one text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from math import isinf
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple
from zlib import crc32

from brain.indicators.numbers import Numbers, all_finite, count_of, pack, unpack
from brain.indicators.period import NAN


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

    def along(self, *columns: Sequence[float]) -> Callable[[int], None]:
        """Over whole columns of its inputs, all finite: what makes its lines those of the bar at a place.

        The numbers are those of the updates; a subclass may come to them quicker. For one that has had no update yet; what
        it keeps is of no use afterwards.
        """
        lines = [(line, array("d")) for line in self.lines]
        update = self.update
        for row in zip(*columns, strict=True):
            update(*row)
            for line, values in lines:
                values.append(getattr(self, line))

        def move(place: int) -> None:
            for line, values in lines:
                setattr(self, line, values[place])

        return move

    def state(self) -> str:
        """All that it was made with and remembers, packed: equal knowledge is equal text."""
        numbers: list[float] = []
        self.keep(numbers)
        return pack(numbers)

    def restore(self, state: str) -> None:
        """Become what `state()` described, and go on with the same numbers to the last bit.

        ValueError, TypeError or LookupError for a state that does not fit; the indicator is of no use then.
        """
        numbers = unpack(state)
        if self.recall(numbers, 0) != len(numbers):
            raise ValueError(f"the state does not fit {type(self).__name__}: it is too long or too short")

    def keep(self, into: list[float]) -> None:
        """Append what `recall` needs: a mark of the class, the settings, and what is remembered."""
        layout = _LAYOUTS.get(type(self)) or _layout(self)
        into.append(layout.mark)
        into += layout.settings(self)
        self._keep(into, layout)

    def _keep(self, into: list[float], layout: Layout) -> None:
        into += layout.numbers(self)
        for name in layout.windows:
            window = getattr(self, name)
            into.append(len(window))
            into += window
        for name, inner in layout.parts:
            getattr(self, name)._keep(into, inner)

    def recall(self, numbers: Numbers, at: int) -> int:
        """Become what `keep` appended there; the place after it. Raises as `restore`."""
        layout = _LAYOUTS.get(type(self)) or _layout(self)
        start = at + 1 + len(self.params)
        settings = layout.settings(self)
        if numbers[at] != layout.mark or tuple(numbers[at + 1 : start]) != settings:
            raise ValueError(f"the state does not fit {type(self).__name__} with {settings}")
        return self._recall(numbers, start, layout)

    def _recall(self, numbers: Numbers, at: int, layout: Layout) -> int:
        end = at + len(layout.scalars)
        for name, number in zip(layout.scalars, numbers[at:end], strict=True):
            setattr(self, name, number)
        if not numbers.finite:
            self._check_cold(numbers[at:end])
        for name in layout.counts:
            setattr(self, name, count_of(name, numbers[end], self.warmup))
            end += 1
        for name in layout.windows:
            window: deque[float] = getattr(self, name)
            start = end + 1
            end = start + count_of(name, numbers[end], len(numbers) if window.maxlen is None else window.maxlen)
            kept = numbers[start:end]
            if not numbers.finite and not all_finite(kept):
                raise ValueError(f"{name} must be finite")
            window.clear()
            window.extend(kept)
        for name, inner in layout.parts:
            end = getattr(self, name)._recall(numbers, end, inner)
        if layout.settles and not self.settle():
            raise ValueError(f"the state does not fit {type(self).__name__}: its parts contradict each other")
        return end

    def _check_cold(self, scalars: list[float]) -> None:
        """NaN is allowed, in the lines only in all of them."""
        if any(map(isinf, scalars)):
            raise ValueError(f"the state does not fit {type(self).__name__}: a number is infinite")
        if len({line != line for line in scalars[: len(self.lines)]}) != 1:
            raise ValueError(f"the state does not fit {type(self).__name__}: its lines warm up together")

    def settle(self) -> bool:
        """After `restore`: rebuild what follows from what was kept; False where the parts contradict each other."""
        return True


class Layout(NamedTuple):
    """Where a kind of indicator keeps what: found once, for every one of its kind."""

    mark: float
    """Of the names of all that is kept, of the parts too: another mark is another kind or another release of it."""
    settings: Callable[[Indicator], tuple[float, ...]]
    numbers: Callable[[Indicator], tuple[float, ...]]
    """Scalars, then counts."""
    scalars: tuple[str, ...]
    counts: tuple[str, ...]
    windows: tuple[str, ...]
    parts: tuple[tuple[str, Layout], ...]
    settles: bool


_LAYOUTS: dict[type[Indicator], Layout] = {}


def _layout(indicator: Indicator) -> Layout:
    # a fresh one: an input that was a whole number may have left ints where floats belong
    fresh = type(indicator)(*(getattr(indicator, param) for param in indicator.params))
    kept = {name: getattr(fresh, name) for name in (*fresh.lines, *fresh.keeps)}
    scalars = tuple(name for name, value in kept.items() if type(value) is float)
    counts = tuple(name for name, value in kept.items() if type(value) is int)
    windows = tuple(name for name, value in kept.items() if isinstance(value, deque))
    inner = {name: value for name, value in kept.items() if isinstance(value, Indicator)}
    parts = tuple((name, _LAYOUTS.get(type(value)) or _layout(value)) for name, value in inner.items())
    named = (type(indicator).__name__, indicator.params, scalars, counts, windows)
    mark = float(crc32(repr((*named, [(name, each.mark) for name, each in parts])).encode()))
    settings, numbers = _tuple_of(indicator.params), _tuple_of((*scalars, *counts))
    settles = type(indicator).settle is not Indicator.settle
    made = _LAYOUTS[type(indicator)] = Layout(mark, settings, numbers, scalars, counts, windows, parts, settles)
    return made


def _tuple_of(names: tuple[str, ...]) -> Callable[[Indicator], tuple[float, ...]]:
    """What reads so many attributes of an indicator at once; `attrgetter` gives a tuple only of two or more."""
    if not names:
        return lambda indicator: ()
    found: Callable[[Indicator], Any] = attrgetter(*names)
    return found if len(names) > 1 else lambda indicator: (found(indicator),)
