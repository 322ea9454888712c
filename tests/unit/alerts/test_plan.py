"""Whom an alert goes to, and when it is tried again."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.alerts.config import AlertChannels
from shared.alerts.http import _seconds
from shared.alerts.plan import CHANNEL_FAILED, MAX_TRIES, again_ms, channel_failed, plan
from tests.unit.alerts.samples import alert

SETTING = {
    "channels": {name: {"kind": "slack"} for name in ("a", "b", "c")},
    "routes": {"critical": ["c", "a"], "warning": ["b", "a"]},
}
CONFIG = AlertChannels.parse(json.dumps(SETTING))


def test_the_route_of_its_severity_and_how_many_it_needs() -> None:
    assert plan(CONFIG, alert())[:2] == (("c", "a"), 2)
    assert plan(CONFIG, alert(severity="warning"))[:2] == (("b", "a"), 1)
    assert plan(CONFIG, alert(severity="info")).quiet
    assert not plan(AlertChannels(), alert()).quiet, "a halt that nobody hears of is never quiet"


def test_what_ends_a_halt_goes_to_every_pager_of_the_critical_route_and_besides_to_its_own() -> None:
    def planned(critical: list[str], info: list[str]) -> tuple[tuple[str, ...], int, bool]:
        setting = {
            "channels": {
                name: {"kind": "pagerduty" if name.startswith("p") else "slack"} for name in ("p1", "p2", "a", "b")
            },
            "routes": {"critical": critical, "info": info},
        }
        config = AlertChannels.parse(json.dumps(setting))
        to = plan(config, alert(severity="info", resolves=["k"]))
        assert to.lacks == ""
        return to.names, to.needed, to.quiet

    assert planned(["p1", "a", "p2"], []) == (("p1", "p2"), 2, False)
    assert planned(["a", "p1"], ["b", "p1", "a"]) == (("p1", "b", "a"), 2, False)
    assert planned(["a", "b"], ["b", "a"]) == (("b", "a"), 1, False)
    assert planned(["a", "b"], []) == ((), 0, True)


def test_one_channel_only() -> None:
    assert plan(CONFIG, alert(), "b")[:3] == (("b",), 1, "")
    assert plan(CONFIG, alert(), "d").lacks == "no channel 'd': ALERTS has a, b, c"


def test_a_failed_channel_is_left_out_of_its_own_news() -> None:
    told = channel_failed("b", "slack", "why\x00so", 3600, 7_200_001)
    assert plan(CONFIG, told)[:2] == (("a",), 1)
    assert (told.code, told.detail) == (CHANNEL_FAILED, "why so")
    assert told.id == channel_failed("b", "slack", "else", 3600, 10_799_999).id
    assert told.id != channel_failed("b", "slack", "else", 3600, 10_800_000).id
    assert channel_failed("b", "slack", "", 0, 1).id != channel_failed("b", "slack", "", 0, 2).id


@given(st.integers(1, 1000))
def test_the_waits_grow_to_a_quarter_of_an_hour_and_end(tries: int) -> None:
    wait_ms = again_ms(tries)
    assert (wait_ms is None) is (tries >= MAX_TRIES)
    assert wait_ms is None or 60_000 <= wait_ms <= 900_000


@given(st.one_of(st.text(), st.floats(allow_nan=False), st.integers(), st.booleans(), st.none()))
def test_a_rest_is_a_number_of_seconds_or_nothing(told: object) -> None:
    seconds = _seconds(told)
    assert seconds is None or seconds >= 0
