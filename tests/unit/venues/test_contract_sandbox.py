"""The contract of a trading venue, on the sandbox in memory: with client ids, and without."""

from __future__ import annotations

import pytest

from tests.unit.venues.contract.account import Accounts
from tests.unit.venues.contract.line import Lines
from tests.unit.venues.contract.orders import Orders
from tests.unit.venues.contract.sandboxes import LITTLE, LoopbackWorld
from tests.unit.venues.contract.terms import Terms
from tests.unit.venues.contract.world import World


class TestSandbox(Orders, Terms, Accounts, Lines):
    @pytest.fixture
    def world(self) -> World:
        return LoopbackWorld()


class TestSandboxWithoutClientIds(Orders, Terms, Accounts, Lines):
    @pytest.fixture
    def world(self) -> World:
        return LoopbackWorld(client_ids=False)


class TestSandboxWithFeesInAToken(Accounts):
    @pytest.fixture
    def world(self) -> World:
        return LoopbackWorld(fee_asset="FEE")


class TestSandboxThatOffersLittle(Orders, Terms, Accounts):
    @pytest.fixture
    def world(self) -> World:
        return LoopbackWorld(able=LITTLE)
