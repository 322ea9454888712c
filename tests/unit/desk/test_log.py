"""The chain of the log: what a record's hash is made of, and where a broken one is said to break."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from shared.desk import events as ev
from shared.desk import log
from shared.desk.log import Head, Record
from shared.errors import Halt

EVENT = ev.OrderNotFound(client_id="ab" * 16)


def chain(count: int) -> list[Record]:
    records: list[Record] = []
    head = Head()
    for number in range(count):
        records.append(log.next_record(head, EVENT, 1000 + number))
        head = Head(records[-1].seq, records[-1].hash, records[-1].at_ms)
    return records


def test_a_log_begins_with_sixty_four_zeros() -> None:
    assert Head() == (0, "0" * 64, 0)


def test_a_hash_is_made_of_what_is_documented() -> None:
    first, second = chain(2)
    lines = ["2", "1", "1001", "order_not_found", first.hash, second.body]
    assert second.hash == hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert (second.prev_hash, second.seq, second.v, second.at_ms) == (first.hash, 2, 1, 1001)


def test_the_time_of_a_record_never_runs_backwards() -> None:
    assert log.next_record(Head(4, "x", 50), EVENT, 49).at_ms == 50
    assert log.next_record(Head(4, "x", 50), EVENT, 51).at_ms == 51


def test_a_whole_chain_leads_to_its_last_record() -> None:
    records = chain(3)
    assert log.follow(Head(), records) == (3, records[2].hash, 1002)


@pytest.mark.parametrize(
    ("change", "seq", "says"),
    [
        ({"seq": 7}, 2, "expected seq 2, found 7"),
        ({"prev_hash": "f" * 64}, 2, "prev_hash"),
        ({"body": "{}"}, 2, "does not match what it holds"),
        ({"v": 2}, 2, "does not match what it holds"),
        ({"at_ms": 0}, 2, "does not match what it holds"),
        ({"kind": "order_unknown"}, 2, "does not match what it holds"),
    ],
)
def test_a_broken_chain_names_the_seq_where_it_breaks(change: dict[str, Any], seq: int, says: str) -> None:
    records = chain(3)
    records[1] = records[1]._replace(**change)
    with pytest.raises(Halt, match=says) as found:
        log.follow(Head(), records)
    assert found.value.error_code == "log_broken"
    assert found.value.context == {"seq": seq}
    assert f"at seq {seq}: " in found.value.detail
