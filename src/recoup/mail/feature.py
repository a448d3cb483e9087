"""Mail: what it adds to places below it."""

from datetime import timedelta
from typing import Final

from recoup.kernel.feature import Feature
from recoup.kit.upkeep import AT_ONCE, FORGET
from recoup.mail.store.contacts import forget_contacts

CONTACTS_KEPT: Final = timedelta(days=400)  # beyond every budget and every order's end
MAIL: Final = Feature(
    name="mail",
    adds=(FORGET(lambda db, wall: forget_contacts(db, wall - CONTACTS_KEPT, AT_ONCE)),),
)
