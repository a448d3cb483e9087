"""Years of history in a minute: what merchants played is multiplied by the database itself, each copy ten seconds
older.

Every table of the merchant home that is not named here takes part, so that a new one does too. Ids keep what they are:
their first 48 bits are a moment, and it goes back with the row.
"""

from collections.abc import Mapping
from uuid import UUID

import asyncpg

STEP_MS = 10_000
# What a merchant has once, however many orders it takes; lanes, which end with their last event.
NOT_HISTORY = frozenset({
    "merchants", "sites", "partners", "partner_merchants", "partner_closers", "partner_reached", "fee_terms",
    "campaigns", "api_keys", "tokenization_keys", "refresh_tokens", "signing_keys", "applications", "application_log",
    "application_documents", "go_live_requests", "refund_limits", "refund_people", "exposure_limits",
    "exposure_allotments", "customer_exposure", "settlement_terms", "settlement_clocks", "reconciliation_clocks",
    "bank_accounts", "wallets", "closers", "account_balances", "endpoints", "webhook_key_overlaps", "notice_settings",
    "rescue_watches", "clock_moves", "lanes", "subscriptions", "dispute_terms", "handovers", "cvv_once",
    "switch_changes", "adjustments", "blocks", "partner_alerts", "replays", "bank_payouts", "settlement_batches",
    "settlement_lines",
})  # fmt: skip
# Ids that a copy has in common with what it was copied from.
SHARED = frozenset({"merchant_id", "site_id", "campaign_id", "endpoint_id", "partner_id", "user_id", "batch_id"})
# Columns that count without gaps: a copy begins where the one before ends.
COUNTED = {"feed": ("feed_no", "number"), "postings": ("page_no",), "pages": ("page_no",)}
# Texts that stand once.
ONCE = frozenset({"external_id", "key", "request_id", "email"})
_SHIFTED = """
CREATE OR REPLACE FUNCTION pg_temp.older(id uuid, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
SELECT (lpad(to_hex((('x0000' || left(h, 12))::bit(64)::bigint - n * {step}) & 281474976710655), 12, '0')
  || substr(h, 13))::uuid FROM (SELECT replace(id::text, '-', '') AS h) x
$$
"""
_COLUMNS = """
SELECT c.table_name::text AS "table", c.column_name::text AS name, c.data_type::text AS kind
FROM information_schema.columns c JOIN pg_class t ON t.relname = c.table_name
WHERE c.table_schema = 'public' AND c.is_generated = 'NEVER' AND t.relnamespace = 'public'::regnamespace
  AND t.relkind IN ('r', 'p') AND NOT t.relispartition
ORDER BY c.table_name, c.ordinal_position
"""


async def multiply(connection: asyncpg.Connection, copies: Mapping[UUID, int]) -> None:
    """Everything that each merchant has played, so many times more. As the owner of a database of its own; nobody else
    is connected."""
    await connection.execute("SET session_replication_role = replica; SET work_mem = '64MB'")
    for merchant_id, number in copies.items():
        await _all_of(connection, merchant_id, number)
    await connection.execute("VACUUM (ANALYZE)", timeout=None)


async def _all_of(connection: asyncpg.Connection, merchant_id: UUID, copies: int) -> None:
    await connection.execute(_SHIFTED.format(step=STEP_MS))
    tables: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(_COLUMNS):
        tables.setdefault(row["table"], {})[row["name"]] = row["kind"]
    await connection.execute(
        "INSERT INTO cards SELECT DISTINCT pg_temp.older(s.card_id, n), s.at FROM network_sends s,"
        f" generate_series(1, {copies}) AS n WHERE s.merchant_id = $1 ON CONFLICT DO NOTHING",
        merchant_id, timeout=None,
    )  # fmt: skip
    for table, columns in tables.items():
        if "merchant_id" in columns and table not in NOT_HISTORY:
            await _multiply(connection, table, columns, merchant_id, copies)
    await connection.execute(
        "UPDATE closers SET feed_no = (SELECT coalesce(max(feed_no), 0) FROM feed f WHERE f.merchant_id = $1),"
        " number = (SELECT coalesce(max(number), 0) FROM feed f WHERE f.merchant_id = $1),"
        " page_no = (SELECT coalesce(max(page_no), 0) FROM pages p WHERE p.merchant_id = $1) WHERE merchant_id = $1",
        merchant_id,
    )  # fmt: skip


async def _multiply(
    connection: asyncpg.Connection, table: str, columns: dict[str, str], merchant_id: UUID, copies: int
) -> None:
    counted = COUNTED.get(table, ())
    highest = {
        name: await connection.fetchval(f"SELECT max({name}) FROM {table} WHERE merchant_id = $1", merchant_id) or 0
        for name in counted
    }
    values = [
        f"t.{name} + n * {highest[name]}" if name in counted
        else f"pg_temp.older(t.{name}, n)" if kind == "uuid" and name not in SHARED
        else f"t.{name} - n * interval '{STEP_MS} ms'" if kind.startswith("timestamp") and table != "due_work"
        else f"t.{name} || '-' || n" if kind == "text" and name in ONCE
        else f"t.{name}"
        for name, kind in columns.items()
    ]  # fmt: skip
    # Of work only what falls due some day: an order waits for its expiry, however many came before it.
    some = " AND NOT t.wall AND t.due_at > now() + interval '1 hour'" if table == "due_work" else ""
    await connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} t,"
        f" generate_series(1, {copies}) AS n WHERE t.merchant_id = $1{some} ORDER BY n DESC", merchant_id, timeout=None,
    )  # fmt: skip
