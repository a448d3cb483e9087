"""The feed of a partner: the rescue API's events of all its merchants, in one order."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from recoup.store.homes import HUB, MERCHANT
from recoup.store.read.feed import FeedLine
from recoup.store.statement import Read, Row, statement

PLACES_AT_ONCE: Final = 1000


@statement(HUB, "SELECT coalesce((SELECT number FROM partner_closers WHERE partner_id = $1), 0)")
async def last_partner_number(db: Read, partner_id: UUID) -> int:
    """Of the newest event in the partner's feed; 0 while there is none."""


async def partner_feed_page(
    db: Read, partner_id: UUID, after: int, until: int, events: Sequence[str] | None, limit: int
) -> list[FeedLine]:
    """As `feed_page`, over all merchants of the partner."""
    lines: list[FeedLine] = []
    while after < until and len(lines) < limit:
        missing = limit - len(lines)
        places = await _places(db, partner_id, after, until, PLACES_AT_ONCE if events else missing)
        if not places:
            break
        lines += await _lines(
            db,
            [place.number for place in places],
            [place.merchant_id for place in places],
            [place.merchant_number for place in places],
            events,
            missing,
        )
        after = places[-1].number
    return lines


class _Place(Row, frozen=True):
    number: int
    merchant_id: UUID
    merchant_number: int


@statement(
    HUB,
    """
SELECT number, merchant_id, merchant_number FROM partner_feed
WHERE partner_id = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT $4
""",
)
async def _places(db: Read, partner_id: UUID, after: int, until: int, limit: int) -> list[_Place]: ...


@statement(
    MERCHANT,
    """
SELECT p.number, f.merchant_id, f.subject_id, f.seq, f.event_id, f.event, b.subject_kind, b.body,
  b.business_at, o.site_id, o.external_id
FROM unnest($1::bigint[], $2::uuid[], $3::bigint[]) AS p (number, merchant_id, merchant_number)
JOIN feed f ON f.merchant_id = p.merchant_id AND f.number = p.merchant_number
JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
LEFT JOIN orders o ON o.merchant_id = f.merchant_id AND o.order_id = f.subject_id
WHERE $4::text[] IS NULL OR f.event = ANY($4)
ORDER BY p.number LIMIT $5
""",
)
async def _lines(
    db: Read,
    numbers: Sequence[int],
    merchants: Sequence[UUID],
    merchant_numbers: Sequence[int],
    events: Sequence[str] | None,
    limit: int,
) -> list[FeedLine]: ...
