"""The sandbox's first merchant, and the demo's, whose clock catches up while the demo plays."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.kit.world import World

DEMO_DAYS: Final = 90  # that the demo plays
_ON_TIME: Final = timedelta(minutes=5)


def bootstrap_merchant(world: World) -> UUID:
    merchant_id: UUID = world.keys.derived_id("bootstrap", "merchant")
    return merchant_id


def demo_merchant(world: World) -> UUID:
    merchant_id: UUID = world.keys.derived_id("bootstrap", "demo")
    return merchant_id


def demo_played(world: World, merchant_id: UUID, offset: timedelta) -> float | None:
    """The share of the demo that is over, by how far its merchant's clock is behind. None: of
    another merchant, or it is over."""
    behind = -offset
    if behind < _ON_TIME or not world.policy.test_mode or merchant_id != demo_merchant(world):
        return None
    return max(0.0, 1 - behind / timedelta(days=DEMO_DAYS))
