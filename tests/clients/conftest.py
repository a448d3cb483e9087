"""The doors of both APIs, each over a world of its own."""

from tests.doors.rescue.conftest import door, shop
from tests.doors.stablecoin.conftest import stable_door

__all__ = ["door", "shop", "stable_door"]
