"""What an attempt may be sent by in its card's place, where a feature brings that."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from recoup.core.kit.feature import Place

if TYPE_CHECKING:
    from recoup.flows.world import World
    from recoup.gateways.cards.credential import Credential
    from recoup.gateways.cards.outcome import Outcome
    from recoup.moves.change import Change
    from recoup.rules.network.codes import Reading
    from recoup.rules.order.credential import TokenState
    from recoup.rules.order.snapshot import Attempt, Order
    from recoup.rules.rescue.evidence import Decision

    Made = tuple[Decision, UUID]  # with the id that it is stored under


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InPlace:
    """Under the locks: `chosen` by which token an attempt goes, `shown` what says which number must be hidden in
    texts, `gone` how a decline that speaks of a token alone is decided, given how the answer says that it stands.
    Outside: `opened` what it is sent with, None where that cannot be used; `keep_news` keeps what an answer says of
    the token."""

    chosen: "Callable[[Order, Attempt, datetime], UUID | None]"
    shown: "Callable[[Order], Any]"
    gone: "Callable[[Change, Attempt, Reading, TokenState | None], Callable[[], Made] | None]"
    opened: "Callable[[World, Order, Attempt], Awaitable[Credential | None]]"
    keep_news: "Callable[[World, Order, Attempt, Outcome], Awaitable[None]]"


IN_PLACE: Final = Place[InPlace]("in_place")


def in_place() -> InPlace | None:
    """The first feature's."""
    return IN_PLACE.first()
