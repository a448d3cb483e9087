"""Substitutes for the card that an attempt may be sent by, where a feature brings them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.kernel.feature import Place
from recoup.networks.codes import Reading
from recoup.orders.moves.change import Change
from recoup.orders.rules.decision import Decision
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.processors.rules.credential import TokenState

Made = tuple[Decision, UUID]  # with the id that it is stored under


class InPlace(NamedTuple):
    """Hooks for a token in the card's place, under the locks: `chosen` by which token an attempt
    goes, `shown` what says which number must be hidden in texts, `gone` how a decline that speaks
    of a token alone is decided, given how the answer says that it stands."""

    chosen: Callable[[Order, Attempt, datetime], UUID | None]
    shown: Callable[[Order], Any]
    gone: Callable[[Change, Attempt, Reading, TokenState | None], Callable[[], Made] | None]


IN_PLACE: Final = Place[InPlace]("in_place")
