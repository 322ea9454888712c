"""docs/dream.svg is what the panel says today, and shows what it claims."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tools.dream import plot
from tools.dream.node_kernel import node_kernel

pytestmark = pytest.mark.native
NUMBER = re.compile(r"-?\d+\.\d")


def test_the_picture_in_the_docs_is_the_one_that_would_be_drawn() -> None:
    series = plot.market(1)
    with node_kernel() as kernel:
        drawn = plot.drawn(series, plot.looks(series, kernel))
    kept = plot.PATH.read_text()
    remedy = "draw it anew: python -m tools.dream plot"
    assert NUMBER.sub("", drawn) == NUMBER.sub("", kept), remedy
    # another machine's logarithms may differ in the last place
    places = [list(map(float, NUMBER.findall(text))) for text in (drawn, kept)]
    assert places[0] == pytest.approx(places[1], abs=0.2), remedy


def test_the_picture_is_well_formed_and_takes_nothing_from_outside() -> None:
    text = plot.PATH.read_text()
    told = {each.text for each in ElementTree.fromstring(text).iter() if each.text and each.text.strip()}
    assert {*plot.STRETCHES, *(name.replace("_", " ") for name in plot.REGIMES)} <= told
    assert not re.search(r"<script|href|url\(", text)


def test_each_stretch_is_told_for_what_it_is_once_the_panel_sees_nothing_else() -> None:
    series = plot.market(1)
    with node_kernel() as kernel:
        said = {look.at: look.shares for look in plot.looks(series, kernel)}
    wanted = ("noisy", "trending", "mean_reverting", "chaotic")
    names = list(plot.REGIMES)
    for place, regime in enumerate(wanted):
        ends = range(place * plot.LENGTH + plot.LOOK, (place + 1) * plot.LENGTH + 1, plot.STEP)
        shares = [dict(zip(names, said[at], strict=True))[regime] for at in ends]
        assert max(shares) > 0.25, regime
        assert regime == "mean_reverting" or min(shares) > 0.5, regime


def test_shares_are_drawn_to_the_full_height() -> None:
    said = [plot.Look(0, (0.1, 0.2, 0.3, 0.4)), plot.Look(2, (0.0, 0.0, 1.0, 0.0))]
    shapes = [each for each in ElementTree.fromstring(plot.drawn([1.0, 2.0], said)) if each.tag.endswith("polygon")]
    tops = [float((each.get("points") or "").split()[0].split(",")[1]) for each in shapes]
    floor = plot.TOP + 2 * plot.HIGH + plot.GAP
    assert [floor - top for top in tops] == pytest.approx([15, 45, 90, 150])
