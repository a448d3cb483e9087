"""A merchant's terms of fees with their history: rows are added, never changed. A flow that adds
one has raised the merchant's version first."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.known import known_at
from recoup.db.statement import MERCHANT, Read, Tx, columns_of
from recoup.db.table import insert_of, stored
from recoup.terms.rules.fees import FeeTerm
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


@stored("fee_terms")
class NewFeeTerm(StoredFeeTerm):
    """`valid_from` and `business_at` are business time, `recorded_at` wall time. None: every site,
    order type or currency."""

    merchant_id: UUID
    actor: str
    note: str
    recorded_at: datetime
    business_at: datetime


_ADD: Final = insert_of(NewFeeTerm, one=True)


@MERCHANT.statement(_ADD)
async def add_fee_term(db: Tx, term: NewFeeTerm) -> None:
    """Holds from its date on."""


@MERCHANT.statement(
    f"{_ADD} AS t WHERE NOT EXISTS (SELECT FROM fee_terms f WHERE f.merchant_id = t.merchant_id)"
)
async def add_first_fee_term(db: Tx, term: NewFeeTerm) -> None:
    """Adds a first fee term, only for a merchant that has none."""


def fee_term_row(
    term: FeeTerm,
    merchant_id: UUID,
    *,
    actor: str,
    note: str,
    recorded_at: datetime,
    business_at: datetime,
) -> NewFeeTerm:
    tariff = term.tariff
    return NewFeeTerm(
        term_id=term.term_id,
        valid_from=term.valid_from,
        basis_points=tariff.basis_points,
        fixed_units=tariff.fixed_units,
        minimum_units=tariff.minimum_units,
        refund=tariff.refund,
        site_id=term.site_id,
        order_type=term.order_type,
        currency=term.currency,
        ended=term.ended,
        merchant_id=merchant_id,
        actor=actor,
        note=note,
        recorded_at=recorded_at,
        business_at=business_at,
    )
