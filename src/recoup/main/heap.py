"""The collector of reference cycles: what is there after the start stays, and what a call, or a
batch of a file, makes is mostly gone before the collector looks."""

import gc
from typing import Final

NEW_OBJECTS: Final = (
    20_000  # between two looks at what is new; Python's own 700 are a look or more in each call
)
YOUNG_LOOKS: Final = 20
OLD_LOOKS: Final = 50


def hold_collector() -> None:
    """Holds the collector while a process starts, which makes much and throws little away: until
    `settle_heap`."""
    gc.disable()


def settle_heap() -> None:
    """Settles the heap once, after the start: from here on the objects that are there are looked at
    no more. Nearly all of them stay."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(NEW_OBJECTS, YOUNG_LOOKS, OLD_LOOKS)
