"""The client as it is made today, and the doors of both APIs, each over a world of its own."""

from tests.doors.rescue.conftest import door, shop
from tests.doors.stablecoin.conftest import stable_door

from make_client import main

main()  # before a test imports it

__all__ = ["door", "shop", "stable_door"]
