"""Test for anything that waits for the worker: one question for the loops that would otherwise ask
one each."""

from datetime import datetime

from recoup.db.statement import MERCHANT, Read, Row


class Waiting(Row):
    due: bool
    publish: bool
    deliver: bool


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM due_work WHERE due_at <= $1 AND (lease_until IS NULL
  OR lease_until <= $1))
    OR EXISTS (SELECT FROM merchants m WHERE m.offset_us > 0 AND EXISTS (SELECT FROM due_work d
      WHERE d.merchant_id = m.merchant_id AND NOT d.wall AND d.due_at > $1::timestamptz
        AND d.due_at <= $1::timestamptz + m.offset_us * interval '1 microsecond'
        AND (d.lease_until IS NULL OR d.lease_until <= $1))) AS due,
  EXISTS (SELECT FROM outbox_queue) AS publish,
  EXISTS (SELECT FROM lanes WHERE due_at <= $1 AND (lease_until IS NULL
    OR lease_until <= $1)) AS deliver
""")
async def what_waits(db: Read, wall: datetime) -> Waiting:
    """More than can be begun, maybe: a merchant's clock that stands in the past and a receiver that
    does not answer are the loops' own to know."""
