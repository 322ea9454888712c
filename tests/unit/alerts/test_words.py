"""Words fit, and secrets do not come through."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.alerts.mask import Mask
from shared.alerts.text import ELLIPSIS, fit, iso, message, units
from shared.model.alert import Alert, plain
from tests.unit.alerts.samples import HUSH, alert

ESCAPES = (str, html.escape, lambda each: f"\\{each}")


@given(st.text(max_size=60), st.integers(1, 80), st.sampled_from(ESCAPES))
def test_what_fits_stays_and_what_does_not_is_cut_between_characters(text: str, limit: int, escape: object) -> None:
    assert callable(escape)
    whole = "".join(escape(each) for each in text)
    told = fit(text, limit, escape)
    assert units(told) <= limit
    if units(whole) <= limit:
        assert told == whole
    else:
        assert told.endswith(ELLIPSIS)
        kept = told[: -len(ELLIPSIS)]
        assert any(kept == "".join(escape(each) for each in text[:n]) for n in range(len(text) + 1))


def test_a_limit_of_nothing_leaves_nothing() -> None:
    assert fit("abc", 0) == ""


@given(st.text(max_size=300), st.integers(1, 50))
def test_plain_text_is_one_clean_short_line(text: str, limit: int) -> None:
    told = plain(text + "\ud800\x00\x85\u2028", limit)
    assert len(told) <= limit
    told.encode()
    assert not any(ord(each) < 32 or 0x7F <= ord(each) < 0xA0 for each in told)
    assert told == told.strip()
    assert plain(told, limit) == told


@given(st.text(max_size=500), st.text(max_size=500))
def test_plain_text_always_makes_an_alert(title: str, key: str) -> None:
    made = alert(title=plain(title, 200) or "x", dedupe_key=plain(key, 200) or "x", detail=plain(key, 4000))
    assert Alert.parse(made.json_text()) == made


def test_a_message_names_what_where_when() -> None:
    assert message(alert(), 5000).splitlines()[0] == "CRITICAL stocks: halted by <risk> & co"
    assert message(alert(desk="", detail="", context={}), 5000).startswith("CRITICAL: halted by")
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(10**15) == f"{10**15} ms"


SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=60)


@given(st.text(max_size=50), SECRET, st.text(max_size=50))
def test_a_secret_never_comes_through_however_it_is_written(before: str, secret: str, after: str) -> None:
    mask = Mask([secret])
    for form in (secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]):
        assert form not in mask(f"{before}{form}{after}").replace("***", "\x00")
    assert secret not in repr(mask)


@pytest.mark.parametrize(
    "text",
    [
        f"https://hooks.example/services/T0/{HUSH}",
        f"POST /services/T0/{HUSH} HTTP/1.1",
        f"no route to {HUSH}",
        f"/services/T0/{HUSH}?key=other-hush",
        "key=other-hush",
    ],
)
def test_an_address_that_is_a_secret_is_masked_in_pieces(text: str) -> None:
    told = Mask([f"https://hooks.example/services/T0/{HUSH}?key=other-hush"])(text)
    assert "hush" not in told and "***" in told


def test_an_empty_secret_masks_nothing() -> None:
    assert Mask([""])("as it was") == "as it was"
