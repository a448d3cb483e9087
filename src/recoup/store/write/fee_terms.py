"""Terms of fees: rows are added, never changed. Whoever adds one has raised the merchant's version first."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from recoup.rules.money.fees import FeeTerm

_ADD = """
INSERT INTO fee_terms (merchant_id, term_id, site_id, order_type, currency, basis_points, fixed_units, minimum_units,
  refund, ended, valid_from, actor, note, recorded_at)
SELECT merchant_id, term_id, site_id, order_type, currency, basis_points, fixed_units, minimum_units, refund, ended,
  valid_from, actor, note, recorded_at
FROM jsonb_populate_record(NULL::fee_terms, $1)
"""
_ADD_FIRST = _ADD + "WHERE NOT EXISTS (SELECT FROM fee_terms f WHERE f.merchant_id = $2)"


async def add_fee_term(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    await connection.execute(_ADD, row)


async def add_first_fee_term(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    """Only for a merchant that has none."""
    await connection.execute(_ADD_FIRST, row, row["merchant_id"])


def fee_term_row(
    term: FeeTerm, merchant_id: UUID, *, actor: str, note: str, recorded_at: datetime
) -> dict[str, Any]:
    tariff = term.tariff
    return {
        "merchant_id": merchant_id, "term_id": term.term_id, "site_id": term.site_id, "order_type": term.order_type,
        "currency": term.currency, "basis_points": tariff.basis_points, "fixed_units": tariff.fixed_units,
        "minimum_units": tariff.minimum_units, "refund": tariff.refund, "ended": term.ended,
        "valid_from": term.valid_from, "actor": actor, "note": note, "recorded_at": recorded_at,
    }  # fmt: skip
