"""What people add to rooms below."""

from datetime import timedelta
from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.people.second_factor import OFFER_LASTS
from recoup.flows.people.sessions import IDLE
from recoup.flows.people.sign_in import SIGN_UP_GOES_ON
from recoup.flows.upkeep import FORGET_PEOPLE
from recoup.kernel.time import WallTime
from recoup.store.people.account_log import forget_over
from recoup.store.people.password_links import forget_old_links
from recoup.store.statement import Tx

ASKS_KEPT: Final = timedelta(days=1)  # for a new password


async def _forget_sessions(db: Tx, wall: WallTime) -> None:
    await forget_over(db, wall, wall - IDLE, wall - OFFER_LASTS, wall - SIGN_UP_GOES_ON)


PEOPLE: Final = Feature(
    name="people",
    adds=(
        FORGET_PEOPLE(_forget_sessions),
        FORGET_PEOPLE(lambda db, wall: forget_old_links(db, wall, wall - ASKS_KEPT)),
    ),
)
