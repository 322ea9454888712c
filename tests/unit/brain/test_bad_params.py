"""Parameters that are bad, or whose own check fails in whatever way: refused by their strategy's name, and no other is stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from pydantic import Field, ValidationError, field_serializer, model_validator

from brain import request as requests
from brain.backtest.request import read
from brain.backtest.search import Search
from brain.check import check
from brain.registry import STRATEGIES, AnyStrategy, discover
from brain.scan import scan
from brain.steps import STEPS, OverBudget
from brain.strategy import Strategy
from brain.view import View
from shared.errors import Invalid
from shared.model import Model
from tests.unit.brain.backtest.support import plan
from tests.unit.brain.backtest.support import walk as bars
from tests.unit.brain.support import ANY_ERROR, QUICK, body, columns, walk

MARKET = {"A": columns(walk(1, 60)), "B": columns(walk(2, 60))}


def nothing(value: Any) -> Any:
    return value


class Params(Model):
    """2 is what its own check, or its own way to be written, does not take."""

    x: int = Field(default=1, ge=1, le=9, description="a number")
    fits: ClassVar[Callable[[Any], Any]] = nothing
    written: ClassVar[Callable[[Any], Any]] = nothing

    @model_validator(mode="after")
    def _fits(self) -> Any:
        return type(self).fits(self) if self.x == 2 else self

    @field_serializer("x")
    def _written(self, x: int) -> Any:
        return type(self).written(x) if x == 2 else x


class Picky(Strategy[Params]):
    """Says nothing."""

    name = "picky"
    version = 1
    params_model = Params

    def setup(self) -> None:
        pass

    def on_candle(self, view: View) -> None:
        pass


def known(**does: Callable[[Any], Any]) -> dict[str, type[AnyStrategy]]:
    """All strategies, with one whose parameters do this."""
    of = type("Params", (Params,), {name: staticmethod(it) for name, it in does.items()})
    return {**STRATEGIES, "picky": type("Picky", (Picky,), {"params_model": of, "__doc__": "Says nothing."})}


def raises(error: type[BaseException]) -> Callable[[Any], Any]:
    def raising(_: Any) -> Any:
        raise error("of its own")

    return raising


class Mute(ValueError):
    """pydantic makes a finding of it, if it can."""

    def __str__(self) -> str:
        raise SystemExit("said nothing")


def picky(x: int) -> dict[str, Any]:
    return {"name": "picky", "params": {"x": x}}


def refused(strategies: dict[str, type[AnyStrategy]]) -> str:
    """Why 2 is refused: as a whole where it stands alone, else by its name, and the others do what they do without it."""
    with pytest.raises(Invalid) as caught:
        scan(body(MARKET, strategies=[picky(2)]), strategies)
    assert caught.value.context["field"] == "strategies.0.params"
    alone = scan(body(MARKET))
    found = scan(body(MARKET, strategies=[QUICK[0], picky(2), QUICK[1]]), strategies)
    assert found["refused"][0] == {
        "strategy": "picky",
        "symbol": "",
        "bar_close_ms": 0,
        "code": "unknown_strategy",
        "detail": caught.value.detail.replace("strategies.0", "strategies.1"),
    }
    assert found | {"refused": found["refused"][1:]} == alone
    assert alone["signals"]
    return caught.value.context["rule"]


@pytest.mark.parametrize("does", ["fits", "written"])
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyError, OverBudget, *ANY_ERROR])
def test_a_check_may_fail_in_any_way(error: type[BaseException], does: str) -> None:
    rule = refused(known(**{does: raises(error)}))
    assert rule.startswith("its check failed: ")
    # what stands behind the module, and a message that pydantic wrapped
    assert error.__name__ in rule or "of its own" in rule


@pytest.mark.parametrize(
    ("fits", "why"),
    [
        (lambda self: 1 / (self.x - 2), "ZeroDivisionError: division by zero"),
        (lambda self: None, "AttributeError: 'NoneType' object has no attribute 'model_dump'"),
        (raises(Mute), "SystemExit: said nothing"),
        (raises(Invalid), "shared.errors.Invalid: of its own"),
        (lambda self: {}["\x1bBearer " + "abc" * 200], r"KeyError: '\x1bBearer ***'"),
    ],
)
def test_why_is_told_in_one_line_without_secrets(fits: Callable[[Any], Any], why: str) -> None:
    assert refused(known(fits=fits)) == f"its check failed: {why}"


def test_what_it_refuses_itself_is_told_as_ever() -> None:
    assert refused(known(fits=raises(ValueError))) == "of its own"


def test_an_interrupt_stops_everything() -> None:
    with pytest.raises(KeyboardInterrupt):
        scan(body(MARKET, strategies=[QUICK[0], picky(2)]), known(fits=raises(KeyboardInterrupt)))


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"fast": 0}, "strategies.1.params.fast"),
        ({"fast": 9, "slow": 9}, "strategies.1.params"),
        ({"fst": 9}, "strategies.1.params.fst"),
        ([], "strategies.1.params"),
    ],
)
def test_parameters_that_are_bad_in_any_other_way_stop_no_other_either(params: Any, field: str) -> None:
    [first, *more] = scan(body(MARKET, strategies=[QUICK[1], {"name": "sma_cross", "params": params}]))["refused"]
    assert (first["strategy"], first["code"]) == ("sma_cross", "unknown_strategy")
    assert first["detail"].startswith(f"{field}: ")
    assert not [each for each in more if each["strategy"] == "sma_cross"]


def test_each_is_told_by_its_place() -> None:
    wanted = [picky(2), {"name": "gone", "params": {}}, QUICK[0], {"name": "sma_cross", "params": {"fast": 0}}]
    found = scan(body(MARKET, strategies=wanted), known(fits=raises(KeyError)))["refused"]
    assert [each["detail"].split(": ")[0] for each in found[:3]] == [
        "strategies.0.params",
        "strategies.1.name",
        "strategies.3.params.fast",
    ]


def test_where_not_one_can_be_had_the_scan_is_refused_with_a_name_first() -> None:
    wanted = [{"name": "sma_cross", "params": {"fast": 0}}, picky(2), {"name": "gone", "params": {}}]
    for cut, field in ((3, "strategies.2.name"), (2, "strategies.0.params.fast")):
        with pytest.raises(Invalid) as caught:
            scan(body(MARKET, strategies=wanted[:cut]), known(fits=raises(KeyError)))
        assert caught.value.context["field"] == field


def test_what_stands_twice_is_still_refused_as_a_whole_by_its_place() -> None:
    with pytest.raises(Invalid) as caught:
        scan(body(MARKET, strategies=[picky(2), QUICK[0], QUICK[0]]), known(fits=raises(KeyError)))
    assert caught.value.context["field"] == "strategies.2"


def test_before_anything_runs_it_is_a_refusal_too() -> None:
    strategies = known(fits=raises(KeyError))
    given = {"strategies": [picky(1)], "place": 0, "sets": [{}, {"x": 2}]}
    assert check(given, strategies) == {"good": 1, "refused": 1}
    with pytest.raises(Invalid, match=r"^strategies\.0\.params: .*its check failed: KeyError: 'of its own'$"):
        check(given | {"sets": [{"x": 2}]}, strategies)


def test_a_backtest_with_it_is_refused_and_a_search_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    strategies = known(fits=raises(KeyError))
    of = plan({"AAA": bars(1, 60)}, [picky(1)], known=strategies)
    assert Search(of, known=strategies).all([{"x": 1}, {"x": 2}]).refused == 1
    given = {
        "venue": "us",
        "interval": "1d",
        "strategies": [picky(2)],
        "account": {
            "currency": "USD",
            "cash": "1",
            "limits": of.opening.limits.wire(),
            "paper": of.opening.paper.wire() if of.opening.paper else None,
        },
        "instruments": [each.wire() for each in of.opening.instruments],
        "market": {},
        "warmup_bars": 0,
    }
    monkeypatch.setattr("brain.backtest.request._market", lambda *_: {})
    with pytest.raises(Invalid, match=r"^strategies\.0\.params: .*its check failed: KeyError"):
        read(given, strategies)


CODE = '''
from brain.strategy import Strategy
from pydantic import Field, model_validator
from shared.model import Model

class Params(Model):
    x: int = Field(default=1, ge=1, le=9, description="a number")

    @model_validator(mode="after")
    def _fits(self):
        while self.x == 2:
            try:
                [each for each in iter(int, 1)]
            except BaseException:
                break
        return self

class Endless(Strategy[Params]):
    """Hides that it takes too many steps."""
    name = "picky"
    version = 1
    params_model = Params
    def setup(self): pass
    def on_candle(self, view): return None
'''


@pytest.fixture
def endless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, type[AnyStrategy]]]:
    (tmp_path / "picky.py").write_text(CODE)
    package = ModuleType("picky_code")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield {**STRATEGIES, **discover(package).strategies}
    sys.modules.pop(f"{package.__name__}.picky")


def test_too_many_steps_are_refused_even_if_it_hides_them(endless: dict[str, type[AnyStrategy]]) -> None:
    assert "OverBudget: more than " in refused(endless)
    STEPS.left = -1
    assert requests.choices([picky(1)], endless)


def test_a_finding_that_pydantic_cannot_tell_of_is_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def errors(self: ValidationError, **_: Any) -> Any:
        raise SystemExit("nothing to tell")

    def told(error: ValidationError, where: str) -> Invalid:
        return Invalid(str(errors(error)), field=where)

    monkeypatch.setattr(requests, "invalid_from", told)
    assert refused(known(fits=raises(ValueError))) == "its check failed: SystemExit: nothing to tell"
