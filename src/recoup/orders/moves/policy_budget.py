"""Budgets of retry policies: what leaves within a policy that has one is counted in the transaction
of the send, for the order's merchant, site and campaign, each where a budget counts it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from recoup.db.statement import Tx
from recoup.orders.moves.change import Change
from recoup.orders.rules.snapshot import Order
from recoup.policies.rules.budget import MonthSends
from recoup.policies.rules.stored import Held
from recoup.policies.store.policies import count_sends

Subject = tuple[UUID, UUID]
"""The merchant, and what is counted: itself, its site or its campaign."""


def with_sent(order: Order, sent: Mapping[Subject, int]) -> Held:
    """The order's policies beside what its transaction has counted already."""
    if order.retry.month_sends is None:
        return order.retry
    before = order.retry.month_sends.to_plain()
    now = {name: before[name] + sent.get(subject, 0) for name, subject in _subjects(order).items()}
    return order.retry._replace(month_sends=MonthSends(**now))


def reserved(change: Change) -> Counter[Subject]:
    """Sends of its order that leave with this change, for each that counts them."""
    subjects = _subjects(change.order).values()
    if not subjects:
        return Counter()
    sends = sum(send.state == "reserved" and not send.claimed for send in change.rows.network_sends)
    return Counter(dict.fromkeys(subjects, sends)) if sends else Counter()


async def count(tx: Tx, changes: Sequence[Change]) -> None:
    """Counts the sends of the changes; without one no statement runs. Rows are taken in one order,
    in whichever transaction."""
    counted = Counter[tuple[UUID, UUID, date]]()
    for change in changes:
        month = change.now.date().replace(day=1)
        for (merchant_id, subject_id), sends in reserved(change).items():
            counted[merchant_id, subject_id, month] += sends
    if counted:
        merchants, subjects, months = zip(*sorted(counted), strict=True)
        await count_sends(
            tx, merchants, subjects, months, [counted[key] for key in sorted(counted)]
        )


def _subjects(order: Order) -> dict[str, Subject]:
    sent, merchant_id = order.retry.month_sends, order.merchant_id
    ids = {"merchant": merchant_id, "site": order.site_id, "campaign": order.campaign_id}
    counted = sent.to_plain() if sent is not None else {}
    return {
        name: (merchant_id, subject_id) for name in counted if (subject_id := ids[name]) is not None
    }
