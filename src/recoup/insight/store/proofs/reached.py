"""Where a merchant stands: what came later is new."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row
from recoup.kernel.ids import LOWEST
from recoup.kit.proofs.walk import STATEMENT_SECONDS


class Reached(Row, frozen=True):
    """The last of each. `root`: hex, of that page."""

    order_id: UUID
    decision_id: UUID
    feed_no: int
    page_no: int
    root: str


NOTHING: Final = Reached(LOWEST, LOWEST, 0, 0, "")


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT coalesce((SELECT order_id FROM orders WHERE merchant_id = $1 AND order_id < $2
    ORDER BY order_id DESC LIMIT 1), '{LOWEST}') AS order_id,
  coalesce((SELECT decision_id FROM decisions WHERE merchant_id = $1 AND decision_id < $2
    ORDER BY decision_id DESC LIMIT 1), '{LOWEST}') AS decision_id,
  coalesce((SELECT max(feed_no) FROM feed WHERE merchant_id = $1), 0) AS feed_no,
  coalesce(p.page_no, 0) AS page_no, coalesce(encode(p.root, 'hex'), '') AS root
FROM (SELECT) AS one LEFT JOIN (SELECT page_no, root FROM pages WHERE merchant_id = $1
  ORDER BY page_no DESC LIMIT 1) p ON true
""")
async def reached_by(db: Read, merchant_id: UUID, before: UUID) -> Reached: ...


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT subject_id FROM feed WHERE merchant_id = $1 AND feed_no > $2 AND subject_id <= $4
UNION SELECT p.order_id FROM page_lines l JOIN postings p USING (merchant_id, posting_id)
  WHERE l.merchant_id = $1 AND l.page_no > $3 AND p.order_id <= $4
ORDER BY 1
""")
async def changed_orders(
    db: Read, merchant_id: UUID, feed_no: int, page_no: int, until: UUID
) -> list[UUID]:
    """Orders up to `until` with a later event or posting."""


@DIRECTORY.statement("SELECT created_at FROM world")
async def made_at(db: Read) -> datetime:
    """When the world was made: no two have the same."""
