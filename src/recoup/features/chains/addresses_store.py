"""Merchants' own wallets, as they were entered, approved and withdrawn. Business time."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.features.chains.addresses import Kind
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, Tx, columns_of

State = Literal["entered", "waiting", "holding", "replaced", "withdrawn"]


class SettlementAddress(Row, frozen=True):
    """`holds_from`: since its approval, when orders begin to settle to it."""

    merchant_id: UUID
    kind: Kind
    address_id: UUID
    address: str
    set_by: str
    set_at: datetime
    holds_from: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    withdrawn_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it has taken effect; a later one may have replaced it."""
        return self.withdrawn_at is None and self.holds_from is not None and self.holds_from <= now


_COLUMNS = columns_of(SettlementAddress)


@MERCHANT.statement(f"SELECT {_COLUMNS} FROM settlement_addresses WHERE merchant_id = $1 ORDER BY set_at DESC")
async def list_addresses(db: Read, merchant_id: UUID) -> list[SettlementAddress]:
    """The newest first, of all kinds."""


@MERCHANT.statement("""
INSERT INTO settlement_addresses (merchant_id, kind, address_id, address, set_by, set_at)
VALUES ($1, $2, $3, $4, $5, $6)
""")
async def add_address(
    db: Tx, merchant_id: UUID, kind: str, address_id: UUID, address: str, set_by: str, set_at: datetime
) -> None: ...


@MERCHANT.statement("""
UPDATE settlement_addresses SET approved_by = $4, approved_at = $5, holds_from = $6
WHERE merchant_id = $1 AND kind = $2 AND address_id = $3
""")
async def approve_address(
    db: Tx, merchant_id: UUID, kind: str, address_id: UUID, by: str, at: datetime, holds_from: datetime
) -> None: ...


@MERCHANT.statement("""
UPDATE settlement_addresses SET withdrawn_at = $3
WHERE merchant_id = $1 AND address_id = ANY($2) AND withdrawn_at IS NULL
""")
async def withdraw_addresses(db: Tx, merchant_id: UUID, address_ids: list[UUID], at: datetime) -> None: ...


@MERCHANT.statement("SELECT true FROM deposit_addresses WHERE address = $1 AND kind = $2")
async def is_deposit_address(db: Read, address: bytes, kind: str) -> bool | None:
    """Whether it is the deposit address of any order; None if it is not."""
