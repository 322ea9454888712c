from __future__ import annotations

import pytest

from tests.unit.router.native import World


@pytest.fixture
def world() -> World:
    return World()
