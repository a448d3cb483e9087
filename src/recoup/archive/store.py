"""Rows of orders that leave for an archive, and what stays to say so."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.archive.rules import without_words
from recoup.db.statement import MERCHANT, Read, Row, Tx

SECONDS: Final = 3600.0


class Month(Row, frozen=True):
    """`first`: an order of it that is here."""

    month: date
    first: UUID


class Archive(Row, frozen=True):
    merchant_id: UUID
    archive_id: UUID
    month: date
    orders: int
    root: bytes
    file: str
    written_at: datetime
    taken_out_at: datetime | None
    gone: int


_ARCHIVES: Final = """
SELECT a.merchant_id, a.archive_id, a.month, a.orders, a.root, a.file, a.written_at, a.taken_out_at,
  (SELECT count(*) FROM archived_orders o WHERE o.merchant_id = a.merchant_id
    AND o.archive_id = a.archive_id) AS gone
FROM archives a WHERE a.merchant_id = $1
"""


@MERCHANT.statement(_ARCHIVES + "ORDER BY a.month DESC, a.archive_id DESC LIMIT 1000")
async def list_archives(db: Read, merchant_id: UUID) -> list[Archive]:
    """Newest month first. `gone`: of its orders those that are not in the database."""


@MERCHANT.statement(_ARCHIVES + "AND a.archive_id = $2")
async def find_archive(db: Read, merchant_id: UUID, archive_id: UUID) -> Archive | None: ...


@MERCHANT.statement("""
INSERT INTO archives (merchant_id, archive_id, month, orders, root, file, written_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
""")
async def add_archive(
    db: Tx,
    merchant_id: UUID,
    archive_id: UUID,
    month: date,
    orders: int,
    root: bytes,
    file: str,
    written_at: datetime,
) -> None: ...


@MERCHANT.statement(
    "UPDATE archives SET taken_out_at = $3 WHERE merchant_id = $1 AND archive_id = $2"
)
async def note_taken_out(
    db: Tx, merchant_id: UUID, archive_id: UUID, at: datetime | None
) -> None: ...


@MERCHANT.within(SECONDS).statement("""
SELECT order_id FROM orders WHERE merchant_id = $1 AND order_id > $2 ORDER BY order_id LIMIT 1
""")
async def next_order(db: Read, merchant_id: UUID, after: UUID) -> UUID | None: ...


# An order leaves when nothing can happen to it by itself and no case is about it. What a chain was
# paid for stays beside the chain's book.
@MERCHANT.within(SECONDS).statement("""
SELECT o.order_id FROM current_orders o
WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.order_id < $3 AND o.stage = ANY($4::text[])
  AND o.kind <> 'stable'
  AND NOT EXISTS (SELECT FROM disputes d WHERE d.merchant_id = o.merchant_id
    AND d.order_id = o.order_id)
  AND NOT EXISTS (SELECT FROM advances x WHERE x.merchant_id = o.merchant_id
    AND x.order_id = o.order_id)
  AND NOT EXISTS (SELECT FROM settlements s WHERE s.merchant_id = o.merchant_id
    AND s.order_id = o.order_id)
  AND NOT EXISTS (SELECT FROM due_work w WHERE w.merchant_id = o.merchant_id
    AND w.subject_id = o.order_id)
  AND NOT EXISTS (SELECT FROM attempts a WHERE a.merchant_id = o.merchant_id
    AND a.order_id = o.order_id AND a.state IN ('planned', 'open', 'unknown'))
  AND NOT EXISTS (SELECT FROM modifications r WHERE r.merchant_id = o.merchant_id
    AND r.order_id = o.order_id AND r.state IN ('owed', 'sent', 'stuck'))
  AND NOT EXISTS (SELECT FROM refund_requests q WHERE q.merchant_id = o.merchant_id
    AND q.order_id = o.order_id AND q.state = 'waiting')
  AND NOT EXISTS (SELECT FROM mails m WHERE m.merchant_id = o.merchant_id
    AND m.order_id = o.order_id AND m.state = 'owed')
  AND NOT EXISTS (SELECT FROM processor_invoices i WHERE i.merchant_id = o.merchant_id
    AND i.order_id = o.order_id AND i.ended IS NULL)
  AND NOT EXISTS (SELECT FROM outbox_queue b WHERE b.merchant_id = o.merchant_id
    AND b.subject_id = o.order_id)
  AND NOT EXISTS (SELECT FROM lanes l WHERE l.merchant_id = o.merchant_id
    AND l.subject_id = o.order_id)
  AND NOT EXISTS (SELECT FROM postings p JOIN postings_queue q USING (merchant_id, posting_id)
    WHERE p.merchant_id = o.merchant_id AND p.order_id = o.order_id)
ORDER BY o.order_id LIMIT $5
""")
async def ended_orders(
    db: Read, merchant_id: UUID, after: UUID, before: UUID, stages: Sequence[str], limit: int
) -> list[UUID]: ...


class Entry(NamedTuple):
    account: str
    asset: str
    place: str
    units: int


class Booked(Row, frozen=True):
    """`root`: hex, of its page."""

    order_id: UUID
    posting_id: UUID
    source_kind: str
    source_id: UUID
    recipe: str
    business_at: datetime
    content_hash: bytes
    page_no: int
    root: str
    entries: list[Entry]


@MERCHANT.within(SECONDS).statement("""
SELECT p.order_id, p.posting_id, p.source_kind, p.source_id, p.recipe, p.business_at,
  p.content_hash, l.page_no, encode(g.root, 'hex') AS root, e.entries
FROM postings p JOIN page_lines l USING (merchant_id, posting_id)
JOIN pages g USING (merchant_id, page_no)
CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_build_array(e.account, e.asset, e.place, e.units)
    ORDER BY e.line_no) AS entries
  FROM entries e WHERE e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id) e
WHERE p.merchant_id = $1 AND p.order_id = ANY($2::uuid[]) ORDER BY p.order_id, p.posting_id
""")
async def booked(db: Read, merchant_id: UUID, order_ids: Sequence[UUID]) -> list[Booked]: ...


_OF = "o.merchant_id = $1 AND o.order_id = ANY($2::uuid[])"
_ATTEMPTS = f"SELECT o.order_id, o.attempt_id AS id, o.key FROM attempts o WHERE {_OF}"
_MODIFICATIONS = f"""SELECT o.order_id, o.modification_id, {{key}} FROM modifications o
  WHERE {_OF}"""
_MOVEMENTS = f"({_ATTEMPTS} UNION ALL {_MODIFICATIONS.format(key='NULL')}) m"
_KEYS = (
    f"({_ATTEMPTS} UNION {_MODIFICATIONS.format(key='o.key')}"
    f" UNION {_MODIFICATIONS.format(key='o.send_key')}) m"
)
_DECIDED = f"""(SELECT o.order_id, o.decision_id AS id FROM order_log o
  WHERE {_OF} UNION SELECT o.order_id, o.decision_id FROM attempts o WHERE {_OF}) m"""
_OWN: Final = "t.merchant_id = $1 AND t.order_id = ANY($2::uuid[])"
# By table: what else it is found by, which of that is the order, and how. In the order in which
# they may be written.
_TABLES: Final = {
    "order_log": ("", "t.order_id", _OWN),
    "orders": ("", "t.order_id", _OWN),
    "order_states": ("", "t.order_id", _OWN),
    "order_heads": ("", "t.order_id", _OWN),
    "order_payer": ("", "t.order_id", _OWN),
    "order_search": ("", "t.order_id", _OWN),
    "attempts": ("", "t.order_id", _OWN),
    "modifications": ("", "t.order_id", _OWN),
    "challenges": ("", "t.order_id", _OWN),
    "refund_requests": ("", "t.order_id", _OWN),
    "mails": ("", "t.order_id", _OWN),
    "fraud_warnings": ("", "t.order_id", _OWN),
    "processor_invoices": ("", "t.order_id", _OWN),
    "outbox": ("", "t.subject_id", "t.merchant_id = $1 AND t.subject_id = ANY($2::uuid[])"),
    "charges": (_MOVEMENTS, "m.order_id", "t.merchant_id = $1 AND t.attempt_id = m.id"),
    "processor_ids": (_MOVEMENTS, "m.order_id", "t.merchant_id = $1 AND t.movement_id = m.id"),
    "wire_keys": (
        _KEYS,
        "m.order_id",
        "t.merchant_id = $1 AND t.key = m.key AND t.movement_id = m.id",
    ),
    "decisions": (
        _DECIDED,
        "m.order_id",
        "t.merchant_id = $1 AND t.decision_id = m.id AND t.order_id = m.order_id",
    ),
}
# What names a person is not written, and not kept either; what the database makes itself neither.
_WITHOUT: Final = {
    "order_log": "- 'prev_seq'",
    "orders": "|| '{\"metadata\": {}}'",
    "order_heads": "- 'tried'",
    "order_payer": """|| '{"first_name": "", "last_name": "", "email": "", "phone": "", "ip": "",
    "billing": null, "shipping": null, "forgotten": true}'""",
    "order_search": """|| jsonb_build_object('text', (SELECT lower(concat_ws(' ',
      nullif(o.external_id, ''), nullif(o.transaction_id, ''), v.last4))
    FROM orders o LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
    WHERE o.merchant_id = t.merchant_id AND o.order_id = t.order_id))""",
    "attempts": """|| '{"typed": null}'""",
    "modifications": """|| jsonb_build_object('message', '', 'hand_note', left(t.hand_note, 0))""",
    "refund_requests": """|| '{"message": "", "reason": ""}'""",
}
_WORDS: Final = ("order_words", "order_notes")  # gone with the order
_ROWS: Final = "SELECT {order}, (to_jsonb(t) {without})::text FROM {table} t{beside} WHERE {where}"


async def read_rows(
    db: Read, merchant_id: UUID, order_ids: Sequence[UUID]
) -> dict[UUID, dict[str, list[str]]]:
    """Rows of each order by table, each as JSON, sorted."""
    found = {order_id: {table: list[str]() for table in _TABLES} for order_id in order_ids}
    for table, (beside, order, where) in _TABLES.items():
        sql = _ROWS.format(
            order=order,
            without=_WITHOUT.get(table, ""),
            table=table,
            beside=beside and f", {beside}",
            where=where,
        )
        for order_id, row in await db.fetch(sql, merchant_id, order_ids, timeout=SECONDS):
            found[order_id][table].append(_of_order(row) if table == "orders" else row)
    for tables in found.values():
        for rows in tables.values():
            rows.sort(key=_in_order)
    return found


def _of_order(row: str) -> str:
    order = json.loads(row)
    return json.dumps(order | {"facts": without_words(order["facts"])}, sort_keys=True)


def _in_order(row: str) -> tuple[int, str]:
    return json.loads(row).get("seq", 0), row


async def take_out(tx: Tx, merchant_id: UUID, archive_id: UUID, order_ids: Sequence[UUID]) -> None:
    """Deletes all rows of these orders, and notes where they are. Wants the schema's owner."""
    await _note_gone(tx, merchant_id, archive_id, order_ids)
    for table in _WORDS:
        await tx.execute(_DELETE.format(table=table, using="", where=_OWN), merchant_id, order_ids)
    for table, (beside, _, where) in reversed(_TABLES.items()):
        using = beside and f" USING {beside}"
        sql = _DELETE.format(table=table, using=using, where=where)
        await tx.execute(sql, merchant_id, order_ids, timeout=SECONDS)


async def put_back(
    tx: Tx, merchant_id: UUID, order_ids: Sequence[UUID], tables: Mapping[str, Sequence[Any]]
) -> None:
    """Writes what `take_out` deleted. `tables`: rows of an archive, by table."""
    for table in _TABLES:
        if rows := tables.get(table):
            names = ", ".join(sorted(rows[0]))
            await tx.execute(_INSERT.format(table=table, names=names), rows, timeout=SECONDS)
    await forget_gone(tx, merchant_id, order_ids)


_DELETE: Final = "DELETE FROM {table} t{using} WHERE {where}"
_INSERT: Final = """INSERT INTO {table} ({names})
SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb) RETURNING true"""


@MERCHANT.statement("""
INSERT INTO archived_orders (merchant_id, order_id, archive_id)
SELECT $1, order_id, $2 FROM unnest($3::uuid[]) AS o (order_id) RETURNING true
""")
async def _note_gone(
    db: Tx, merchant_id: UUID, archive_id: UUID, order_ids: Sequence[UUID]
) -> None: ...


@MERCHANT.statement(
    "DELETE FROM archived_orders WHERE merchant_id = $1 AND order_id = ANY($2::uuid[])"
)
async def forget_gone(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> None: ...


@MERCHANT.statement("""
SELECT order_id FROM archived_orders
WHERE merchant_id = $1 AND archive_id = $2 AND order_id = ANY($3::uuid[])
ORDER BY order_id FOR UPDATE
""")
async def lock_gone(
    db: Tx, merchant_id: UUID, archive_id: UUID, order_ids: Sequence[UUID]
) -> list[UUID]: ...


@MERCHANT.statement("""
SELECT order_id FROM orders WHERE merchant_id = $1 AND order_id = ANY($2::uuid[])
ORDER BY order_id FOR UPDATE
""")
async def lock_orders(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> list[UUID]: ...
