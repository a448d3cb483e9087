"""Chunks of the operator's limit become room in a merchant's slots, or go back."""

from dataclasses import replace
from uuid import UUID

from recoup.rules.money import exposure
from recoup.store.statement import Tx
from recoup.store.write.changes import Rows, write
from recoup.store.write.exposure import draw, lock_slots, lock_terms, write_slots


async def allot(tx: Tx, merchant_id: UUID, asset: str) -> None:
    """Without terms nothing happens."""
    terms = await lock_terms(tx, merchant_id, asset)
    if terms is None:
        return
    slots = tuple(await lock_slots(tx, merchant_id, asset))
    others = terms.operator_drawn_units - terms.drawn_units
    limits = replace(terms.limits, chunk_units=max(1, terms.limits.chunk_units))
    filled = exposure.allot(slots, limits, terms.operator_limit_units - others)
    await write_slots(tx, merchant_id, asset, [s for s in filled if s not in slots])
    total = sum(s.allotted for s in filled)
    await draw(tx, merchant_id, asset, total, total - terms.drawn_units)


async def allotted(tx: Tx, merchant_id: UUID) -> None:
    rows = Rows()
    rows.due_done.append({"merchant_id": merchant_id, "kind": "allot", "subject_id": merchant_id})
    await write(tx, rows)
