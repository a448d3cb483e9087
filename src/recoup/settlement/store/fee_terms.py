"""A merchant's terms of fees with their history: rows are added, never changed. A flow that adds
one has raised the merchant's version first."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.known import known_at
from recoup.db.statement import MERCHANT, Read, Tx, columns_of
from recoup.terms.store.fee_rows import StoredFeeTerm


class FeeTermRow(StoredFeeTerm):
    """A fee term; None: every site, order type or currency. `site`: its address. `valid_from` is
    business time, `recorded_at` wall time."""

    site: str | None
    actor: str
    note: str
    recorded_at: datetime


@MERCHANT.statement(f"""
SELECT {columns_of(FeeTermRow, "f", site="s.url")}
FROM fee_terms f LEFT JOIN sites s USING (merchant_id, site_id)
WHERE f.merchant_id = $1 AND {known_at("f", 2)} ORDER BY f.valid_from, f.term_id
""")
async def fee_history(
    db: Read, merchant_id: UUID, business: datetime, recorded: datetime
) -> list[FeeTermRow]:
    """Fee terms that were set by then, oldest first, with who set each and when."""


class Noted(NamedTuple):
    """Whose a fee term is, who set it, why and when. `business_at` is business time, `recorded_at`
    wall time."""

    merchant_id: UUID
    actor: str
    note: str
    recorded_at: datetime
    business_at: datetime


_COLUMNS: Final = columns_of(StoredFeeTerm)
_ADD: Final = f"""
INSERT INTO fee_terms (merchant_id, actor, note, recorded_at, business_at, {_COLUMNS})
SELECT $1, $2, $3, $4, $5, {_COLUMNS} FROM jsonb_populate_record(NULL::fee_terms, $6)
"""


@MERCHANT.statement(_ADD + "RETURNING 1")
async def add_fee_term(db: Tx, noted: Noted, term: StoredFeeTerm) -> None:
    """Holds from its date on."""


@MERCHANT.statement(f"""
WITH known AS MATERIALIZED (SELECT count(*) AS terms FROM fee_terms WHERE merchant_id = $1)
{_ADD}, known WHERE terms = 0 RETURNING 1
""")
async def add_first_fee_term(db: Tx, noted: Noted, term: StoredFeeTerm) -> None:
    """Adds a first fee term, only for a merchant that has none."""
