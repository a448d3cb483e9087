"""Past attempts that count as sends of cards that we hold are sends there, once, and those that do not are none."""

from datetime import datetime
from uuid import UUID

from recoup.kernel.ids import LOWEST
from recoup.store.homes import MERCHANT
from recoup.store.insight.proofs.sends import SENDS_MAX, CardSend, find_sends
from recoup.store.insight.proofs.walk import STATEMENT_SECONDS, Difference, Differs, all_of
from recoup.store.statement import Read, Row


class _CountedAttempt(Row, frozen=True):
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
    """Those that name a card that we hold."""


async def imported_sends(db: Read, merchant_id: UUID) -> list[Difference]:
    """A send may be dated earlier than its attempt, which clocks that differ put into the future."""
    found, after = await all_of(db, (_of_import,), merchant_id, merchant_id), LOWEST
    while rows := await _attempts(db, merchant_id, after, SENDS_MAX):
        after = rows[-1].send_id
        named = [row for row in rows if row.card_id is not None]
        pairs = [row.card_id for row in named if row.card_id], [row.send_id for row in named]
        sends = {one.send_id: one for one in await find_sends(db, *pairs)}
        for row in named:
            expected, there = _expected(row), _found(sends.get(row.send_id))
            if expected != there:
                found.append(Difference(merchant_id, None, f"network send {row.send_id} of an import", expected, there))
    return found


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


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT NULL::uuid AS order_id, v.field || ' of import ' || i.import_id AS field, v.expected, v.found FROM imports i
CROSS JOIN LATERAL (VALUES
  (1, 'due work', CASE WHEN i.finished_at IS NULL THEN '1' ELSE '0' END, (SELECT count(*) FROM due_work d
    WHERE d.merchant_id = i.merchant_id AND d.kind = 'import' AND d.subject_id = i.import_id)::text),
  (2, 'rows that wait', CASE WHEN i.finished_at IS NULL THEN (i.attempt_count - i.done_count) ELSE 0 END::text,
    (SELECT count(*) FROM import_rows r WHERE r.merchant_id = i.merchant_id AND r.import_id = i.import_id)::text),
  (3, 'uncounted sends', CASE WHEN i.finished_at IS NOT NULL THEN '0' END, CASE WHEN i.finished_at IS NOT NULL THEN (
    SELECT count(*) FROM imported_attempts a WHERE a.merchant_id = i.merchant_id AND a.import_id = i.import_id
      AND a.counted = 'waits')::text END)
) v (no, field, expected, found)
WHERE i.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found ORDER BY i.import_id, v.no LIMIT 1000
""")
async def _of_import(db: Read, merchant_id: UUID) -> list[Differs]: ...
