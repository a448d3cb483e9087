"""Uploads count their rows, wait with their work, end with their event; a row that was taken is what it became."""

from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.insight.proofs.walk import STATEMENT_SECONDS, Difference, Differs, all_of
from recoup.store.statement import Read


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT NULL::uuid AS order_id, v.field || ' of upload ' || u.upload_id AS field, v.expected, v.found
FROM uploads u
CROSS JOIN LATERAL (
  SELECT count(*) AS rows, count(*) FILTER (WHERE state = 'done') AS done,
    count(*) FILTER (WHERE state = 'refused') AS refused, count(*) FILTER (WHERE state = 'received') AS waiting
  FROM upload_rows r WHERE r.merchant_id = u.merchant_id AND r.upload_id = u.upload_id
) r
CROSS JOIN LATERAL (
  SELECT (SELECT count(*) FROM due_work d WHERE d.merchant_id = u.merchant_id AND d.kind = 'upload'
      AND d.subject_id = u.upload_id) AS due,
    (SELECT count(*) FROM outbox x WHERE x.merchant_id = u.merchant_id AND x.subject_id = u.upload_id
      AND x.event = 'upload.completed') AS told
) d
CROSS JOIN LATERAL (VALUES
  (1, 'rows', r.rows::text, u.row_count::text), (2, 'rows done', r.done::text, u.done_count::text),
  (3, 'rows refused', r.refused::text, u.refused_count::text),
  (4, 'rows that wait', CASE WHEN u.finished_at IS NULL THEN r.waiting ELSE 0 END::text, r.waiting::text),
  (5, 'due work', CASE WHEN u.finished_at IS NULL THEN '1' ELSE '0' END, d.due::text),
  (6, 'events', CASE WHEN u.finished_at IS NULL THEN '0' ELSE '1' END, d.told::text)
) v (no, field, expected, found)
WHERE u.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found ORDER BY u.upload_id, v.no LIMIT 1000
""")
async def _of_upload(db: Read, merchant_id: UUID) -> list[Differs]: ...


# Transmissions are forgotten after their time; orders stay.
@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT r.subject_id AS order_id, 'order of row ' || r.row_no || ' of upload ' || r.upload_id AS field,
  r.external_id AS expected, coalesce(o.external_id, 'none') AS found
FROM upload_rows r JOIN uploads u USING (merchant_id, upload_id)
LEFT JOIN orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.subject_id
WHERE r.merchant_id = $1 AND u.kind = 'evaluate' AND r.state = 'done' AND r.external_id IS DISTINCT FROM o.external_id
ORDER BY r.upload_id, r.row_no LIMIT 1000
""")
async def _of_row(db: Read, merchant_id: UUID) -> list[Differs]: ...


async def uploads(db: Read, merchant_id: UUID) -> list[Difference]:
    return await all_of(db, (_of_upload, _of_row), merchant_id, merchant_id)
