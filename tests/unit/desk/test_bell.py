"""What a person should not wait for asks for its delivery as soon as D1 has it; whether the queue works is nobody's trouble."""

from __future__ import annotations

import json

import pytest

from cron.consumer import Message
from shared.errors import VenueUnavailable
from tests.unit.desk.bench import Bench, opening, run
from tests.unit.native_ports import MemoryQueue


class Rung:
    """A desk whose outbox is empty, and the queue that it rings on."""

    def __init__(self) -> None:
        self.queue = MemoryQueue()
        self.bench = Bench(shell={"jobs": self.queue})
        self.bench.call("tick")
        assert self.queue.sent == []

    def alarm(self) -> None:
        """What was committed is due."""
        self.bench.clock.advance(500)
        self.bench.fire()


def test_a_halt_rings_once_d1_has_it_and_without_a_tick() -> None:
    rung = Rung()
    rung.bench.call("halt", by="edk_1", reason="enough")
    rung.alarm()
    (row,) = run(rung.bench.d1.rows("SELECT id FROM alerts"))
    (sent,) = rung.queue.sent
    message = Message.parse(json.dumps(sent))
    assert (message.job, message.scope, message.requested_by) == ("alerts", "", "desk:alpha")
    assert message.queued_ms == rung.bench.clock.now_ms()
    assert row["id"] != message.id, "a run's id is not the alert's"
    rung.bench.call("tick")
    rung.alarm()
    assert len(rung.queue.sent) == 1


def test_a_flush_rings_once_however_much_it_brings() -> None:
    rung = Rung()
    for n in range(60):
        rung.bench.call("halt", by="edk_1", reason=f"{n}")
        rung.bench.call("resume_request", by="edk_1", reason="again")
    rung.alarm()
    assert len(run(rung.bench.d1.rows("SELECT id FROM alerts"))) == 60
    assert len(rung.bench.d1.batches) > 2
    assert len(rung.queue.sent) == 1


def test_what_can_wait_a_minute_does_not_ring() -> None:
    rung = Rung()
    rung.bench.call("halt", by="edk_1", reason="enough")
    rung.alarm()
    confirm = rung.bench.call("resume_request", by="edk_1", reason="fine")["confirm"]
    rung.bench.call("resume_confirm", by="edk_1", confirm=confirm)
    rung.alarm()
    rows = run(rung.bench.d1.rows("SELECT code FROM alerts ORDER BY seq"))
    assert [row["code"] for row in rows] == ["halted", "resumed"]
    assert len(rung.queue.sent) == 1


def test_a_queue_that_fails_is_logged_and_counted_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    rung = Rung()
    rung.queue.down = True
    rung.bench.call("halt", by="edk_1", reason="enough")
    rung.alarm()
    engine = rung.bench.desk.engine
    assert "bell_not_rung" in caplog.text
    assert dict(engine.faults) == {"bell": 1}
    assert (engine.outbox.lag, engine.timers.has("outbox")) == (0, False)
    rung.queue.down = False
    rung.bench.call("tick")
    assert rung.queue.sent == [], "the tick itself brings it"


def test_nothing_rings_before_d1_has_the_alert() -> None:
    rung = Rung()
    rung.bench.d1.down = True
    rung.bench.call("halt", by="edk_1", reason="enough")
    rung.alarm()
    assert rung.queue.sent == []
    rung.bench.d1.down = False
    rung.bench.clock.advance(60_000)
    rung.bench.fire()
    assert len(rung.queue.sent) == 1


def test_the_same_alert_brought_again_is_the_same_run() -> None:
    rung = Rung()
    rung.bench.call("halt", by="edk_1", reason="enough")
    rung.alarm()
    rung.bench.desk.engine.session.store.put_meta("outbox_seq", "0")
    rung.bench.reborn().call("tick")
    assert len({sent["id"] for sent in rung.queue.sent}) == 1 < len(rung.queue.sent)


def test_a_desk_whose_account_is_not_among_the_settings_is_not_opened() -> None:
    bench = Bench(opened=False, shell={"ceiling": "demo", "lacks": ("SANDBOX_KEY", "SANDBOX_SECRET")})
    demo = opening(mode="demo", trading={"kind": "sandbox"})
    with pytest.raises(VenueUnavailable, match="SANDBOX_KEY, SANDBOX_SECRET of desk-worker") as refused:
        run(bench.desk.open(demo))
    assert refused.value.error_code == "venue_not_set_up"
    assert run(bench.desk.open(opening()))["created"], "one on paper needs none of it"
