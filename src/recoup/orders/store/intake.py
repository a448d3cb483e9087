"""The coalesced admission of orders: one function, inserts only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Row, Tx
from recoup.db.table import Hex
from recoup.orders.rules.kinds import Door, OrderKind
from recoup.orders.store.rows import DueKind, ListedOrder
from recoup.terms.rules.arm_terms import Arm


class NewOrder(ListedOrder, kw_only=True):
    """Order as `admit_orders` takes it. `merchant_version`: of the settings that it was made by.
    `happening`: its first line of the log. `decided`: later in the same transaction, which then
    writes head and due work. `arm_share`: percent, where retry policies left less than is set."""

    merchant_id: UUID
    merchant_version: int
    operation: Literal["evaluate", "charge"]
    key: str
    input_mac: Hex
    answer: dict[str, Any]
    door: Door
    kind: OrderKind
    order_type: Literal["MIT", "CIT", "STABLE"]
    source: str
    generation: int
    site_id: UUID
    campaign_id: UUID | None = None
    descriptor: str
    amount_text: str
    token_id: UUID | None = None
    transaction_id: str | None = None
    expires_at: datetime | None
    facts: dict[str, Any]
    actor: str
    request_id: str
    recorded_at: datetime
    event_id: UUID
    event: dict[str, Any]
    subject_kind: Literal["order", "stable_order"]
    due_kind: DueKind
    due_at: datetime
    attempt_id: UUID | None = None
    channel: str | None = None
    payer_id: UUID | None
    payer_external_id: str | None
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    ip: str = ""
    billing: dict[str, Any] | None = None
    shipping: dict[str, Any] | None = None
    search: str
    stage: Literal["received", "processing"]
    happening: Literal["received", "began"]
    status: int
    decided: bool = False
    arm: Arm | None = None
    arm_version: int | None = None
    arm_share: int | None = None


class AdmittedCard(Row, frozen=True):
    """The card of an order that now exists; of a stablecoin order there is none."""

    order_id: UUID
    card_id: UUID | None
    pan_id: UUID | None
    scheme: str | None
    bin: str | None


@MERCHANT.statement("""
SELECT admitted AS order_id, card AS card_id, pan AS pan_id, card_scheme AS scheme, card_bin AS bin
FROM admit_orders($1, $2)
""")
async def _admit(db: Tx, rows: Sequence[NewOrder], recent: UUID) -> dict[UUID, AdmittedCard]: ...


class Raced(Exception):
    """Another call took one of the keys or order ids in between; nothing was written."""


async def admit(db: Tx, rows: Sequence[NewOrder], recent: UUID) -> dict[UUID, AdmittedCard]:
    """Admits what is new; answers the orders that now exist, by id, each with its card.

    Transmissions from the id `recent` on are looked at for a success that came before its decline.

    Raises: Raced, with nothing written, when a race makes the set undecidable.
    """
    try:
        return await _admit(db, rows, recent)
    except asyncpg.RaiseError:
        raise Raced from None
