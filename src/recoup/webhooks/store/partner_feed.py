"""The feed of a partner: the rescue API's events of all its merchants, in one order. Written behind
theirs, under the partner's own lock."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from recoup.db.statement import HUB, MERCHANT, Read, Row, Tx, columns_of
from recoup.merchants.store.partners import begin_feed
from recoup.orders.store.rows import OutboxEvent
from recoup.webhooks.store.feed import FeedLine

PLACES_AT_ONCE: Final = 1000


@HUB.statement("SELECT coalesce((SELECT number FROM partner_closers WHERE partner_id = $1), 0)")
async def last_partner_number(db: Read, partner_id: UUID) -> int:
    """Number of the newest event in the partner's feed; 0 while there is none."""


async def partner_feed_page(
    cells: Sequence[Read],
    partner_id: UUID,
    after: int,
    until: int,
    events: Sequence[str] | None,
    limit: int,
) -> tuple[list[FeedLine], bool]:
    """Page of the partner's feed, as `feed_page`, over all merchants of the partner; and whether
    each of them is seen there. `cells`: each has some of them, the first the numbers."""
    lines, named = list[FeedLine](), set[UUID]()
    while after < until and len(lines) < limit:
        missing = limit - len(lines)
        places = await _places(
            cells[0], partner_id, after, until, PLACES_AT_ONCE if events else missing
        )
        if not places:
            break
        named |= {place.merchant_id for place in places}
        fresh = [
            line
            for cell in cells
            for line in await _lines(
                cell,
                [place.number for place in places],
                [place.merchant_id for place in places],
                [place.merchant_number for place in places],
                events,
                missing,
            )
        ]
        lines += sorted(fresh, key=lambda line: line.number or 0)[:missing]
        after = places[-1].number
    return lines, named <= {line.merchant_id for line in lines}


class _Place(Row, frozen=True):
    number: int
    merchant_id: UUID
    merchant_number: int


@HUB.statement("""
SELECT number, merchant_id, merchant_number FROM partner_feed
WHERE partner_id = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT $4
""")
async def _places(
    db: Read, partner_id: UUID, after: int, until: int, limit: int
) -> list[_Place]: ...


@MERCHANT.statement(f"""
SELECT {columns_of(OutboxEvent, "b")}, p.number, o.site_id, o.external_id
FROM unnest($1::bigint[], $2::uuid[], $3::bigint[]) AS p (number, merchant_id, merchant_number)
JOIN feed f ON f.merchant_id = p.merchant_id AND f.number = p.merchant_number
JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
LEFT JOIN orders o ON o.merchant_id = f.merchant_id AND o.order_id = f.subject_id
WHERE $4::text[] IS NULL OR f.event = ANY($4)
ORDER BY p.number LIMIT $5
""")
async def _lines(
    db: Read,
    numbers: Sequence[int],
    merchants: Sequence[UUID],
    merchant_numbers: Sequence[int],
    events: Sequence[str] | None,
    limit: int,
) -> list[FeedLine]: ...


class _Heard(Row, frozen=True):
    """`number`: up to where the merchant's own feed goes."""

    partner_id: UUID
    merchant_id: UUID
    number: int


async def partners_behind(db: Read) -> list[UUID]:
    """Partners whose merchants' feeds have gone on. With a loose eye on the merchants' side: their
    own numbers are without gaps, so that what is behind is complete."""
    return list(dict.fromkeys(partner_id for partner_id, _, _ in await _behind(db, None)))


async def _behind(db: Read, partner_id: UUID | None) -> list[tuple[UUID, UUID, int]]:
    """Partner, merchant, and up to where it is in the partner's feed. None: of all partners."""
    heard = await _heard(db, partner_id)
    reached = {
        (row.partner_id, row.merchant_id): row.number for row in await _reached(db, partner_id)
    }
    keys = ((row.partner_id, row.merchant_id, row.number) for row in heard)
    return [
        (partner, merchant, at)
        for partner, merchant, number in keys
        if number > (at := reached.get((partner, merchant), 0))
    ]


@MERCHANT.statement("""
SELECT p.partner_id, p.merchant_id, c.number FROM heard_by_partners p
  JOIN closers c USING (merchant_id)
WHERE ($1::uuid IS NULL OR p.partner_id = $1) AND c.number > 0
""")
async def _heard(db: Read, partner_id: UUID | None) -> list[_Heard]: ...


@HUB.statement(
    "SELECT partner_id, merchant_id, number FROM partner_reached WHERE $1::uuid IS NULL OR "
    "partner_id = $1"
)
async def _reached(db: Read, partner_id: UUID | None) -> list[_Heard]: ...


@HUB.statement("SELECT number FROM partner_closers WHERE partner_id = $1 FOR UPDATE SKIP LOCKED")
async def _lock(db: Tx, partner_id: UUID) -> int | None: ...


class _Event(Row, frozen=True):
    merchant_id: UUID
    number: int


# In the order in which events were recorded, as far as each merchant's own order lets them.
@MERCHANT.statement("""
SELECT merchant_id, number FROM (
  SELECT m.merchant_id, f.number, max(f.recorded_at) OVER (PARTITION BY m.merchant_id
    ORDER BY f.number) AS at
  FROM unnest($1::uuid[], $2::bigint[]) AS m (merchant_id, reached) CROSS JOIN LATERAL (
    SELECT f.number, b.recorded_at FROM feed f
    JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
    WHERE f.merchant_id = m.merchant_id AND f.number > m.reached ORDER BY f.number LIMIT $3) f
  ) found
ORDER BY at, merchant_id, number LIMIT $3
""")
async def _fresh(
    db: Read, merchants: Sequence[UUID], reached: Sequence[int], limit: int
) -> list[_Event]: ...


@HUB.statement("SELECT feed_partner($1, $2, $3)")
async def _feed(
    db: Tx, partner_id: UUID, merchants: Sequence[UUID], numbers: Sequence[int]
) -> None: ...


async def feed_partner(db: Tx, partner_id: UUID, limit: int) -> int:
    """Answers how many events it has now besides. None while another process does it."""
    await begin_feed(db, partner_id)
    if await _lock(db, partner_id) is None:
        return 0
    behind = await _behind(db, partner_id)
    if not behind:
        return 0
    fresh = await _fresh(
        db, [merchant for _, merchant, _ in behind], [reached for _, _, reached in behind], limit
    )
    if fresh:
        await _feed(
            db,
            partner_id,
            [event.merchant_id for event in fresh],
            [event.number for event in fresh],
        )
    return len(fresh)
