"""People: what they add to places below them."""

from datetime import timedelta
from typing import Final

from recoup.db.statement import Tx
from recoup.kernel.feature import Feature
from recoup.kernel.time import WallTime
from recoup.kit.upkeep import FORGET_PEOPLE
from recoup.people.flows.second_factor import OFFER_LASTS
from recoup.people.flows.sessions import IDLE
from recoup.people.flows.sign_in import SIGN_UP_GOES_ON
from recoup.people.store.account_log import forget_over
from recoup.people.store.password_links import forget_old_links

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
