"""Payers' latest attempts, counted anew from what is kept of their payments and written down: twice
gives the same."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.ids import first_id_of
from recoup.kernel.time import WallTime
from recoup.rescue.rules.payer_looks import seen_of
from recoup.rescue.store.facts import PayerLooks, lock_facts, save_looks
from recoup.rescue.store.payer_sources import sources_of

TELLS: Final = timedelta(days=400)  # of a payer's rhythm; what is older says nothing


async def look_at(
    tx: Tx, merchant_id: UUID, payers: Iterable[UUID], region: str, wall: WallTime
) -> None:
    """Stores the looks of payers, under the lock of the merchant's facts, so that what is read
    later is written later."""
    rows = []
    for source in await sources_of(tx, merchant_id, sorted(payers), first_id_of(wall - TELLS)):
        seen = seen_of(source.orders or (), source.copies or (), region)
        if seen or source.kept:
            rows.append(
                PayerLooks(
                    merchant_id,
                    source.payer_id,
                    [look.at for look in seen],
                    [look.answer for look in seen],
                    [look.tries for look in seen],
                    [look.order_id for look in seen],
                    source.since,
                )
            )
    if rows:
        await save_looks(tx, rows)


async def look_again_at(tx: Tx, merchant_id: UUID, payer_id: UUID, wall: WallTime) -> None:
    """Looks at a payer again, as what was known of one of their payments has changed. Does nothing
    where no facts are kept."""
    facts = await lock_facts(tx, merchant_id)
    if facts is not None:
        await look_at(tx, merchant_id, {payer_id}, facts.region, wall)
