"""A merchant's terms of fees with their history: rows are added, never changed. A flow that adds one has raised the
merchant's version first."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.rules.money.fees import FeeTerm, Tariff
from recoup.store.homes import MERCHANT
from recoup.store.money.known import known_at
from recoup.store.statement import Read, Row, Tx


class FeeTermRow(Row, frozen=True):
    """None: every site, order type or currency. `site`: its address. `valid_from` is business time, `recorded_at` wall
    time."""

    term_id: UUID
    site_id: UUID | None
    site: str | None
    order_type: Literal["CIT", "MIT", "STABLE"] | None
    currency: str | None
    basis_points: int
    fixed_units: int
    minimum_units: int
    refund: Literal["keep", "pro_rata", "full"]
    ended: bool
    valid_from: datetime
    actor: str
    note: str
    recorded_at: datetime

    @property
    def term(self) -> FeeTerm:
        tariff = Tariff(self.basis_points, self.fixed_units, self.minimum_units, self.refund, self.term_id)
        return FeeTerm(self.term_id, self.valid_from, tariff, self.site_id, self.order_type, self.currency, self.ended)


@MERCHANT.statement(f"""
SELECT f.term_id, f.site_id, s.url AS site, f.order_type, f.currency, f.basis_points, f.fixed_units, f.minimum_units,
  f.refund, f.ended, f.valid_from, f.actor, f.note, f.recorded_at
FROM fee_terms f LEFT JOIN sites s USING (merchant_id, site_id)
WHERE f.merchant_id = $1 AND {known_at("f", 2)} ORDER BY f.valid_from, f.term_id
""")
async def fee_history(db: Read, merchant_id: UUID, business: datetime, recorded: datetime) -> list[FeeTermRow]:
    """Those that were set by then, oldest first, with who set each and when."""


class NewFeeTerm(Row, frozen=True):
    """`valid_from` and `business_at` are business time, `recorded_at` wall time. None: every site, order type or
    currency."""

    merchant_id: UUID
    term_id: UUID
    site_id: UUID | None
    order_type: str | None
    currency: str | None
    basis_points: int
    fixed_units: int
    minimum_units: int
    refund: str
    ended: bool
    valid_from: datetime
    actor: str
    note: str
    recorded_at: datetime
    business_at: datetime


_ADD = """
INSERT INTO fee_terms (merchant_id, term_id, site_id, order_type, currency, basis_points, fixed_units, minimum_units,
  refund, ended, valid_from, actor, note, recorded_at, business_at)
SELECT merchant_id, term_id, site_id, order_type, currency, basis_points, fixed_units, minimum_units, refund, ended,
  valid_from, actor, note, recorded_at, business_at
FROM jsonb_populate_record(NULL::fee_terms, $1)
"""


@MERCHANT.statement(_ADD)
async def add_fee_term(db: Tx, term: NewFeeTerm) -> None:
    """Holds from its date on."""


@MERCHANT.statement(f"{_ADD} AS t WHERE NOT EXISTS (SELECT FROM fee_terms f WHERE f.merchant_id = t.merchant_id)")
async def add_first_fee_term(db: Tx, term: NewFeeTerm) -> None:
    """Only for a merchant that has none."""


def fee_term_row(
    term: FeeTerm, merchant_id: UUID, *, actor: str, note: str, recorded_at: datetime, business_at: datetime
) -> NewFeeTerm:
    tariff = term.tariff
    return NewFeeTerm(
        merchant_id,
        term.term_id,
        term.site_id,
        term.order_type,
        term.currency,
        tariff.basis_points,
        tariff.fixed_units,
        tariff.minimum_units,
        tariff.refund,
        term.ended,
        term.valid_from,
        actor,
        note,
        recorded_at,
        business_at,
    )
