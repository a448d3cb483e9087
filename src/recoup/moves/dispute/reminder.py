"""While nothing was sent, people are reminded of a dispute's deadline, more and more pressingly."""

from uuid import UUID

from recoup.moves.change import Change
from recoup.moves.message.alert import alert
from recoup.rules.messages.local_time import next_reminder, reminder_due
from recoup.rules.order.disputed import Dispute


def watch_reminders(change: Change, dispute: Dispute) -> None:
    """From now on: the next reminder, if time is left for one."""
    at = next_reminder(dispute.respond_by, change.now) if dispute.respond_by and dispute.state == "open" else None
    if at is None:
        change.undue("dispute_reminder", subject_id=dispute.dispute_id)
    else:
        change.due("dispute_reminder", at, subject_id=dispute.dispute_id)


def remind(change: Change, dispute_id: UUID) -> None:
    """Due work `dispute_reminder`. Of several that have passed only the most pressing raises an alert."""
    dispute = change.order.dispute(dispute_id)
    watch_reminders(change, dispute)
    if dispute.state != "open" or dispute.respond_by is None or dispute.answer is not None:
        return
    days = reminder_due(dispute.respond_by, change.now)
    if days is None:
        return
    facts = {
        "dispute_id": dispute_id,
        "order_id": dispute.order_id,
        "external_id": change.order.external_id,
        "units": dispute.units,
        "asset": dispute.asset,
        "respond_by": dispute.respond_by,
        "days": days,
    }
    step = int(dispute.respond_by.timestamp()) * 10 + days
    alert(change.rows, change.order.merchant_id, "deadline", dispute_id, step, facts, change.wall)
