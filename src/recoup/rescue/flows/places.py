"""Places where features add to flows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.db.pool import Database
from recoup.db.statement import Tx
from recoup.kernel.feature import Place
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import Clocks
from recoup.kit.proofs.walk import Difference
from recoup.kit.world import World
from recoup.merchants.store.merchants import MerchantSettings
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.orders.store.due_work import Due
from recoup.orders.store.intake import NewOrder
from recoup.processors.gateways.channels import Channel
from recoup.processors.gateways.credential import Credential
from recoup.processors.gateways.outcome import Outcome
from recoup.rescue.flows.locked import Orders
from recoup.rescue.store.transmissions import Touched, Transmission

Flow = Callable[[World, Orders, Due], Awaitable[object]]
AfterTransmission = Callable[
    [World, Orders, Transmission, list[Touched], Scope, bool], Awaitable[None]
]
BeforeErasure = Callable[[Tx, UUID, Sequence[UUID], datetime], Awaitable[None]]
Intake = Callable[[World, MerchantSettings, NewOrder], Awaitable[NewOrder]]

DUE: Final = Place[Mapping[str, Flow]]("due")  # by kind of due work
INTAKE: Final = Place[Intake]("intake")  # completes a stablecoin charge before it is admitted
AFTER_TRANSMISSION: Final = Place[AfterTransmission](
    "after_transmission"
)  # of what a merchant charged by itself
BEFORE_ERASURE: Final = Place[BeforeErasure]("before_erasure")  # which orders lose who paid them
# For `recoup doctor`: what is wrong, the finding and its cure. For `recoup verify --chain`: what
# differs.
CHECKS: Final = Place[Callable[[World], Awaitable[list[tuple[str, str, str]]]]]("checks")
BALANCES: Final = Place[Callable[[World], Awaitable[list[Difference]]]]("balances")
# The channels of a world, by code.
GATEWAYS: Final = Place[Callable[[str, Database, Clocks], Mapping[str, Channel]]]("gateways")
# The engine's: a night's training, as columns of its line; the model of simulated customers taken
# where none was chosen, or the given one, moved to today, which answers its name.
TRAIN: Final = Place[Callable[[World, str], Awaitable[Mapping[str, Any]]]]("train")
TAKE_FIRST: Final = Place[Callable[[World, Actor, bytes | None], Awaitable[str | None]]](
    "take_first"
)


class SentBy(NamedTuple):
    """Feature hooks for a credential in a card's place: `opened` gives what an attempt is sent
    with, None where that cannot be used; `keep_news` keeps what an answer says of it."""

    opened: Callable[[World, Order, Attempt], Awaitable[Credential | None]]
    keep_news: Callable[[World, Order, Attempt, Outcome], Awaitable[None]]


SENT_BY: Final = Place[SentBy]("sent_by")
