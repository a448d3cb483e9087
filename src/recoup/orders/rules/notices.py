"""Mail to payers: which happenings make one, and who sends it by default.

Merchants usually send receipts themselves, so those are
off until they are wanted; what only we can say is on. Source: decision 0024.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple


class Notice(NamedTuple):
    """`happenings`: lines of the order's log that make one."""

    name: str
    meaning: str
    happenings: tuple[str, ...]
    on: bool


NOTICES: Final = (
    Notice(
        "receipt",
        "the card was charged",
        ("collected", "captured", "capture_ended", "parts_kept", "charged"),
        False,
    ),
    Notice("refunded", "a refund was made", ("refund_owed",), False),
    Notice(
        "charge_coming", "the order is confirmed, its charge follows later", ("advanced",), True
    ),
    Notice(
        "payment_link",
        "nothing more is planned, or the decline needs the customer: a link to pay; by day, at "
        "most two an order and"
        " four in 30 days, with a link to unsubscribe",
        ("challenge_offered",),
        False,
    ),
    Notice(
        "payment_link_early",
        "with the payment link: the rescue engine may send it earlier, in addition to retries, "
        "where that is worth a"
        " contact",
        (),
        False,
    ),
    Notice(
        "payment_link_sms",
        "with the payment link: by SMS where the customer left no e-mail address, and as the "
        "second message of an"
        " order; to numbers with their country's code",
        (),
        False,
    ),
    Notice(
        "challenge", "a decline that needs the customer: the link", ("challenge_offered",), True
    ),
)
NAMES: Final = tuple(notice.name for notice in NOTICES)
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)


def notice_of(happening: str, settings: Mapping[str, bool]) -> str | None:
    """The notice that this happening makes for a merchant with these settings: the first that is
    on."""
    made = (
        notice
        for notice in NOTICES
        if happening in notice.happenings and settings.get(notice.name, notice.on)
    )
    return next((notice.name for notice in made), None)


def switched(settings: Mapping[str, bool]) -> dict[str, bool]:
    return {notice.name: settings.get(notice.name, notice.on) for notice in NOTICES}


def is_address(text: str) -> bool:
    """A plain e-mail address that cannot be read as anything else."""
    return len(text) <= 254 and ".." not in text and _ADDRESS.fullmatch(text) is not None
