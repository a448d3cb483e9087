"""Changes that a subscription's steps make: its row, its next charge as due work, its events."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.ids import new_id, wire_id
from recoup.kernel.time import BusinessTime, WallTime, business_at, stamp
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import AnsweredKey, DueKey, DueKind, DueWork, OutboxEvent
from recoup.stablecoin.store.subscriptions import (
    LockedSubscription,
    NewSubscription,
    add_subscription,
    change_subscription,
)


async def begin_subscription(tx: Tx, row: NewSubscription, answer: AnsweredKey | None) -> None:
    """`answer`: the row of `requests` that remembers the caller's key, or None."""
    await add_subscription(tx, row)
    rows = Rows()
    rows.due_work.append(
        DueWork(row.merchant_id, "cycle", row.subscription_id, row.next_charge_at, wall=False)
    )
    if answer:
        rows.requests.append(answer)
    await write(tx, rows)


class SubscriptionChange:
    """Collects what happens to one locked subscription; `write` does it at once."""

    def __init__(self, row: LockedSubscription, wall: WallTime) -> None:
        self.row, self.wall = row, wall
        self.now: BusinessTime = business_at(wall, row.offset_us)
        self.state: str = row.state
        self.cycles_done: int = row.cycles_done
        self.skipped: int = row.skipped
        self.next_charge_at: datetime | None = row.next_charge_at
        self.last_order_id: UUID | None = row.last_order_id
        self.version: int = row.version
        self.cycle_over = False  # set by the due work `cycle` itself
        self._rows = Rows()

    def tell(self, event: str, order_id: UUID | None, merchant_order_id: str | None) -> None:
        """Adds an event with nothing personal, and no text of the merchant's: events are kept."""
        self.version += 1
        row = self.row
        body = {
            "subscription_id": wire_id("sub", row.subscription_id),
            "order_id": wire_id("ord", order_id) if order_id else None,
            "merchant_order_id": merchant_order_id,
            "amount": row.amount_text,
            "currency": row.asset,
            "status": self.state,
            "cycles_done": self.cycles_done,
            "total_cycles": row.total_cycles,
            "next_charge_at": stamp(self.next_charge_at) if self.next_charge_at else None,
        }
        self._rows.outbox.append(
            OutboxEvent(
                merchant_id=row.merchant_id,
                subject_id=row.subscription_id,
                seq=self.version,
                subject_kind="subscription",
                event_id=new_id(),
                event=event,
                body=body,
                business_at=self.now,
                recorded_at=self.wall,
            )
        )

    def done_with(self, kind: DueKind, subject_id: UUID) -> None:
        self._rows.due_done.append(DueKey(self.row.merchant_id, kind, subject_id))

    def _may_be_charging(self) -> bool:
        """A cycle may be on its way while its subscription is canceled: then its work stays, and
        takes it back."""
        due: datetime | None = self.row.next_charge_at
        before = self.row.state == "canceled" or due is not None and due <= self.now
        return self.state == "canceled" and before and not self.cycle_over

    async def write(self, tx: Tx) -> None:
        """The next cycle is due work while there is one to charge."""
        key = (self.row.merchant_id, self.row.subscription_id)
        if self.state in ("active", "past_due") and self.next_charge_at:
            self._rows.due_work.append(
                DueWork(key[0], "cycle", key[1], self.next_charge_at, wall=False)
            )
        elif not self._may_be_charging():
            self.done_with("cycle", key[1])
        await change_subscription(
            tx,
            *key,
            version=self.version,
            state=self.state,
            cycles_done=self.cycles_done,
            skipped=self.skipped,
            next_charge_at=self.next_charge_at,
            last_order_id=self.last_order_id,
        )
        await write(tx, self._rows)
