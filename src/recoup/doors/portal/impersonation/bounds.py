"""What somebody of the operator may do while they impersonate somebody. What stands here not is refused."""

from typing import Final

from starlette.requests import Request

from recoup.doors.edge.called import template_of
from recoup.flows.people.sessions import Session
from recoup.kernel.problem import Problem
from recoup.rules.people.impersonation import closed

END: Final = "/look-as/end"
# Pages that are not theirs to see: people and their mails, one's own account.
CLOSED: Final = frozenset({"invitations", "account", "notifications", "look-as", "partner"})
# What may be done when that was ticked: nothing about money that needs two people, passwords, keys, bank accounts,
# people, or somebody's own habits.
OPEN: Final = frozenset({
    "/orders/{order_id}/cancel", "/orders/{order_id}/retry", "/orders/{order_id}/stop", "/orders/{order_id}/resume",
    "/orders/{order_id}/hold", "/orders/{order_id}/release", "/orders/{order_id}/notes", "/orders/{order_id}/block",
    "/orders/{order_id}/dealt-with",
    "/orders/{order_id}/unblock", "/orders/{order_id}/capture", "/orders/{order_id}/refund", "/customers/unblock",
    "/customers/{payer_id}/block",
    "/engine", "/engine/stop", "/switches", "/switches/test", "/switches/unknown-sites", "/switches/campaigns",
    "/switches/campaigns/{campaign_id}", "/switches/campaigns/{campaign_id}/retire", "/mailbox",
    "/disputes/{dispute_id}/notes", "/disputes/{dispute_id}/answer", "/uploads/{upload_id}/stop",
    "/imports/{import_id}/stop",
    "/webhooks/{endpoint_id}", "/webhooks/{endpoint_id}/state", "/webhooks/{endpoint_id}/test",
    "/webhooks/{endpoint_id}/replay", "/webhooks/{endpoint_id}/deliveries/{try_id}/redeliver",
    "/developers/clock", "/developers/decline",
})  # fmt: skip


def check_behind(request: Request, session: Session) -> None:
    """Before a page of somebody who is looked as. Raises: Problem(forbidden)."""
    if session.behind is None:
        return
    path = template_of(request.scope)
    if path == END:
        return
    if path.split("/")[1] in CLOSED:
        raise Problem(
            "forbidden", "This is not shown while you impersonate somebody.", cure="End the impersonation first."
        )
    if request.method in ("GET", "HEAD"):
        return
    if not session.behind.may_act:
        raise Problem(
            "forbidden",
            "View only: nothing was done.",
            cure="End the impersonation, or start one in which you may act.",
        )
    if path not in OPEN:
        raise closed()
