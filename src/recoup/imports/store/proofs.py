"""Past attempts that count as sends of cards that we hold are sends there, once, and those that do
not are none. Uploads count their rows, wait with their work, end with their event; a row that was
taken is what it became."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.kernel.ids import LOWEST
from recoup.kit.proofs.sends import SENDS_MAX, CardSend, find_sends
from recoup.kit.proofs.walk import STATEMENT_SECONDS, Difference, of_merchant


class _CountedAttempt(Row):
    send_id: UUID
    card_id: UUID | None
    at: datetime
    units: int
    asset: str
    state: str
    counted: str


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT send_id, card_id, at, units, asset, state, counted FROM imported_attempts
WHERE merchant_id = $1 AND send_id > $2 ORDER BY send_id LIMIT $3
""")
async def _attempts(db: Read, merchant_id: UUID, after: UUID, limit: int) -> list[_CountedAttempt]:
    """Attempts that name a card that we hold."""


async def imported_sends(db: Read, merchant_id: UUID) -> list[Difference]:
    """A send may be dated earlier than its attempt, which clocks that differ put into the
    future."""
    wrong, after = await _of_imports(db, merchant_id), LOWEST
    while rows := await _attempts(db, merchant_id, after, SENDS_MAX):
        after = rows[-1].send_id
        named = [row for row in rows if row.card_id is not None]
        pairs = [row.card_id for row in named if row.card_id], [row.send_id for row in named]
        sends = {send.send_id: send for send in await find_sends(db, *pairs)}
        for row in named:
            expected, there = _expected(row), _found(sends.get(row.send_id))
            if expected != there:
                wrong.append(
                    Difference(
                        merchant_id,
                        None,
                        f"network send {row.send_id} of an import",
                        expected,
                        there,
                    )
                )
    return wrong


def _expected(row: _CountedAttempt) -> str:
    if row.counted != "sent":
        return "none"
    sent = "not_sent" if row.state == "not_sent" else "sent"
    return f"{sent}, {row.units} {row.asset}, {_answer(row.state)}"


def _found(send: CardSend | None) -> str:
    if send is None:
        return "none"
    answer = {True: "declined", False: "approved", None: "unanswered"}[send.declined]
    return f"{send.state}, {send.units} {send.currency}, {answer}"


def _answer(state: str) -> str:
    return state if state in ("approved", "declined") else "unanswered"


_of_imports: Final = of_merchant(
    __name__,
    of_import="""
SELECT NULL::uuid AS order_id, v.field || ' of import ' || i.import_id AS field, v.expected, v.found
  FROM imports i
CROSS JOIN LATERAL (VALUES
  (1, 'due work', CASE WHEN i.finished_at IS NULL THEN '1' ELSE '0' END, (SELECT count(*)
    FROM due_work d
    WHERE d.merchant_id = i.merchant_id AND d.kind = 'import'
      AND d.subject_id = i.import_id)::text),
  (2, 'rows that wait', CASE WHEN i.finished_at IS NULL THEN (i.attempt_count - i.done_count)
    ELSE 0 END::text,
    (SELECT count(*) FROM import_rows r WHERE r.merchant_id = i.merchant_id
      AND r.import_id = i.import_id)::text),
  (3, 'uncounted sends', CASE WHEN i.finished_at IS NOT NULL THEN '0' END, CASE
    WHEN i.finished_at IS NOT NULL THEN (
    SELECT count(*) FROM imported_attempts a WHERE a.merchant_id = i.merchant_id
      AND a.import_id = i.import_id
      AND a.counted = 'waits')::text END)
) v (no, field, expected, found)
WHERE i.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found ORDER BY i.import_id, v.no
  LIMIT 1000
""",
)


uploads: Final = of_merchant(
    __name__,
    of_upload="""
SELECT NULL::uuid AS order_id, v.field || ' of upload ' || u.upload_id AS field, v.expected, v.found
FROM uploads u
CROSS JOIN LATERAL (
  SELECT count(*) AS rows, count(*) FILTER (WHERE state = 'done') AS done,
    count(*) FILTER (WHERE state = 'refused') AS refused, count(*) FILTER (WHERE state = 'received')
      AS waiting
  FROM upload_rows r WHERE r.merchant_id = u.merchant_id AND r.upload_id = u.upload_id
) r
CROSS JOIN LATERAL (
  SELECT (SELECT count(*) FROM due_work d WHERE d.merchant_id = u.merchant_id AND d.kind = 'upload'
      AND d.subject_id = u.upload_id) AS due,
    (SELECT count(*) FROM outbox x WHERE x.merchant_id = u.merchant_id
      AND x.subject_id = u.upload_id
      AND x.event = 'upload.completed') AS told
) d
CROSS JOIN LATERAL (VALUES
  (1, 'rows', r.rows::text, u.row_count::text), (2, 'rows done', r.done::text, u.done_count::text),
  (3, 'rows refused', r.refused::text, u.refused_count::text),
  (4, 'rows that wait', CASE WHEN u.finished_at IS NULL THEN r.waiting
    ELSE 0 END::text, r.waiting::text),
  (5, 'due work', CASE WHEN u.finished_at IS NULL THEN '1' ELSE '0' END, d.due::text),
  (6, 'events', CASE WHEN u.finished_at IS NULL THEN '0' ELSE '1' END, d.told::text)
) v (no, field, expected, found)
WHERE u.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found ORDER BY u.upload_id, v.no
  LIMIT 1000
""",
    # Transmissions are forgotten after their time; orders stay.
    of_row="""
SELECT r.subject_id AS order_id, 'order of row ' || r.row_no || ' of upload ' || r.upload_id AS
  field,
  r.external_id AS expected, coalesce(o.external_id, 'none') AS found
FROM upload_rows r JOIN uploads u USING (merchant_id, upload_id)
LEFT JOIN orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.subject_id
WHERE r.merchant_id = $1 AND u.kind = 'evaluate' AND r.state = 'done' AND r.external_id IS DISTINCT
  FROM o.external_id
ORDER BY r.upload_id, r.row_no LIMIT 1000
""",
)
