"""The worker of the Desk object. Placeholder."""

from desk_object import Desk
from workers import WorkerEntrypoint

__all__ = ["Default", "Desk"]


class Default(WorkerEntrypoint):
    """Not reachable from outside."""
