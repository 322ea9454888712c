"""The event log as a hash chain: whoever changes, drops or reorders a stored event breaks it from there on.

hash = sha256 of the lines  seq, v, at_ms, kind, prev_hash, body     (hex; the body last, it may hold anything)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from shared.desk.events import Event
from shared.errors import Halt

GENESIS = "0" * 64


class Record(NamedTuple):
    """One row of the log; `body` is the event's JSON as it was first written, never rewritten."""

    seq: int
    v: int
    at_ms: int
    kind: str
    body: str
    prev_hash: str
    hash: str


class Head(NamedTuple):
    """Where the log ends."""

    seq: int = 0
    hash: str = GENESIS
    at_ms: int = 0


def digest(seq: int, v: int, at_ms: int, kind: str, prev_hash: str, body: str) -> str:
    return hashlib.sha256(f"{seq}\n{v}\n{at_ms}\n{kind}\n{prev_hash}\n{body}".encode()).hexdigest()


def next_record(head: Head, event: Event, now_ms: int) -> Record:
    """The record that follows; its time never runs backwards, whatever the wall clock does."""
    seq, at_ms, body = head.seq + 1, max(now_ms, head.at_ms), event.json_text()
    return Record(
        seq, event.v, at_ms, event.kind, body, head.hash, digest(seq, event.v, at_ms, event.kind, head.hash, body)
    )


def follow(head: Head, records: Iterable[Record]) -> Head:
    """The head after the records; `Halt` (`log_broken`, with the seq) at the first that does not follow from the one before."""
    for record in records:
        if record.seq != head.seq + 1:
            raise broken(head.seq + 1, f"expected seq {head.seq + 1}, found {record.seq}")
        if record.prev_hash != head.hash:
            raise broken(record.seq, "its prev_hash is not the hash of the event before it")
        if digest(record.seq, record.v, record.at_ms, record.kind, record.prev_hash, record.body) != record.hash:
            raise broken(record.seq, "its hash does not match what it holds")
        head = Head(record.seq, record.hash, record.at_ms)
    return head


def broken(seq: int, why: str) -> Halt:
    return Halt(f"the event log is broken at seq {seq}: {why}", code="log_broken", seq=seq)
