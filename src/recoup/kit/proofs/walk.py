"""Walk of a proof over everything in bounded steps, and what it answers."""

from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Sql
from recoup.kernel.feature import features
from recoup.kernel.ids import HIGHEST

STATEMENT_SECONDS: Final = 3600.0
ORDERS_MAX: Final = 2000


class Difference(NamedTuple):
    """A thing that does not hold. `expected` and `found` as text for people."""

    merchant_id: UUID | None
    order_id: UUID | None
    field: str
    expected: str
    found: str


class Window(NamedTuple):
    """The orders of one merchant with after < id <= until. The windows of a merchant leave no id
    out."""

    merchant_id: UUID
    after: UUID
    until: UUID


# Every table of a merchant's rows: a new one belongs here (a test says so). What a processor told
# of somebody is kept
# under the merchant that it names, whoever that is: dispute_notices are in none.
_TABLES: Final = (
    "merchants", "order_log", "orders", "order_states", "order_heads", "order_refs", "requests",
    "attempts", "charges", "modifications", "modifications_queue", "postings", "postings_queue",
    "entries", "pages", "page_lines",
    "account_balances", "closers", "outbox", "outbox_queue", "feed", "lanes", "due_work",
    "adjustments", "advances", "bank_accounts", "bank_payout_states", "bank_payouts", "challenges",
    "customer_exposure", "decisions", "delivery_tries", "dispute_notes", "dispute_files",
    "dispute_priors", "dispute_terms", "disputes", "monitoring_months", "exposure_allotments",
    "exposure_limits", "fee_terms", "mails", "notice_settings", "order_payer", "order_search",
    "payers", "payouts", "cvv_once", "reconciliation_clocks", "reconciliation_lines",
    "reconciliation_reports", "reconciliation_runs", "settlement_batches", "settlement_clocks",
    "settlement_lines", "settlement_terms", "settlements", "sites", "stored_methods",
    "subscriptions", "transmissions", "vault", "wallets", "api_keys", "campaigns",
    "go_live_requests", "handovers", "partner_merchants", "replays", "signing_keys",
    "switch_changes", "tokenization_keys", "upload_rows", "uploads", "webhook_key_overlaps",
    "order_notes", "blocks", "person_log", "exports", "export_parts", "bulk_acts", "bulk_act_rows",
    "clock_moves",
    "audit_lines", "api_call_gaps", "api_calls", "order_words", "refund_limits", "refund_people",
    "refund_requests", "reveals", "alerts", "rescue_watches", "arm_settings", "payer_looks",
    "issuer_answers", "fact_clocks", "seen_signatures", "processor_notices", "risk_settings",
    "risk_sightings", "fraud_warnings", "processor_invoices", "processor_ids",
    "processor_connections", "card_updates", "contact_addresses", "contacts", "card_results",
    "uplift_reports", "uplift_history", "engine_returns", "policy_versions", "policy_sends",
    "imports", "import_lines", "import_rows", "imported_attempts", "certificates",
    "certificate_clocks", "advance_weeks", "advance_bounds", "card_joins",
    "backtests", "backtest_payments", "archives", "archived_orders", "merchants_cells",
)  # fmt: skip


def tables() -> tuple[str, ...]:
    return (*_TABLES, *(table for feature in features() for table in feature.tables))


def not_archived(table: str, order: str = "order_id") -> str:
    """SQL: whether the order of a row is in the database, not in an archive."""
    return (
        f"NOT EXISTS (SELECT FROM archived_orders z WHERE z.merchant_id = {table}.merchant_id "
        f"AND z.order_id = {table}.{order})"
    )


def of_cell(table: str, cell: str) -> str:
    """SQL: whether a row of another home is of a merchant of this cell, or of nobody's."""
    return (
        f"NOT EXISTS (SELECT FROM merchants_cells z WHERE z.merchant_id = {table}.merchant_id "
        f"AND z.cell <> {cell})"
    )


# With keys that begin otherwise: read from end to end.
UNSORTED: Final = (
    "card_blocks", "endpoints", "engine_stops", "network_sends", "partner_feed",
    "partner_log", "partner_reached", "wire_keys",
)  # fmt: skip
# An application's events stand under the merchant that it is to become, which may never exist.
BEFORE_MERCHANTS: Final = frozenset({
    "closers", "outbox", "outbox_queue", "feed", "lanes", "delivery_tries", "partner_feed",
    "partner_reached",
})  # fmt: skip
# A loose index scan: one look-up for each merchant, however many rows it has.
_MERCHANTS_OF = """
WITH RECURSIVE m AS (
  (SELECT merchant_id FROM {table} ORDER BY merchant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT t.merchant_id FROM {table} t WHERE t.merchant_id > m.merchant_id
    ORDER BY t.merchant_id LIMIT 1)
  FROM m WHERE m.merchant_id IS NOT NULL
)
SELECT merchant_id FROM m WHERE merchant_id IS NOT NULL
"""
_OF_OTHER_CELLS = "SELECT merchant_id FROM merchants_cells WHERE cell <> $1"
_DISTINCT = "SELECT DISTINCT merchant_id FROM {table} WHERE merchant_id IS NOT NULL"
_TABLES_AT_ONCE: Final = 16  # of a statement
# A replica has nothing of a table without a log.
_HOMES: Final = """
SELECT relname::text, relnamespace FROM pg_class
WHERE oid = ANY(ARRAY(SELECT name::regclass FROM unnest($1::text[]) AS name))
  AND (relpersistence = 'p' OR NOT pg_is_in_recovery())
"""


async def _ids(db: Read, sql: str) -> set[UUID]:
    return {record[0] for record in await db.fetch(sql, timeout=STATEMENT_SECONDS)}


async def _merchants_of(db: Read, names: Sequence[str]) -> dict[str, set[UUID]]:
    """Merchants with rows in each of these tables."""
    wanted = (
        (name, (_DISTINCT if name in UNSORTED else _MERCHANTS_OF).format(table=name))
        for name in names
    )
    sql = " UNION ALL ".join(
        f"SELECT '{name}', merchant_id FROM ({of_table}) AS of_table" for name, of_table in wanted
    )
    merchant_ids: dict[str, set[UUID]] = {name: set() for name in names}
    for name, merchant_id in await db.fetch(sql, timeout=STATEMENT_SECONDS * len(names)):
        merchant_ids[name].add(merchant_id)
    return merchant_ids


async def merchants(db: Read, cell: int) -> tuple[list[UUID], list[Difference]]:
    """Every merchant of a cell that has rows anywhere, those that applications are to become too;
    and, for each that has rows but does not exist, where it has them first."""
    others = {record[0] for record in await db.fetch(_OF_OTHER_CELLS, cell)}
    promised = await _ids(db, _DISTINCT.format(table="applications"))
    partners = await _ids(db, "SELECT partner_id FROM partners")
    known: set[UUID] = set()
    everywhere: set[UUID] = set()
    wrong: dict[UUID, Difference] = {}
    names = (*tables(), *UNSORTED)
    having: dict[str, set[UUID]] = {}
    homes = {name: home for name, home in await db.fetch(_HOMES, names)}
    for home in sorted(set(homes.values())):  # each may be on a server of its own
        of_home = [name for name in names if homes.get(name) == home]
        for begin in range(0, len(of_home), _TABLES_AT_ONCE):
            having |= await _merchants_of(db, of_home[begin : begin + _TABLES_AT_ONCE])
    wrong |= {
        stranger: Difference(stranger, None, "cell of the merchant", str(cell), "another")
        for stranger in sorted(having["merchants"] & others)
    }
    for table in filter(having.__contains__, names):
        merchant_ids = having[table]
        if homes[table] != homes["merchants"]:
            merchant_ids -= others
        if table == "delivery_tries":  # a sample to a partner's endpoint is of no merchant
            merchant_ids -= partners
        strangers = (
            merchant_ids - known - promised if table in BEFORE_MERCHANTS else merchant_ids - known
        )
        if table == "merchants":
            known |= merchant_ids
        else:
            for stranger in sorted(strangers - wrong.keys()):
                wrong[stranger] = Difference(
                    stranger, None, f"merchant of rows in {table}", "exists", "does not"
                )
        everywhere |= merchant_ids
    return sorted(everywhere - wrong.keys()), list(wrong.values())


async def next_window(merchant_id: UUID, after: UUID, db: Read) -> Window:
    until = await _window_ends(db, merchant_id, after, ORDERS_MAX - 1) or HIGHEST
    return Window(merchant_id, after, until)


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT order_id FROM orders WHERE merchant_id = $1 AND order_id > $2 ORDER BY order_id OFFSET $3
  LIMIT 1
""")
async def _window_ends(db: Read, merchant_id: UUID, after: UUID, orders: int) -> UUID | None:
    """End of a window, behind so many orders; None: there are fewer."""


class Differs(Row):
    """A row of what a proof answers: the first that differ, at most so many."""

    order_id: UUID | None
    field: str
    expected: str | None
    found: str | None


class DiffersAt(Row):
    """Difference of a proof over all merchants."""

    merchant_id: UUID | None
    order_id: UUID | None
    field: str
    expected: str | None
    found: str | None


Proof = Callable[..., Awaitable[Sequence[Differs | DiffersAt]]]


async def differences(
    db: Read, proof: Proof, merchant_id: UUID | None, *args: Any
) -> list[Difference]:
    """Differences of this merchant, or of the one that the proof names."""
    return [
        Difference(
            (row.merchant_id if isinstance(row, DiffersAt) else None) or merchant_id,
            row.order_id,
            row.field,
            text(row.expected),
            text(row.found),
        )
        for row in await proof(db, *args)
    ]


async def all_of(
    db: Read, proofs: Iterable[Proof], merchant_id: UUID | None, *args: Any
) -> list[Difference]:
    """Differences that each proof finds, in turn."""
    return [
        difference
        for proof in proofs
        for difference in await differences(db, proof, merchant_id, *args)
    ]


def of_window(
    module: str, **sqls: Sql
) -> Callable[[Read, Window], Coroutine[Any, Any, list[Difference]]]:
    """Proves a window of orders by statements that answer what differs. $1: the merchant, $2 and
    $3: the window's ends."""

    async def proof(db: Read, merchant_id: UUID, after: UUID, until: UUID) -> list[Differs]: ...

    proofs = _declared(module, proof, sqls)

    async def prove(db: Read, window: Window) -> list[Difference]:
        return await all_of(db, proofs, window.merchant_id, *window)

    return prove


def of_merchant(
    module: str, **sqls: Sql
) -> Callable[[Read, UUID], Coroutine[Any, Any, list[Difference]]]:
    """Proves what there is of a merchant by statements that answer what differs. $1: the
    merchant."""

    async def proof(db: Read, merchant_id: UUID) -> list[Differs]: ...

    proofs = _declared(module, proof, sqls)

    async def prove(db: Read, merchant_id: UUID) -> list[Difference]:
        return await all_of(db, proofs, merchant_id, merchant_id)

    return prove


def _declared(module: str, proof: Proof, sqls: Mapping[str, Sql]) -> list[Proof]:
    """Each statement under its own name, with the signature of `proof`."""
    proofs = list[Proof]()
    for name, sql in sqls.items():
        proof.__module__, proof.__name__ = module, name
        proofs.append(MERCHANT.within(STATEMENT_SECONDS).statement(sql)(proof))
    return proofs


def text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
