"""What a strategy is: parameters in, bars in, ideas out, and a state that JSON can carry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from brain.bar import Bar, Idea
from shared.model import Model

P = TypeVar("P", bound=Model)


class Strategy(ABC, Generic[P]):
    """One instance follows one symbol. It says what happened on a bar; whether a position is open, only the desk knows.

    A subclass lives in a file of its own in `brain/strategies`, sets the three class attributes and documents its idea,
    when it fails and its source. `version` goes up whenever the same bars could give another answer or the state
    another shape. `params_model` holds numbers only, each with a default, bounds and a description.
    """

    __slots__ = ("params",)

    name: ClassVar[str]
    version: ClassVar[int]
    params_model: ClassVar[type[Model]]

    def __init__(self, params: P) -> None:
        self.params = params

    @property
    @abstractmethod
    def warmup_bars(self) -> int:
        """Bars up to and including the first one on which an idea is possible."""

    @abstractmethod
    def on_bar(self, bar: Bar) -> Idea | None:
        """Take one closed bar, later than all before it."""

    @abstractmethod
    def state(self) -> list[Any]:
        """Everything learnt so far, as JSON values without NaN."""

    @abstractmethod
    def restore(self, state: list[Any]) -> None:
        """Become what `state()` described; a state that does not fit raises ValueError, TypeError or LookupError."""
