"""The log, its chain, snapshots, and what a desk does when it comes back."""

from __future__ import annotations

import hashlib
import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from shared.desk import events as ev
from shared.desk import log
from shared.desk.apply import apply
from shared.desk.session import SNAPSHOT_EVERY
from shared.desk.state import DeskState
from shared.desk.upcast import Upcasters
from shared.errors import Halt, Invalid
from shared.model import Order
from tests.unit.desk.bench import Bench, candle, proposal
from tests.unit.desk.native_sql import NativeSql


def busy(rounds: int = 1) -> Bench:
    bench = Bench()
    for n in range(rounds):
        bench.held("AAA", 2 * n)
        bench.place("AAA", "sell", "10", reduce_only=True)
    bench.bars(candle("AAA", 2 * rounds, "100"))
    return bench


def replayed(sql: NativeSql) -> tuple[DeskState, log.Head]:
    state, head = None, log.Head()
    for row in sql.rows("SELECT seq, v, at_ms, kind, body, prev_hash, hash FROM events ORDER BY seq"):
        record = log.Record(*row)
        head = log.follow(head, [record])
        state = apply(state, ev.read(record.kind, record.v, record.body), record.at_ms)
    assert state is not None
    return state, head


def test_the_log_alone_gives_the_state() -> None:
    bench = busy(3)
    state, head = replayed(bench.sql)
    assert state == bench.state
    assert head == bench.desk.engine.session.head
    assert DeskState.parse(state.json_text()) == state


def test_a_snapshot_and_its_tail_give_the_same_as_the_whole_log() -> None:
    bench = busy(45)
    assert bench.state.seq > 2 * SNAPSHOT_EVERY / 2
    snapshots = [seq for (seq,) in bench.sql.rows("SELECT seq FROM snapshots ORDER BY seq")]
    assert snapshots
    before = bench.state
    bench.reborn()
    assert bench.state == before == replayed(bench.sql)[0]
    for _ in range(4):
        bench.call("halt", by="me", reason="x")
        for _ in range(SNAPSHOT_EVERY):
            bench.call("resume_request", by="me", reason="y")
    assert len(bench.sql.rows("SELECT seq FROM snapshots")) == 3


@pytest.mark.parametrize(
    "tamper",
    [
        'UPDATE events SET body = replace(body, \'"qty":"10"\', \'"qty":"11"\') WHERE kind = \'order_filled\'',
        "UPDATE events SET at_ms = at_ms + 1 WHERE seq = 4",
        "UPDATE events SET hash = prev_hash WHERE seq = 4",
        "DELETE FROM events WHERE seq = 4",
        "UPDATE events SET kind = 'order_cancelled' WHERE seq = 4",
    ],
)
def test_a_changed_log_halts_the_desk_at_wake_and_says_where(tamper: str) -> None:
    bench = busy()
    bench.sql.rows(tamper)
    with pytest.raises(Halt) as found:
        bench.call("verify")
    bench.reborn()
    for method, body in (("view", {}), ("propose", {"proposals": [proposal("AAA", 0, "100")]}), ("tick", {})):
        with pytest.raises(Halt) as caught:
            bench.call(method, **body)
        assert caught.value.error_code == "log_broken"
        assert caught.value.context["seq"] == found.value.context["seq"]
    bench.fire()
    assert bench.desk.engine.faults["wake"] == 1


def test_a_lost_tail_is_seen_by_verify() -> None:
    bench = busy()
    bench.sql.rows("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
    with pytest.raises(Halt, match="ends at"):
        bench.call("verify")


def test_a_lost_tail_that_d1_has_is_seen_at_wake() -> None:
    bench = busy()
    bench.call("tick")
    bench.sql.rows("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
    with pytest.raises(Halt, match="D1 was given"):
        bench.reborn().call("view")


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE snapshots SET body = replace(body, '100000', '900000')",
        "UPDATE snapshots SET hash = 'x'",
        "DELETE FROM events",
    ],
)
def test_a_changed_snapshot_halts_too(tamper: str) -> None:
    bench = busy(45)
    bench.sql.rows(tamper)
    with pytest.raises(Halt) as caught:
        bench.reborn().call("view")
    assert caught.value.error_code == "log_broken"


def unreadable(bench: Bench, only: str = "") -> None:
    """Snapshots as another release might have written them."""
    for seq, body in bench.sql.rows(f"SELECT seq, body FROM snapshots {only}"):
        other = json.dumps({**json.loads(body), "a_field_of_then": 1})
        digest = hashlib.sha256(other.encode()).hexdigest()
        bench.sql.rows("UPDATE snapshots SET body = ?, body_hash = ? WHERE seq = ?", other, digest, seq)


@pytest.mark.parametrize("only", ["", "WHERE seq > 300", "by number"])
def test_a_snapshot_of_another_release_is_passed_over(only: str) -> None:
    bench = busy(90)
    before, kept = bench.state, len(bench.sql.rows("SELECT seq FROM snapshots"))
    assert kept >= 2
    if only == "by number":
        bench.sql.rows("UPDATE snapshots SET v = v + 1")
    else:
        unreadable(bench, only)
    assert bench.reborn().state == before
    assert bench.call("verify")["checked"] == before.seq
    # it does not have to come that long way twice
    (newest,) = bench.sql.rows("SELECT max(seq) FROM snapshots")[0]
    assert newest == before.seq
    unreadable(bench)
    assert bench.reborn().state == before


def test_an_order_row_of_another_release_is_read_from_the_log() -> None:
    bench = busy(2)
    rows = bench.sql.rows("SELECT client_id, body FROM orders")
    bench.sql.rows("UPDATE orders SET body = replace(body, '{', '{\"then\":1,')")
    assert [bench.order(name) for name, _ in rows] == [json.loads(body) for _, body in rows]
    assert bench.call("tick")["outbox_lag"] == 0
    bench.sql.rows("UPDATE orders SET intended_seq = 1, updated_seq = 1")
    with pytest.raises(Halt, match="does not hold the order"):
        bench.order(rows[0][0])


def test_verify_tells_when_the_desk_is_not_what_its_log_says() -> None:
    bench = busy()
    session = bench.desk.engine.session
    session.state = bench.state.but(cash={**bench.state.cash, "USD": Decimal(1)})
    with pytest.raises(Halt, match="another state") as caught:
        bench.call("verify")
    assert caught.value.error_code == "log_broken"


def test_what_could_not_be_read_again_is_not_stored() -> None:
    bench = busy()
    before = bench.kinds()
    draft = bench.desk.engine.session.draft(1)
    order = bench.order(bench.sql.rows("SELECT client_id FROM orders")[0][0])
    fine = Order.parse(json.dumps(order)).model_copy(update={"reference_price": Decimal(1).scaleb(-19)})
    with pytest.raises(Invalid, match="reference_price"):
        draft.add(ev.OrderIntended(order=fine))
    assert (bench.kinds(), draft.lines) == (before, [])


def test_an_alarm_of_a_desk_that_cannot_wake_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = busy().reborn()

    def fail() -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(bench.desk.engine.market, "load", fail)
    bench.fire()
    assert bench.desk.engine.faults["wake"] == 1


def test_an_event_of_a_newer_release_is_not_guessed_at() -> None:
    bench = busy()
    bench.sql.rows("UPDATE events SET v = 9 WHERE seq = 3")
    with pytest.raises(Halt):
        bench.reborn().call("view")
    with pytest.raises(Halt) as caught:
        ev.read("order_filled", 9, "{}")
    assert caught.value.error_code == "log_unknown_event"
    with pytest.raises(Halt) as caught:
        ev.read("order_filled", 1, "{}")
    assert caught.value.error_code == "log_unreadable"


class HaltedV3(ev.Event):
    """What `halted` might become: v2 split the reason, v3 names who is told."""

    kind: ClassVar[str] = "halted"
    v: ClassVar[int] = 3
    by: str
    code: str
    reason: str
    tell: tuple[str, ...]


def test_an_old_event_is_lifted_one_version_at_a_time() -> None:
    upcasters = Upcasters()

    @upcasters.register("halted", 1)
    def with_code(body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "code": "manual"}

    @upcasters.register("halted", 2)
    def with_tell(body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "tell": []}

    stored = json.dumps({"by": "me", "reason": "x"})
    lifted = ev.read("halted", 1, stored, upcasters, {"halted": HaltedV3})
    assert lifted == HaltedV3(by="me", code="manual", reason="x", tell=())
    second = json.dumps({"by": "me", "code": "c", "reason": "x"})
    assert ev.read("halted", 2, second, upcasters, {"halted": HaltedV3}) == HaltedV3(
        by="me", code="c", reason="x", tell=()
    )
    with pytest.raises(ValueError, match="already"):
        upcasters.register("halted", 1)(with_code)
    with pytest.raises(Halt) as caught:
        ev.read("halted", 1, stored, Upcasters(), {"halted": HaltedV3})
    assert caught.value.error_code == "log_no_upcaster"


STORED_V1 = {
    "limits_changed": '{"limits":{"risk_per_trade_bps":100,"max_order_notional":"5","max_symbol_notional":"6",'
    '"max_total_notional":"9","max_open_positions":3,"max_open_orders":200,"max_orders_per_minute":10,"max_data_age_ms":60000,'
    '"max_signal_age_bars":1},"paper":{"fee_bps":"10","slippage_bps":"5","volume_share_bps":1000}}',
    "order_acknowledged": '{"client_id":"aa11aa11aa11aa11aa11aa11aa11aa11","venue_order_id":"paper-1"}',
    "order_filled": '{"fill":{"fill_id":"f1","client_id":"aa11aa11aa11aa11aa11aa11aa11aa11","instrument":"us:AAA",'
    '"side":"buy","qty":"10","price":"100.05","fee":{"amount":"1.0005","asset":"USD"},"ts_ms":5},'
    '"value":"1000.5","status":"filled","stop_price":"95","target_price":null}',
    "resume_expired": "{}",
}


@pytest.mark.parametrize("kind", STORED_V1)
def test_what_was_stored_by_the_first_release_still_reads_to_the_same_values(kind: str) -> None:
    stored = json.loads(STORED_V1[kind])
    read = json.loads(ev.read(kind, 1, STORED_V1[kind]).json_text())
    assert _shared(read, stored) == stored


def _shared(read: Any, stored: Any) -> Any:
    """What was read, without the fields that came after what was stored."""
    if not isinstance(stored, dict):
        return read
    return {name: _shared(read[name], value) for name, value in stored.items()}


def test_the_hash_covers_every_field() -> None:
    base = (1, 1, 5, "halted", log.GENESIS, "{}")
    others = [(2, *base[1:]), (1, 2, *base[2:]), (1, 1, 6, *base[3:]), (1, 1, 5, "resumed", *base[4:])]
    others += [(*base[:4], "1" * 64, "{}"), (*base[:5], '{"a":1}')]
    assert len({log.digest(*each) for each in [base, *others]}) == 7


def test_time_in_the_log_never_runs_backwards() -> None:
    bench = busy()
    bench.clock.advance(-5000)
    bench.call("halt", by="me", reason="x")
    times = [at for (at,) in bench.sql.rows("SELECT at_ms FROM events ORDER BY seq")]
    assert times == sorted(times)


def test_an_event_that_cannot_come_first_or_again() -> None:
    with pytest.raises(ValueError, match="begins"):
        apply(None, ev.ResumeExpired(), 1)
    bench = busy()
    opened = ev.read("desk_opened", 1, bench.sql.rows("SELECT body FROM events WHERE seq = 1")[0][0])
    with pytest.raises(ValueError, match="once"):
        apply(bench.state, opened, 1)


def test_a_draft_that_another_commit_overtook_is_not_stored() -> None:
    bench = busy()
    session = bench.desk.engine.session
    draft = session.draft(1)
    bench.call("halt", by="me", reason="x")
    with pytest.raises(ValueError, match="moved on"):
        session.commit(draft)


@pytest.mark.native
def test_a_desk_of_a_hundred_thousand_events_wakes_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "desk.sqlite")
    bench.bars(candle("AAA", 0, "100"))
    bench.call("halt", by="me", reason="x")
    session = bench.desk.engine.session
    head, body = session.head, ev.ResumeExpired()
    target = 100_000 - 100_000 % SNAPSHOT_EVERY + SNAPSHOT_EVERY - 1

    def grow() -> None:
        nonlocal head
        while head.seq < target:
            record = log.next_record(head, body, bench.clock.now_ms())
            session.store.append([record])
            head = log.Head(record.seq, record.hash, record.at_ms)
            if head.seq % SNAPSHOT_EVERY == 0:
                session.store.write_snapshot(bench.state.but(seq=head.seq), head)

    bench.sql.transaction(grow)
    started = time.perf_counter()
    bench.reborn()
    view = bench.call("view")
    took_ms = 1000 * (time.perf_counter() - started)
    assert view["seq"] == target >= 100_000
    assert took_ms < 100, f"woke in {took_ms:.1f} ms"
    started = time.perf_counter()
    assert bench.call("verify")["checked"] == target
    assert time.perf_counter() - started < 10
