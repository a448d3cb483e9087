"""What a feature with channels shows of the stablecoin orders that are paid by them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from recoup.core.kit.feature import Place

if TYPE_CHECKING:
    from recoup.doors.checkout.visit import Visit
    from recoup.doors.stablecoin.resource import Services
    from recoup.doors.stablecoin.shapes import Instruction, Payment
    from recoup.flows.world import World
    from recoup.store.stable.stable_orders import StableOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying:
    """The feature's `PAYING`. Of an order of another channel each answers None.

    `instruction`: how the payer pays. `payment`: what came so far: nothing for one that is `fresh`. `page`: the hosted
    page. `wallets`: where the merchant's money goes, by kind of chain."""

    instruction: "Callable[[Services, StableOrder], Instruction | None]"
    payment: "Callable[[World, StableOrder, Payment, bool], Awaitable[Payment | None]]"
    page: "Callable[[Visit, StableOrder], Awaitable[Any]]"
    wallets: "Callable[[World, UUID], Awaitable[Mapping[str, str]]]"


PAYING: Final = Place[str]("paying")  # the module of a `PAYING`


def paying() -> tuple[Paying, ...]:
    """Of the features that have channels. Their modules import doors, and are loaded when a door asks."""
    return tuple(import_module(module).PAYING for module in PAYING)
