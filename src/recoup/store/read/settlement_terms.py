"""By which terms a merchant is paid, and what its clock and pages say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from recoup.rules.money.settlement import DEFAULT, Terms, period_end, period_start

_COLUMNS: Final = """period, anchor, delay_days, reserve_basis_points, reserve_days, account_delay_days, minimums,
  limits"""
_AT = f"""
SELECT {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 AND valid_from <= $2 ORDER BY valid_from DESC LIMIT 1
"""  # noqa: S608 - ours
_LATER = f"""
SELECT valid_from, {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 AND valid_from > $2 ORDER BY valid_from
"""  # noqa: S608 - ours
_DELAY = """
SELECT max(account_delay_days) FROM settlement_terms WHERE merchant_id = $1 AND valid_from > $2 AND valid_from <= $3
"""
_BEFORE = f"""
SELECT valid_from, {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 AND valid_from < $2 ORDER BY valid_from
"""  # noqa: S608 - ours
_ALL = f"""
SELECT valid_from, actor, recorded_at, {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 ORDER BY valid_from DESC
"""  # noqa: S608 - ours
_ASSETS = """
SELECT asset, units FROM account_balances WHERE merchant_id = $1 AND account = 'merchant_payable' AND place = ''
ORDER BY asset
"""
_SEALED = "SELECT page_no, root FROM closers WHERE merchant_id = $1"
_OPEN_FROM = """
SELECT open_from FROM settlement_batches WHERE merchant_id = $1 AND asset = $2 ORDER BY period_to DESC LIMIT 1
"""
_PERIOD_FROM = "SELECT period_from FROM settlement_clocks WHERE merchant_id = $1"
_UNSEALED = """
SELECT EXISTS (SELECT FROM postings WHERE merchant_id = $1 AND page_no IS NULL AND recorded_at <= $2)
"""


async def terms_at(connection: asyncpg.Connection, merchant_id: UUID, moment: datetime) -> Terms:
    """Those valid at that instant; the default where none were agreed."""
    row = await connection.fetchrow(_AT, merchant_id, moment)
    return Terms(**dict(row)) if row else DEFAULT


async def account_delay(connection: asyncpg.Connection, merchant_id: UUID, active_at: datetime, now: datetime) -> int:
    """Days, for an account that is active since then: the longest of all terms that were valid meanwhile. So a
    shorter delay is for later accounts only, and a longer one for all."""
    first = await terms_at(connection, merchant_id, active_at)
    later = await connection.fetchval(_DELAY, merchant_id, active_at, now)
    return max(first.account_delay_days, later or 0)


async def period_of(connection: asyncpg.Connection, merchant_id: UUID, start: datetime) -> tuple[datetime, Terms]:
    """The end of the period that begins at `start`, and the terms that it is settled by: those valid when it ends."""
    terms = await terms_at(connection, merchant_id, start)
    rows = [dict(row) for row in await connection.fetch(_LATER, merchant_id, start)]
    later = [(row.pop("valid_from"), Terms(**row)) for row in rows]
    end = period_end(terms, start, later)
    return end, next((changed for valid_from, changed in reversed(later) if valid_from < end), terms)


async def terms_before(
    connection: asyncpg.Connection, merchant_id: UUID, moment: datetime
) -> list[tuple[datetime, Terms]]:
    """All that began before that instant, oldest first, each with when. Before the first the default held."""
    rows = [dict(row) for row in await connection.fetch(_BEFORE, merchant_id, moment)]
    return [(row.pop("valid_from"), Terms(**row)) for row in rows]


async def running_period(connection: asyncpg.Connection, merchant_id: UUID, now: datetime) -> datetime:
    """The end of the period that `now` is in."""
    start = await connection.fetchval(_PERIOD_FROM, merchant_id)
    end, terms = await period_of(connection, merchant_id, start or now)
    while end <= now:
        end = max(period_end(terms, end), period_end(terms, period_start(terms, now)))
    return end


async def terms_history(connection: asyncpg.Connection, merchant_id: UUID) -> Sequence[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_ALL, merchant_id)  # type: ignore[no-any-return]


async def payable_assets(connection: asyncpg.Connection, merchant_id: UUID) -> dict[str, int]:
    """The currencies that the merchant's account has seen, with its sealed balance as the merchant sees it."""
    return {r["asset"]: -int(r["units"]) for r in await connection.fetch(_ASSETS, merchant_id)}


async def last_page(connection: asyncpg.Connection, merchant_id: UUID) -> tuple[int, bytes]:
    """Number and root; 0 and empty before the first."""
    row = await connection.fetchrow(_SEALED, merchant_id)
    return (row["page_no"], row["root"]) if row else (0, b"")


async def open_from(connection: asyncpg.Connection, merchant_id: UUID, asset: str) -> int:
    """The first page that may hold something that no batch has taken."""
    return await connection.fetchval(_OPEN_FROM, merchant_id, asset) or 1


async def is_unsealed(connection: asyncpg.Connection, merchant_id: UUID, before: datetime) -> bool:
    """Whether a committed posting from before that instant of wall time is in no page yet."""
    return bool(await connection.fetchval(_UNSEALED, merchant_id, before))
