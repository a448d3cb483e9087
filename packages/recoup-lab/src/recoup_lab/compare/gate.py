"""The network gate before every arm's send: the product's own `may_send`, asked only where it could
refuse.

A card none of whose sends brought a ban that may still hold, and whose sends of all amounts
together fill no window, is allowed without asking; that is so for most sends, and a hundred times
as quick.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from recoup.networks.codes import Reading
from recoup.networks.limits import (
    LOOKBACK,
    Refused,
    Send,
    Wish,
    binds_for_ever,
    may_send,
    span_of,
    triggers,
)
from recoup.networks.tables import LIMITS
from recoup_lab.world.port import HistoryRow, WorldOrder

ACCEPTOR: Final = "compare"
MERCHANT: Final = "compare"
_NO_TIME: Final = timedelta(0)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)
_BANS: Final = [row for row in LIMITS if row.maximum_sends == 0 and span_of(row) is not None]


@dataclass(slots=True)
class CardSends:
    """A card's known sends over all its orders, in the order of time."""

    scheme: str
    sends: list[Send] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    for_ever: list[Send] = field(default_factory=list)  # those of them that bind without end
    banned_until: datetime = _NEVER

    def add(self, send: Send) -> None:
        place = bisect_right(self.times, send.at)
        self.times.insert(place, send.at)
        self.sends.insert(place, send)
        ban = _ban(
            self.scheme, send.declined, send.visa_category, send.advice, send.code, send.klass
        )
        if ban is not None:
            self.banned_until = max(self.banned_until, send.at + ban if ban else _FOR_EVER)
            self.for_ever += [] if ban else [send]

    def remove(self, send: Send) -> None:
        place = self.sends.index(send)
        del self.sends[place], self.times[place]

    def copy(self) -> "CardSends":
        return CardSends(
            self.scheme,
            self.sends.copy(),
            self.times.copy(),
            self.for_ever.copy(),
            self.banned_until,
        )

    def refusal(self, order: WorldOrder, now: datetime) -> Refused | None:
        """The gate's refusal; None where one more send of the order may leave now."""
        if self.banned_until <= now and not self._may_be_full(now):
            return None
        recent = bisect_right(self.times, now - LOOKBACK)
        older = [one for one in self.for_ever if one.at <= now - LOOKBACK]
        verdict = may_send(
            self.scheme,
            older + self.sends[recent:],
            now,
            Wish(
                units=order.amount,
                currency=order.currency,
                initiator="merchant",
                acceptor_id=ACCEPTOR,
                merchant_id=MERCHANT,
            ),
        )
        return verdict if isinstance(verdict, Refused) else None

    def _may_be_full(self, now: datetime) -> bool:
        """True when some window holds as many sends as it may, of whatever amount and acceptor."""
        for span, most in _windows(self.scheme, now.date()):
            if (
                len(self.times) >= most
                and len(self.times) - bisect_right(self.times, now - span) >= most
            ):
                return True
        return False


def send_of(
    order: WorldOrder | HistoryRow, at: datetime, reading: Reading | None, *, declined: bool | None
) -> Send:
    return Send(
        at,
        order.amount,
        order.currency,
        "merchant",
        ACCEPTOR,
        MERCHANT,
        declined=declined,
        visa_category=reading.visa_category if reading else None,
        advice=reading.advice if reading else None,
        code=reading.code if reading else None,
        klass=reading.klass if reading else None,
    )


@lru_cache(maxsize=4_096)
def _windows(scheme: str, on: date) -> tuple[tuple[timedelta, int], ...]:
    """Windows that bind worldwide on that day; without any, one that is always full."""
    rows = [
        row
        for row in LIMITS
        if row.scheme == scheme and row.key != "acceptor" and row.maximum_sends > 0
    ]
    valid = [row for row in rows if row.region == "world" and row.valid_from <= on <= row.valid_to]
    return tuple((timedelta(hours=row.window_hours or 0), row.maximum_sends) for row in valid) or (
        (LOOKBACK, 0),
    )


@lru_cache(maxsize=4_096)
def _ban(
    scheme: str,
    declined: bool | None,
    visa_category: int | None,
    advice: str | None,
    code: str | None,
    klass: str | None,
) -> timedelta | None:
    """A bound: no ban by a send with such an answer lasts longer. Zero: without end. None: none."""
    if not declined:
        return None
    send = Send(
        _NEVER,
        0,
        "",
        "merchant",
        ACCEPTOR,
        MERCHANT,
        declined=True,
        visa_category=visa_category,
        advice=advice,
        code=code,
        klass=klass,
    )
    if binds_for_ever(scheme, send):
        return timedelta(0)
    return max(
        (span_of(row) or _NO_TIME for row in _BANS if row.scheme == scheme and triggers(row, send)),
        default=None,
    )
