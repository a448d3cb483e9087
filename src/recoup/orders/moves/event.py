"""Events that belong to no order, as rows of one write."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.orders.rules.events import event_data
from recoup.orders.store.changes import Rows
from recoup.orders.store.rows import OutboxEvent


def add_event(
    rows: Rows,
    merchant_id: UUID,
    subject_kind: str,
    subject_id: UUID,
    event: str,
    /,
    *,
    now: datetime,
    wall: datetime,
    seq: int = 1,
    **details: Any,
) -> None:
    """`seq`: the event's number about its subject; the database refuses a second of one number."""
    rows.outbox.append(
        OutboxEvent(
            merchant_id=merchant_id,
            subject_id=subject_id,
            seq=seq,
            subject_kind=subject_kind,
            event_id=new_id(),
            event=event,
            body=event_data(event, **details),
            business_at=now,
            recorded_at=wall,
        )
    )
