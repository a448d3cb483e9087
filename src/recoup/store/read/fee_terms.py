"""A merchant's terms of fees with their history."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from recoup.rules.money.fees import FeeTerm, Tariff

_TERMS = """
SELECT f.*, s.url AS site FROM fee_terms f LEFT JOIN sites s USING (merchant_id, site_id)
WHERE f.merchant_id = $1 ORDER BY f.valid_from, f.term_id
"""


async def fee_history(connection: asyncpg.Connection, merchant_id: UUID) -> list[asyncpg.Record]:
    """Oldest first, with who set each and when."""
    return list(await connection.fetch(_TERMS, merchant_id))


def term_of(row: Mapping[str, Any]) -> FeeTerm:
    tariff = Tariff(row["basis_points"], row["fixed_units"], row["minimum_units"], row["refund"], row["term_id"])
    return FeeTerm(row["term_id"], row["valid_from"], tariff, row["site_id"], row["order_type"], row["currency"],
                   row["ended"])  # fmt: skip
