"""What strategies there are, over HTTP."""

from __future__ import annotations

import pytest

from brain.describe import describe
from brain.registry import STRATEGIES
from router.answer_schemas import ANSWERS
from tests.unit.router.native import World, problem
from tests.unit.router.test_pages import walk

PATH = "/v1/strategies"


def test_it_is_what_the_brain_tells_by_name(world: World) -> None:
    told = world.ask("GET", PATH, "viewer").json()
    assert told["next_cursor"] is None
    assert told["items"] == sorted(describe({})["strategies"], key=lambda each: str(each["name"]))
    shape = ANSWERS["GET", PATH]["properties"]["items"]["items"]
    for each in told["items"]:
        assert sorted(each) == shape["required"]
        for param in each["params"].values():
            assert sorted(param) == shape["properties"]["params"]["additionalProperties"]["required"]
    [cross] = [each for each in told["items"] if each["name"] == "sma_cross"]
    assert cross["params"]["fast"]["min"] <= cross["params"]["fast"]["default"] <= cross["params"]["fast"]["max"]
    assert cross["warmup_bars"] > 1
    assert "Source" in cross["doc"]


def test_pages_put_together_are_all_of_them_once(world: World) -> None:
    items, pages = walk(world, PATH, 5)
    assert [each["name"] for each in items] == sorted(STRATEGIES)
    assert pages == -(-len(STRATEGIES) // 5)


def test_a_key_of_one_desk_may_read_it_too(world: World) -> None:
    assert len(walk(world, PATH, 500, world.key("viewer", ["main"]))[0]) == len(STRATEGIES)


def test_the_brain_is_asked_once(world: World) -> None:
    answers = [world.ask("GET", PATH, role).content for role in ("viewer", "trader", "admin")]
    assert len(set(answers)) == 1
    assert world.brain.asked == ["describe"]


def test_a_brain_that_is_away_is_asked_again(world: World) -> None:
    world.brain.down = True
    said = world.ask("GET", PATH, "viewer")
    problem(said, 503, "storage_unavailable")
    assert said.headers["retry-after"]
    world.brain.down = False
    assert world.ask("GET", PATH, "viewer").status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [("name=sma_cross", "name"), ("limit=0", "limit"), ("limit=501", "limit"), ("cursor=x", "cursor")],
)
def test_a_query_that_does_not_fit_is_refused(world: World, query: str, field: str) -> None:
    said = problem(world.ask("GET", f"{PATH}?{query}", "viewer"), 422, "invalid")
    assert said["errors"][0]["field"] == field
    assert world.brain.asked == []
