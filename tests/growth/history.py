"""Years of history in a minute: what merchants played is multiplied by the database itself, each
copy a step older.

Every table of the merchant home that is not named here takes part, so that a new one does too. Ids
keep what they are: their first 48 bits are a moment, and it goes back with the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

# What a merchant has once, however many orders it takes; queues and lanes, which end with their
# last event.
NOT_HISTORY = frozenset(
    {
        "merchants",
        "sites",
        "partners",
        "merchants_cells",
        "partner_merchants",
        "partner_closers",
        "partner_reached",
        "fee_terms",
        "campaigns",
        "api_keys",
        "tokenization_keys",
        "refresh_tokens",
        "signing_keys",
        "applications",
        "application_log",
        "application_documents",
        "go_live_requests",
        "refund_limits",
        "refund_people",
        "exposure_limits",
        "exposure_allotments",
        "customer_exposure",
        "settlement_terms",
        "settlement_clocks",
        "reconciliation_clocks",
        "bank_accounts",
        "wallets",
        "closers",
        "account_balances",
        "endpoints",
        "webhook_key_overlaps",
        "notice_settings",
        "rescue_watches",
        "uplift_reports",
        "uplift_history",
        "engine_returns",
        "clock_moves",
        "modifications_queue",
        "outbox_queue",
        "postings_queue",
        "lanes",
        "subscriptions",
        "dispute_terms",
        "handovers",
        "cvv_once",
        "switch_changes",
        "partner_alerts",
        "replays",
        "arm_settings",
        "engine_stops",
        "risk_settings",
        "risk_sightings",
        "issuer_answers",
        "fact_clocks",
        "export_parts",
        "seen_signatures",
        "policy_versions",
        "policy_bounds",
        "policy_sends",
        "certificates",
        "certificate_clocks",
        "advance_weeks",
        "monitoring_months",
        "advance_bounds",
        "card_joins",
        "backtests",
        "backtest_payments",
        "part_terms",
    }
)
# Ids that a copy has in common with what it was copied from.
SHARED = frozenset({
    "merchant_id", "site_id", "campaign_id", "endpoint_id", "partner_id", "user_id", "account_id",
})  # fmt: skip
# What counts a merchant's rows: in which table, and by which column of the rows that are counted.
COUNTERS = {"page": ("pages", "page_no"), "feed": ("feed", "feed_no"), "number": ("feed", "number"),
            "partner": ("partner_feed", "number")}  # fmt: skip
# table -> column -> counter. They rise with time: the newest rows have the highest.
COUNTED = {
    "pages": {"page_no": "page"},
    "page_lines": {"page_no": "page"},
    "settlement_batches": {"page_from": "page", "page_to": "page", "open_from": "page"},
    "feed": {"feed_no": "feed", "number": "number"},
    "partner_feed": {"number": "partner", "merchant_number": "number"},
    "closers": {"page_no": "page", "feed_no": "feed", "number": "number"},
    "account_balances": {"page_no": "page"},
    "partner_reached": {"number": "number"},
    "fact_clocks": {"feed_no": "feed"},
}
# Texts and hashes that stand once.
ONCE = frozenset(
    {
        "external_id",
        "key",
        "request_id",
        "email",
        "case_ref",
        "run_key",
        "reference",
        "notice_id",
        "content_mac",
        "file_hash",
    }
)
CONTENT_BYTES = (
    256  # of a file's content a copy keeps its beginning: a million orders' files would fill a disk
)
# What stands open is no history: payouts arrive within days, and so many blocks may stand. Of work
# only what falls due some day: an order waits for its expiry, however many came before it.
OVER = {
    "bank_payouts": "state IN ('paid', 'returned')", "blocks": "lifted_at IS NOT NULL",
    "exports": "gone_at IS NOT NULL OR state NOT IN ('asked', 'working', 'ready')",
    "due_work": "NOT wall AND due_at > now() + interval '1 hour'",
}  # fmt: skip
LATER = timedelta(days=3_650)  # what waits in a copy falls due after all that is played
# An id's moment is no earlier than 1970: what is older than this has ids closer to each other, in
# the same order.
ROOM_MS = 20 * 365 * 86_400_000
_COLUMNS = """
SELECT c.table_name::text AS "table", c.column_name::text AS name, c.data_type::text AS kind
FROM information_schema.columns c JOIN pg_class t ON t.oid = format('%I.%I', c.table_schema,
  c.table_name)::regclass
WHERE c.table_schema = ANY(current_schemas(false)) AND c.is_generated = 'NEVER'
  AND t.relkind IN ('r', 'p') AND NOT t.relispartition
ORDER BY c.table_name, c.ordinal_position
"""
# An index that is not ready is left alone by what is inserted, and made ready by REINDEX.
_LEAVES = """
SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relnamespace = ANY(current_schemas(false)::regnamespace[]) AND c.relkind = 'i'
  AND t.relname <> 'cards'
"""


@dataclass(frozen=True)
class Copies:
    """`step`: how much older each is than the one before."""

    number: int
    step: timedelta

    @property
    def step_ms(self) -> int:
        return round(self.step.total_seconds() * 1_000)


async def multiply(connection: asyncpg.Connection, copies: Mapping[UUID, Copies]) -> None:
    """Everything that each merchant has played, so many times more. As the owner of a database of
    its own; nobody else is connected."""
    await connection.execute(
        "SET session_replication_role = replica; SET work_mem = '64MB'; SET maintenance_work_mem = "
        "'512MB';"
        " SET max_parallel_maintenance_workers = 0"
    )
    tables: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(_COLUMNS):
        tables.setdefault(row["table"], {})[row["name"]] = row["kind"]
    for merchant_id, wanted in copies.items():
        await _used_cards(connection, merchant_id, wanted)
    leaves = [row["name"] for row in await connection.fetch(_LEAVES)]
    await connection.execute(
        "UPDATE pg_index SET indisready = false, indisvalid = false WHERE indexrelid = "
        "ANY($1::text[]::regclass[])",
        leaves,
    )
    for merchant_id, wanted in copies.items():
        await _all_of(connection, tables, merchant_id, wanted)
    for name in leaves:
        await connection.execute(f"REINDEX INDEX {name}", timeout=None)
    await connection.execute("VACUUM (ANALYZE)", timeout=None)


async def _used_cards(connection: asyncpg.Connection, merchant_id: UUID, copies: Copies) -> None:
    await connection.execute(
        f"INSERT INTO cards SELECT DISTINCT {_older('s.card_id', copies)}, s.at FROM network_sends "
        f"s,"
        f" generate_series(1, {copies.number}::bigint) AS n WHERE s.merchant_id = $1 ON CONFLICT "
        f"DO NOTHING",
        merchant_id,
        timeout=None,
    )


def _older(column: str, copies: Copies) -> str:
    """The id that the copy `n` has."""
    digits = f"replace({column}::text, '-', '')"
    age = f"(n * {copies.step_ms})"
    moment = (
        f"('x0000' || left({digits}, 12))::bit(64)::bigint - least({age}, {ROOM_MS})"
        f" - greatest({age} - {ROOM_MS}, 0) / 4"
    )
    return f"(lpad(to_hex(({moment}) & 281474976710655), 12, '0') || substr({digits}, 13))::uuid"


async def _all_of(
    connection: asyncpg.Connection,
    tables: Mapping[str, dict[str, str]],
    merchant_id: UUID,
    copies: Copies,
) -> None:
    highest = {}
    for counter, (table, column) in COUNTERS.items():
        sql = f"SELECT coalesce(max({column}), 0) FROM {table} WHERE merchant_id = $1"
        highest[counter] = await connection.fetchval(sql, merchant_id)
    for table, counted in COUNTED.items():
        raised = ", ".join(
            f"{name} = {name} + {highest[of] * copies.number}" for name, of in counted.items()
        )
        await connection.execute(f"UPDATE {table} SET {raised} WHERE merchant_id = $1", merchant_id)
    await connection.execute(
        f"UPDATE partner_closers SET number = number + {highest['partner'] * copies.number}"
        " WHERE partner_id = (SELECT partner_id FROM merchants WHERE merchant_id = $1)",
        merchant_id,
    )
    for table, columns in tables.items():
        if "merchant_id" in columns and table not in NOT_HISTORY:
            await _multiply(connection, table, columns, merchant_id, copies, highest)


async def _multiply(
    connection: asyncpg.Connection,
    table: str,
    columns: dict[str, str],
    merchant_id: UUID,
    copies: Copies,
    highest: Mapping[str, int],
) -> None:
    counted = COUNTED.get(table, {})
    values = [
        f"t.{name} - n * {highest[counted[name]]}"
        if name in counted
        else _older(f"t.{name}", copies)
        if kind == "uuid" and name not in SHARED
        else f"t.{name} + interval '{LATER.days} days'"
        if table == "due_work" and name == "due_at"
        else f"t.{name} - n * interval '{copies.step_ms} ms'"
        if kind.startswith("timestamp") and table != "due_work"
        else f"t.{name} || '-' || n"
        if kind == "text" and name in ONCE
        else f"t.{name} || int8send(n)"
        if kind == "bytea" and name in ONCE
        else f"substr(t.{name}, 1, {CONTENT_BYTES})"
        if kind == "bytea"
        else f"t.{name}"
        for name, kind in columns.items()
    ]
    origin = (
        f"SELECT * FROM {table} WHERE merchant_id = '{merchant_id}' AND ({OVER.get(table, 'true')})"
    )
    await connection.execute(f"CREATE TEMP TABLE origin AS {origin}")
    # The oldest first: each copy is read for its own sake, in order.
    await connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"
        f" FROM generate_series({copies.number}::bigint, 1, -1) AS n, LATERAL (SELECT * FROM "
        f"origin OFFSET n * 0) AS t",
        timeout=None,
    )
    await connection.execute("DROP TABLE origin")
