"""Ids come out the same however often they are made, and differ when anything differs."""

from hypothesis import given
from hypothesis import strategies as st

from shared.model import ids

ORDER = ("stocks", "sma_cross", 1, "p" * 32, "us:AAPL", 1, "buy", 1)
PARTS = st.lists(st.one_of(st.text(), st.integers()), max_size=4)


def test_a_client_order_id_is_frozen_for_ever() -> None:
    # an id that moved would let an order be placed twice across a deploy
    assert ids.client_order_id(*ORDER) == "10bbd9b66ef4b8f6a48c9c314ace8328"


def test_every_part_counts() -> None:
    changed = [
        ("fx", *ORDER[1:]),
        (*ORDER[:1], "rsi", *ORDER[2:]),
        (*ORDER[:2], 2, *ORDER[3:]),
        (*ORDER[:3], "q" * 32, *ORDER[4:]),
        (*ORDER[:4], "us:IBM", *ORDER[5:]),
        (*ORDER[:5], 2, *ORDER[6:]),
        (*ORDER[:6], "sell", 1),
        (*ORDER[:7], 2),
    ]
    made = {ids.client_order_id(*parts) for parts in [ORDER, *changed]}  # type: ignore[arg-type]
    assert len(made) == 9
    assert all(len(one) == 32 for one in made)


@given(PARTS, PARTS)
def test_two_lists_of_parts_never_read_alike(a: list[str | int], b: list[str | int]) -> None:
    assert (ids.digest(*a) == ids.digest(*b)) == (a == b)


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=6))
def test_the_order_of_parameters_does_not_matter(params: dict[str, int]) -> None:
    assert ids.params_id(params) == ids.params_id(dict(reversed(params.items())))
