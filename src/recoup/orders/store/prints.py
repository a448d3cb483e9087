"""Prints of each order's card: what a merchant's own tables say of cards that are known to be
one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read
from recoup.kernel.feature import Place


@MERCHANT.statement("""
SELECT k.order_id, jsonb_agg(jsonb_build_object('merchant_id', b.merchant_id, 'acceptor_id', NULL,
  'until', NULL,
  'reason', b.kind))
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS k (merchant_id, order_id, card_id)
JOIN blocks b ON b.merchant_id = k.merchant_id AND b.subject_id = k.card_id
WHERE b.kind = 'card' AND b.lifted_at IS NULL GROUP BY 1
""")
async def blocks_of_prints(
    db: Read, merchants: Sequence[UUID], orders: Sequence[UUID], cards: Sequence[UUID]
) -> dict[UUID, list[object]]:
    """A merchant's own block of a card holds for all prints of it."""


@MERCHANT.statement("""
SELECT k.order_id, jsonb_build_object('approvals', sum(c.approvals),
  'first_network_id', (array_agg(c.first_network_id ORDER BY c.first_at)
    FILTER (WHERE c.first_network_id IS NOT NULL))[1],
  'latest_network_id', (array_agg(c.latest_network_id ORDER BY c.latest_at DESC)
    FILTER (WHERE c.latest_network_id IS NOT NULL))[1])
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS k (merchant_id, order_id, pan_id)
CROSS JOIN LATERAL (SELECT r.* FROM card_results r
  WHERE r.merchant_id = k.merchant_id AND r.pan_id = k.pan_id OFFSET 0) c
GROUP BY 1
""")
async def kept_of_prints(
    db: Read, merchants: Sequence[UUID], orders: Sequence[UUID], cards: Sequence[UUID]
) -> dict[UUID, object]:
    """Ids that all prints of each order's card left, as `orders.rules.consent.KeptIds`: the number
    that a new one took the place of has its customer's consent. Nothing where no charge of them was
    approved."""


OfPrints = Callable[
    [Read, Sequence[UUID], Sequence[UUID], Sequence[UUID]], Awaitable[dict[UUID, object]]
]
OF_PRINTS: Final = Place[tuple[str, OfPrints]](
    "of_prints"
)  # a facet's name; it by order, for cards of several prints


async def facets_of_prints(
    db: Read,
    joined: Sequence[tuple[UUID, UUID, UUID]],
    alone: Mapping[tuple[UUID, UUID], Mapping[str, object] | None],
) -> dict[UUID, dict[str, object]]:
    """Facets that features know of each order under all prints of its card. `alone`: under its own
    print."""
    facets = {key[1]: dict(alone[key] or {}) for key in {row[:2] for row in joined}}
    for name, of_prints in OF_PRINTS:
        known = await of_prints(db, *map(list, zip(*joined, strict=True)))
        for order_id, value in known.items():
            facets[order_id][name] = value
    return facets
