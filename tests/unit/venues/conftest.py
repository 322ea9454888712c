"""The contract's own files assert, as tests do."""

import pytest

pytest.register_assert_rewrite("tests.unit.venues.contract")
