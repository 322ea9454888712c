"""Stopped in good order and started again, everything goes on where it was."""

from __future__ import annotations

from tests.flow.recompute import check_archive, check_ledger
from tests.system import System
from tools.replay import Market


def test_stopped_and_started_again_it_goes_on_without_gap_or_double(system: System, markets: list[Market]) -> None:
    system.tick(2)
    clocks = system.player.clocks()
    views = {desk: system.get(f"/v1/desks/{desk}") for desk in ("stocks", "fx", "hand")}
    steady = ("cash", "equity", "open_positions", "open_orders", "market_ms", "since_ms", "status")
    system.stack.stop()
    system.replay.stop()
    # the whole of it again, as the next `make dev` does: the venue on its saved clocks, the workers on their state
    url = system.replay.start(int(url_port(system)))
    assert url
    system.stack.start()
    assert system.player.clocks() == clocks
    for desk, view in views.items():
        assert {name: system.get(f"/v1/desks/{desk}")[name] for name in steady} == {name: view[name] for name in steady}
    scans = "SELECT count(*) AS count FROM job_runs WHERE job = 'scan' AND scope = 'stocks' AND state = 'done'"
    before = system.stack.d1(scans)[0]["count"]
    system.tick(3)
    assert system.stack.d1(scans)[0]["count"] == before + 3
    for market in markets:
        check_archive(system, market, "1d" if market.venue == "us" else "1h")
    for desk in views:
        check_ledger(system, desk, "100000")


def url_port(system: System) -> str:
    """The port that the workers were told the venue is at."""
    return str(system.stack.vars["cron"]["REPLAY_URL"]).rpartition(":")[2]
