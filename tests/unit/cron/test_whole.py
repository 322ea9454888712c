"""Recorded markets from the replay server's bytes through the real brain and the real desk to filled orders."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from shared.desk.shell import Desk
from shared.errors import from_wire
from shared.venues.paper import PaperVenue
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
        from shared.errors import DeskError

        target = self.desk.read if method in {"view", "orders", "order", "positions", "verify"} else self.desk
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
