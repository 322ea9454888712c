"""Strategies are judged before anything runs with them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from brain import request
from brain.check import check
from brain.registry import STRATEGIES
from shared.errors import Invalid
from shared.sweep import MAX_RUNS


def body(*sets: dict[str, Any], name: str = "sma_cross", place: int = 0, **params: Any) -> dict[str, Any]:
    return {"strategies": [{"name": name, "params": params}], "place": place, "sets": list(sets) or [{}]}


def refusal(given: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        check(given)
    return caught.value


def test_what_can_run_is_counted() -> None:
    assert check(body()) == {"good": 1, "refused": 0}
    assert check(body({"fast": 50}, {"fast": 3}, {"fast": 21})) == {"good": 1, "refused": 2}


def test_a_set_is_put_over_the_parameters_of_its_strategy_and_the_others_stay() -> None:
    given = body({"fast": 30}, {"fast": 50}, slow=40, place=1)
    given["strategies"].insert(0, {"name": "rsi_reversion", "params": {}})
    before = copy.deepcopy(given)
    assert check(given) == {"good": 1, "refused": 1}
    assert given == before
    given["strategies"][0]["name"] = "nobody"
    assert refusal(given).context["field"] == "strategies.0.name"


def test_where_not_one_can_run_the_first_is_told() -> None:
    found = refusal(body({"fast": 50}, {"fast": 60}))
    assert found.detail == "strategies.0.params: fast 50 must be below slow 20"


def test_an_unknown_strategy_is_told_with_those_that_there_are() -> None:
    found = refusal(body(name="smacross"))
    assert found.context["field"] == "strategies.0.name"
    assert found.detail.endswith(", ".join(STRATEGIES))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([], "body"),
        ({}, "strategies"),
        (body() | {"sets": []}, "sets"),
        (body() | {"sets": {}}, "sets"),
        (body() | {"sets": [{}] * (MAX_RUNS + 1)}, "sets"),
        (body() | {"sets": [[]]}, "sets"),
        (body() | {"strategies": []}, "place"),
        (body() | {"strategies": {}}, "place"),
        (body() | {"strategies": [7]}, "strategies.0"),
        (body(place=1), "place"),
        (body(place=-1), "place"),
        (body() | {"place": True}, "place"),
        (body() | {"x": 1}, "x"),
        (body() | {"sweep": "gird"}, "sweep"),
        (body() | {"sweep": []}, "sweep"),
        (body() | {"sweep": "grid", "sets": [[]]}, "sets"),
        (body({"fast": 3}) | {"sweep": "grid", "strategies": [7]}, "sets"),
    ],
)
def test_a_bad_body_is_named(given: Any, field: str) -> None:
    assert refusal(given).context["field"] == field


def test_names_are_judged_before_what_is_set_in_any_of_them() -> None:
    given = body({"fast": 50}, {"fast": 60}) | {
        "strategies": [{"name": "sma_cross", "params": {"fst": 1}}, {"name": "rsi_reverson", "params": {}}]
    }
    assert refusal(given).context["field"] == "strategies.1.name"
    assert refusal(given | {"sets": [{"slow": 1}]}).context["field"] == "strategies.1.name"


@pytest.mark.parametrize("sweep", ["grid", "random"])
class TestOfASweep:
    def test_a_parameter_that_is_not_there_is_named_where_it_was_asked_for_and_without_a_value(
        self, sweep: str
    ) -> None:
        found = refusal(body({"slow": 30, "fats": 7}, {"slow": 30, "fats": 8}) | {"sweep": sweep})
        assert found.context["field"] == f"sweep.{sweep}.fats"
        assert "value" not in found.context
        assert found.context["rule"] == "is not a parameter of sma_cross"
        assert found.context["remedy"].endswith(", fast, slow")

    def test_a_set_that_no_strategy_takes_is_told_with_why(self, sweep: str) -> None:
        found = refusal(body({"fast": 100}, {"fast": 200}) | {"sweep": sweep})
        assert found.context["field"] == f"sweep.{sweep}"
        assert "value" not in found.context
        assert found.context["rule"] == '{"fast": 100}: fast 100 must be below slow 20'
        assert found.detail == "sweep." + sweep + ': {"fast": 100}: fast 100 must be below slow 20'

    def test_a_value_out_of_bounds_is_told_by_its_parameter(self, sweep: str) -> None:
        found = refusal(body({"fast": 0}, {"fast": 100}) | {"sweep": sweep})
        assert found.context["field"] == f"sweep.{sweep}"
        assert found.context["rule"].startswith('{"fast": 0}: fast: 0 input should be greater than')

    def test_a_set_that_makes_two_of_one_is_told_too(self, sweep: str) -> None:
        given = body({"fast": 3}) | {"sweep": sweep}
        given["strategies"].append({"name": "sma_cross", "params": {"fast": 3}})
        found = refusal(given)
        assert found.context["field"] == f"sweep.{sweep}"
        assert found.context["rule"].startswith('{"fast": 3}: strategies.1: ')
        assert "stands there twice" in found.context["rule"]

    def test_a_long_set_is_cut(self, sweep: str) -> None:
        found = refusal(body({"fast": "x" * 5000}) | {"sweep": sweep})
        assert found.context["field"] == f"sweep.{sweep}"
        assert len(found.detail) < 500

    def test_what_is_wrong_without_any_set_is_the_strategies_own(self, sweep: str) -> None:
        own = body({"fast": 100}, {"fast": 200}, slwo=7) | {"sweep": sweep}
        assert refusal(own).context["field"] == "strategies.0.params.slwo"
        set_ = body({"stop_atr": 2.0}, fast=50) | {"sweep": sweep}
        assert refusal(set_).detail == "strategies.0.params: fast 50 must be below slow 20"
        other = body({"fast": 3}, {"fast": 100}) | {"sweep": sweep}
        other["strategies"].append({"name": "rsi_reversion", "params": {"x": 1}})
        assert refusal(other).context["field"] == "strategies.1.params.x"
        assert refusal(body({"fast": 3}, name="nobody") | {"sweep": sweep}).context["field"] == "strategies.0.name"

    def test_a_set_that_is_what_the_strategy_has_anyway_blames_the_next(self, sweep: str) -> None:
        fast = STRATEGIES["sma_cross"].params_model().fast  # type: ignore[attr-defined]
        found = refusal(body({"fast": fast}, {"fast": 100}, slow=fast) | {"sweep": sweep})
        assert found.context["rule"] == f'{{"fast": 100}}: fast 100 must be below slow {fast}'

    def test_where_one_can_run_the_others_are_counted(self, sweep: str) -> None:
        assert check(body({"fast": 50}, {"fast": 3}) | {"sweep": sweep}) == {"good": 1, "refused": 1}


class TestWithBrokenFiles:
    LINE = "brain/strategies/foo.py could not be loaded: ImportError: no such thing, line 3"

    @pytest.fixture(autouse=True)
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(request, "BROKEN", {"foo": self.LINE})

    def test_one_that_is_asked_for_is_told_with_why(self) -> None:
        found = refusal(body(name="foo"))
        assert found.context["field"] == "strategies.0.name"
        assert found.detail == f"strategies.0.name: 'foo' is not a strategy as it stands; {self.LINE}; mend it"

    def test_an_unknown_name_may_be_that_of_one_of_them(self) -> None:
        detail = refusal(body(name="fo")).detail
        assert detail.startswith("strategies.0.name: 'fo' is not a known strategy; choose one of bollinger_reversion, ")
        assert detail.endswith(f", supertrend; {self.LINE}")

    def test_of_many_a_few_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(request, "BROKEN", {f"foo{at}": f"foo{at} is broken" for at in range(5)})
        assert refusal(body(name="fo")).detail.endswith(
            "; foo0 is broken; foo1 is broken; foo2 is broken; nor could 2 more files"
        )

    def test_others_can_run(self) -> None:
        assert check(body()) == {"good": 1, "refused": 0}
