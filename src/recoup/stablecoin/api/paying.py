"""Views that a feature with channels gives of the stablecoin orders that are paid by them."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING
from uuid import UUID

from recoup.kit.world import World
from recoup.stablecoin.api.places import PAYING
from recoup.stablecoin.api.resource import Services
from recoup.stablecoin.store.stable_orders import StableOrder

if TYPE_CHECKING:
    from recoup.stablecoin.api.shapes import Instruction, Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying:
    """The feature's `PAYING`. Of an order of another channel each answers None.

    `instruction`: how the payer pays. `payment`: what came so far: nothing for one that is `fresh`.
    `wallets`: where the merchant's money goes, by kind of chain."""

    instruction: "Callable[[Services, StableOrder], Instruction | None]"
    payment: "Callable[[World, StableOrder, Payment, bool], Awaitable[Payment | None]]"
    wallets: Callable[[World, UUID], Awaitable[Mapping[str, str]]]


def paying() -> Iterator[Paying]:
    """Views of the features that have channels. Their modules import doors, and are loaded when a
    door asks."""
    return (import_module(module).PAYING for module in PAYING)
