"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# a busy machine is slow now and then: no test may fail for it
settings.register_profile("edgedesk", deadline=None)
settings.load_profile("edgedesk")
