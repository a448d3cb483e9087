"""Limits of refunds by people, and the lock of a person's day: taken after the order's, in one order."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.rules.money.refund_limits import Limits
from recoup.store.homes import MERCHANT
from recoup.store.statement import Tx, statement


async def lock_people(db: Tx, people: Sequence[tuple[UUID, str]]) -> None:
    """`people`: merchant and person, each once; a row is made where there is none."""
    merchants, names = zip(*people, strict=True)
    await _make(db, merchants, names)
    await _lock(db, merchants, names)


@statement(
    MERCHANT,
    """
INSERT INTO refund_people (merchant_id, person)
SELECT merchant_id, person FROM unnest($1::uuid[], $2::text[]) AS k (merchant_id, person) ORDER BY 1, 2
ON CONFLICT DO NOTHING
""",
)
async def _make(db: Tx, merchants: Sequence[UUID], people: Sequence[str]) -> None:
    """A row of each."""


@statement(
    MERCHANT,
    """
SELECT FROM refund_people p JOIN unnest($1::uuid[], $2::text[]) AS k (merchant_id, person)
  USING (merchant_id, person)
ORDER BY merchant_id, person FOR UPDATE OF p
""",
)
async def _lock(db: Tx, merchants: Sequence[UUID], people: Sequence[str]) -> None:
    """Until the transaction ends."""


async def set_limits(
    db: Tx, merchant_id: UUID, role: str, asset: str, limits: Limits, wall: datetime, actor: str
) -> None:
    """From the next refund on."""
    await _set(
        db,
        merchant_id,
        role,
        asset,
        limits.refund_max_units,
        limits.day_max_units,
        limits.second_from_units,
        wall,
        actor,
    )


@statement(
    MERCHANT,
    """
INSERT INTO refund_limits (merchant_id, role, asset, refund_max_units, day_max_units, second_from_units, changed_at,
  changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (merchant_id, role, asset) DO UPDATE SET refund_max_units = EXCLUDED.refund_max_units,
  day_max_units = EXCLUDED.day_max_units, second_from_units = EXCLUDED.second_from_units,
  changed_at = EXCLUDED.changed_at, changed_by = EXCLUDED.changed_by
""",
)
async def _set(
    db: Tx,
    merchant_id: UUID,
    role: str,
    asset: str,
    refund_max_units: int | None,
    day_max_units: int | None,
    second_from_units: int | None,
    wall: datetime,
    actor: str,
) -> None:
    """Made or changed."""
