"""Which past attempts count as sends of a card that we hold. A merchant claims them, so they bind that merchant alone.

A file is often of payments that came to us otherwise, too: an attempt beside a send of the same card and amount is that
send. What no window reaches any more is left out, unless its answer forbids the card for good.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from recoup.rules.network.limits import LOOKBACK

Counted = Literal["sent", "known", "old", "more", "not_sent"]
BESIDE: Final = timedelta(seconds=60)  # clocks of a merchant, its processor and ours differ
CARD_MAX: Final = 200  # of one card; every window is long full


class CountedSend(NamedTuple):
    """A send of the merchant's that counts already. `imported`: by a file."""

    send_id: UUID
    at: datetime
    units: int
    currency: str
    imported: bool


class Candidate(NamedTuple):
    """An attempt that names a card. `is_sent`: whether a card went out. `lasting`: its answer binds longer than any
    window. `is_counted`: it counts since an earlier file, and may say more now."""

    at: datetime
    units: int
    currency: str
    is_sent: bool
    lasting: bool
    is_counted: bool


def counted_as(one: Candidate, now: datetime, sends: Sequence[CountedSend]) -> Counted:
    """`sends`: of the same card and merchant, as far as a window reaches. Never raises."""
    if one.is_counted:
        return "sent"
    if not one.is_sent:
        return "not_sent"
    if one.at <= now - LOOKBACK and not one.lasting:
        return "old"
    if any(_is_same(one, send) for send in sends):
        return "known"
    return "sent" if _imported(sends) < CARD_MAX else "more"


def _is_same(one: Candidate, send: CountedSend) -> bool:
    return (
        not send.imported
        and (one.units, one.currency) == (send.units, send.currency)
        and abs(one.at - send.at) <= BESIDE
    )


def _imported(sends: Iterable[CountedSend]) -> int:
    return sum(send.imported for send in sends)
