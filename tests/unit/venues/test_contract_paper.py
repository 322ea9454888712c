"""The contract of a trading venue, on the paper venue: with stops that rest there, and without.

It lives with the desk, so there is no line that could fail: `Lines` is not for it."""

from __future__ import annotations

import pytest

from tests.unit.venues.contract.account import Accounts
from tests.unit.venues.contract.orders import Orders
from tests.unit.venues.contract.paper_world import PaperWorld
from tests.unit.venues.contract.terms import Terms
from tests.unit.venues.contract.world import World


class TestPaper(Orders, Terms, Accounts):
    @pytest.fixture
    def world(self) -> World:
        return PaperWorld()


class TestPaperWithRestingStops(Orders, Terms, Accounts):
    @pytest.fixture
    def world(self) -> World:
        return PaperWorld(resting_stops=True)
