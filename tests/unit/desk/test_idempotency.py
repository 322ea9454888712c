"""What is kept under an idempotency key, to the letter: a desk of the next release reads what this one wrote."""

from __future__ import annotations

import hashlib

import pytest

from shared.desk import idempotency as idem
from shared.desk.idempotency import Answer, Answers
from shared.errors import Conflict, Refused
from tests.unit.desk.bench import Bench


def answers() -> Answers:
    found = Answers(Bench().sql)
    found.keep(Answer("key", "print", "text", 1000), 1)
    return found


def test_a_fingerprint_does_not_hang_on_the_order_of_fields() -> None:
    said = '["place",{"a":[1,2],"b":{"c":"x","d":null}}]'
    wanted = hashlib.sha256(said.encode()).hexdigest()
    assert idem.fingerprint("place", {"b": {"d": None, "c": "x"}, "a": [1, 2]}) == wanted
    assert idem.fingerprint("cancel", {"b": {"d": None, "c": "x"}, "a": [1, 2]}) != wanted


def test_answers_are_kept_as_plain_envelopes() -> None:
    assert idem.value_text({"a": 1, "b": [2]}) == '{"ok":true,"value":{"a":1,"b":[2]}}'
    text = idem.error_text(Refused("no", code="halted", client_id="x"))
    assert text.startswith('{"ok":false,"error":{"class":"Refused","code":"halted",')
    assert idem.replayed(idem.value_text({"a": 1})) == {"a": 1}
    with pytest.raises(Refused, match="no") as found:
        idem.replayed(text)
    assert (found.value.error_code, found.value.context) == ("halted", {"client_id": "x"})


def test_an_answer_is_found_until_its_time_is_over_and_not_at_that_moment() -> None:
    kept = answers()
    assert kept.find("key", "print", 999) == "text"
    assert kept.find("key", "print", 1000) is None
    assert kept.find("other", "print", 999) is None


def test_another_request_under_the_key_is_a_conflict_until_then() -> None:
    kept = answers()
    with pytest.raises(Conflict) as found:
        kept.find("key", "another", 999)
    assert found.value.error_code == "idempotency_conflict"
    assert kept.find("key", "another", 1000) is None


def test_pruning_takes_what_is_over_and_nothing_else() -> None:
    kept = answers()
    kept.keep(Answer("later", "print", "text", 1001), 1)
    kept.prune(1000)
    assert kept.find("key", "print", 0) is None
    assert kept.find("later", "print", 1000) == "text"


def test_answers_are_kept_for_a_week() -> None:
    assert idem.KEEP_MS == 7 * 24 * 60 * 60 * 1000
