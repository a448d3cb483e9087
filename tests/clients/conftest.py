"""The client as it is made today, and the doors of both APIs, each over a world of its own."""

from tests.api_door import door, shop
from tests.stablecoin.conftest import stable_door

from make_client import main

main()  # before a test imports it

__all__ = ["door", "shop", "stable_door"]
