"""A partner's feed: what its merchants' feeds say, in one order. Written behind them, under the partner's own lock."""

from collections.abc import Sequence
from uuid import UUID

from recoup.store.homes import HUB, MERCHANT
from recoup.store.statement import Read, Row, Tx, statement


class _Heard(Row, frozen=True):
    """`number`: up to where the merchant's own feed goes."""

    partner_id: UUID
    merchant_id: UUID
    number: int


async def partners_behind(db: Read) -> list[UUID]:
    """Whose merchants' feeds have gone on. With a loose eye on the merchants' side: their own numbers are without gaps,
    so that what is behind is complete."""
    return list(dict.fromkeys(partner_id for partner_id, _, _ in await _behind(db, None)))


async def _behind(db: Read, partner_id: UUID | None) -> list[tuple[UUID, UUID, int]]:
    """Partner, merchant, and up to where it is in the partner's feed. None: of all partners."""
    heard = await _heard(db, partner_id)
    reached = {(one.partner_id, one.merchant_id): one.number for one in await _reached(db, partner_id)}
    keys = ((one.partner_id, one.merchant_id, one.number) for one in heard)
    return [
        (partner, merchant, at)
        for partner, merchant, number in keys
        if number > (at := reached.get((partner, merchant), 0))
    ]


@statement(
    MERCHANT,
    """
SELECT p.partner_id, p.merchant_id, c.number FROM heard_by_partners p JOIN closers c USING (merchant_id)
WHERE ($1::uuid IS NULL OR p.partner_id = $1) AND c.number > 0
""",
)
async def _heard(db: Read, partner_id: UUID | None) -> list[_Heard]: ...


@statement(
    HUB,
    "SELECT partner_id, merchant_id, number FROM partner_reached WHERE $1::uuid IS NULL OR partner_id = $1",
)
async def _reached(db: Read, partner_id: UUID | None) -> list[_Heard]: ...


@statement(HUB, "INSERT INTO partner_closers (partner_id) VALUES ($1) ON CONFLICT DO NOTHING")
async def _begin(db: Tx, partner_id: UUID) -> None: ...


@statement(HUB, "SELECT number FROM partner_closers WHERE partner_id = $1 FOR UPDATE SKIP LOCKED")
async def _lock(db: Tx, partner_id: UUID) -> int | None: ...


class _Event(Row, frozen=True):
    merchant_id: UUID
    number: int


# In the order in which events were recorded, as far as each merchant's own order lets them.
@statement(
    MERCHANT,
    """
SELECT merchant_id, number FROM (
  SELECT m.merchant_id, f.number, max(f.recorded_at) OVER (PARTITION BY m.merchant_id ORDER BY f.number) AS at
  FROM unnest($1::uuid[], $2::bigint[]) AS m (merchant_id, reached) CROSS JOIN LATERAL (
    SELECT f.number, b.recorded_at FROM feed f
    JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
    WHERE f.merchant_id = m.merchant_id AND f.number > m.reached ORDER BY f.number LIMIT $3) f
  ) found
ORDER BY at, merchant_id, number LIMIT $3
""",
)
async def _fresh(db: Read, merchants: Sequence[UUID], reached: Sequence[int], limit: int) -> list[_Event]: ...


@statement(HUB, "SELECT feed_partner($1, $2, $3)")
async def _feed(db: Tx, partner_id: UUID, merchants: Sequence[UUID], numbers: Sequence[int]) -> None: ...


async def feed_partner(db: Tx, partner_id: UUID, limit: int) -> int:
    """Answers how many events it has now besides. None while another process does it."""
    await _begin(db, partner_id)
    if await _lock(db, partner_id) is None:
        return 0
    behind = await _behind(db, partner_id)
    if not behind:
        return 0
    fresh = await _fresh(db, [merchant for _, merchant, _ in behind], [reached for _, _, reached in behind], limit)
    if fresh:
        await _feed(db, partner_id, [one.merchant_id for one in fresh], [one.number for one in fresh])
    return len(fresh)
