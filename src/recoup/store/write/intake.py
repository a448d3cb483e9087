"""The coalesced admission of orders: one function, inserts only."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from recoup.store.homes import MERCHANT
from recoup.store.statement import Row, Tx, statement


class AdmittedCard(Row, frozen=True):
    """The card of an order that now exists; of a stablecoin order there is none."""

    order_id: UUID
    card_id: UUID | None
    pan_id: UUID | None
    scheme: str | None
    bin: str | None


@statement(
    MERCHANT,
    """
SELECT admitted AS order_id, card AS card_id, pan AS pan_id, card_scheme AS scheme, card_bin AS bin
FROM admit_orders($1, $2)
""",
)
async def _admit(db: Tx, rows: Sequence[dict[str, Any]], recent: UUID) -> dict[UUID, AdmittedCard]: ...


class Raced(Exception):
    """Another call took one of the keys or order ids in between; nothing was written."""


async def admit(db: Tx, rows: Sequence[dict[str, Any]], recent: UUID) -> dict[UUID, AdmittedCard]:
    """Admits what is new; answers the orders that now exist, by id, each with its card.

    Transmissions from the id `recent` on are looked at for a success that came before its decline.

    Raises: Raced, with nothing written, when a race makes the set undecidable.
    """
    try:
        return await _admit(db, rows, recent)
    except asyncpg.RaiseError:
        raise Raced from None
