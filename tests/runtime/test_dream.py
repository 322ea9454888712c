"""The chaos panel inside workerd: its JavaScript loops say what the pure Python ones say here."""

from __future__ import annotations

import random
from typing import Any

import pytest

from brain.dream.panel import panel
from brain.dream.plain import Plain
from tests.runtime.accounts import RpcFailed, rpc
from tests.system import System
from tools.dream import series

REGIMES = {"white": "noisy", "logistic": "chaotic", "trend": "trending"}
MAKE: dict[str, series.Make] = {"white": series.white, "logistic": series.logistic, "trend": series.autoregressive(0.9)}


def dream(system: System, prices: list[float], **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = rpc(system, "brain", "-", "dream", {"prices": prices, "params": params})
    return found


@pytest.mark.parametrize("kind", MAKE)
def test_the_panel_in_workerd_equals_the_one_in_plain_python(system: System, kind: str) -> None:
    prices = series.prices(MAKE[kind](random.Random(3), 511))
    found, wanted = dream(system, prices), panel(prices, Plain()).wire()
    assert found["points"] == 512
    assert found["measures"].keys() == wanted["measures"].keys()
    for name, measure in wanted["measures"].items():
        assert found["measures"][name]["reason"] == measure["reason"] == ""
        assert found["measures"][name]["value"] == pytest.approx(measure["value"], rel=1e-12), name
    assert found["verdict"]["regime"] == wanted["verdict"]["regime"] == REGIMES[kind]
    assert found["verdict"]["confidence"] == pytest.approx(wanted["verdict"]["confidence"], rel=1e-9)


def test_other_parameters_reach_the_loops(system: System) -> None:
    prices = series.prices(series.white(random.Random(3), 199))
    found = dream(system, prices, lag=2, dimension_dim=2)
    assert found["measures"]["correlation_dimension"]["value"] < 2.3
    assert found["verdict"]["reason"] == "no_bands"


def test_a_constant_price_and_a_bad_one_are_answered(system: System) -> None:
    found = dream(system, [5.0] * 64)
    assert {each["reason"] for each in found["measures"].values()} == {"constant"}
    with pytest.raises(RpcFailed) as failure:
        dream(system, [5.0] * 63 + [-1.0])
    assert failure.value.code == "invalid"
