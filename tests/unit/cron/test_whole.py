"""Recorded markets from the replay server's bytes through the real brain and the real desk to filled orders."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from shared.desk.shell import Desk
from shared.errors import DeskError, from_wire
from shared.venues.paper import PaperVenue
from tests.unit.cron.test_decisions import kept
from tests.unit.cron.world import World, desk_json, settings
from tests.unit.desk.native_sql import NativeAlarm, NativeSql

if sys.platform == "emscripten":
    pytest.skip("needs sockets and threads", allow_module_level=True)

from tools.replay import ReplayServer, builtin_markets

pytestmark = pytest.mark.native


class RealDesk:
    """`shared.desk` behind JSON, as the object is."""

    def __init__(self, name: str, world: World) -> None:
        sql = NativeSql()
        self.desk = Desk(sql, NativeAlarm(), world.db, world.clock, PaperVenue(sql), name=name)

    async def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        target = self.desk.read if method in {"view", "orders", "order", "positions", "trades", "verify"} else self.desk
        try:
            answer = getattr(target, method)(json.loads(json.dumps(body)))
            value: dict[str, Any] = json.loads(json.dumps(await answer if hasattr(answer, "__await__") else answer))
        except DeskError as error:
            raise from_wire(error.wire()) from None
        return value


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[ReplayServer, str]]:
    running = ReplayServer([each for each in builtin_markets() if each.venue == "us"], None)
    yield running, running.start()
    running.stop()


def test_sixty_days_of_recorded_stocks_become_filled_orders(server: tuple[ReplayServer, str]) -> None:
    running, url = server
    one = desk_json("stocks").replace('"params":{"fast":3,"slow":8}', '"params":{}')
    place = World(config=settings("1d", "session", one, history_bars=200), url=url)
    place.desks._make = lambda name: RealDesk(name, place)
    for _ in range(60):
        running.step("us")
        outcomes = place.tick()
        assert set(outcomes) <= {"done", "queued"}, place.db.all("SELECT * FROM job_runs WHERE state = 'failed'")
    assert not place.db.all("SELECT * FROM job_runs WHERE state = 'failed'")
    outcomes_ = place.db.all("SELECT outcome, count(*) AS n FROM signals GROUP BY outcome")
    assert {row["outcome"] for row in outcomes_} >= {"intended", "stale"}
    assert not place.db.all("SELECT * FROM signals WHERE outcome = 'pending'")
    fills = place.db.all("SELECT * FROM fills")
    assert fills
    orders = [json.loads(row["body"]) for row in place.db.all("SELECT body FROM orders")]
    asked = {row["client_id"] for row in place.db.all("SELECT client_id FROM signals WHERE outcome = 'intended'")}
    assert asked <= {order["client_id"] for order in orders}
    points = place.db.all("SELECT market_ms, equity FROM equity ORDER BY market_ms")
    assert len(points) == 60
    assert len({point["equity"] for point in points}) > 10
    assert place.db.all("SELECT count(*) AS n FROM watermarks")[0]["n"] >= 5


def test_what_a_committee_made_on_recorded_stocks_teaches_it_whom_to_believe(server: tuple[ReplayServer, str]) -> None:
    running, url = server
    committee = '"decisions":{"committee":{"enter_at":0,"exit_at":0,"learning":{}}},"symbols"'
    one = desk_json("stocks").replace('"params":{"fast":3,"slow":8}', '"params":{}').replace('"symbols"', committee)
    place = World(config=settings("1d", "session", one, history_bars=200), url=url)
    place.desks._make = lambda name: RealDesk(name, place)
    seen: list[dict[str, float]] = []
    for _ in range(40):
        running.step("us")
        place.tick()
        seen.append(kept(place, "stocks")["state"]["decisions"]["committee"][1]["weights"]["of"])
    trades = place.desk("stocks").desk.engine.ready().trades  # type: ignore[attr-defined]
    ours = {trade.entry.client_id: trade for trade in trades if trade.entry is not None}
    assert {trade.entry.by for trade in ours.values()} == {"committee"}
    told = [each for asked in place.brain.scans for each in asked["evidence"].get("outcomes", [])]
    assert {each["id"] for each in told} == ours.keys()
    assert len(told) == len(ours) > 2
    assert all(each["r"] == pytest.approx(float(ours[each["id"]].net / ours[each["id"]].entry.risk)) for each in told)
    assert len({tuple(each.values()) for each in seen}) > 2
    assert seen[-1] != seen[0]
    newest = place.db.all("SELECT proposal FROM signals WHERE strategy = 'committee' AND proposal IS NOT NULL")
    weighed = [json.loads(row["proposal"])["why"]["weights"] for row in newest]
    assert weighed[-1].values() != weighed[0].values()
