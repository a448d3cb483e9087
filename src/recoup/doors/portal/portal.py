"""What every page of the portal has at hand."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from starlette.routing import BaseRoute

from recoup.doors.portal.at_once import AtOnce
from recoup.doors.portal.orders.turns import Turns
from recoup.doors.portal.partition_watch import PartitionWatch
from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.uploads.row import Reader
from recoup.flows.locked import Orders
from recoup.flows.merchant_cache import Merchants
from recoup.flows.messages.deliver import Deliveries
from recoup.flows.people.passwords import Passwords
from recoup.flows.world import World


@dataclass(frozen=True, slots=True)
class Portal:
    """Of one running portal."""

    world: World
    orders: Orders
    merchants: Merchants
    passwords: Passwords
    readers: Mapping[str, Reader]  # of files, by kind
    evaluate: Evaluate  # of declines that are simulated
    deliveries: Deliveries  # of what a moved clock makes
    at_once: AtOnce = field(default_factory=AtOnce)  # pages of one person
    files: Turns = field(default_factory=Turns)  # of orders, that are read now
    partitions: PartitionWatch = field(default_factory=PartitionWatch)
    moving: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)  # clocks on their way, by merchant
    one_clock: asyncio.Lock = field(default_factory=asyncio.Lock)  # held by the move that is being made
    pages: list[BaseRoute] = field(default_factory=list)  # all of them, filled in when they are made
