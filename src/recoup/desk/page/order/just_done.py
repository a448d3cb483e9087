"""Message on what a person has just done to an order, at the top of its page: the timeline below
may be long, and what the press of a button began may not have happened yet."""

from typing import Final

from starlette.responses import Response

from recoup.desk.page.order.within import back_to
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.store.order_page import OrderPage
from recoup.people.page.endpoint import redirect
from recoup.people.page.portal_visit import Visit

ADDRESS: Final = "done"  # in the address that such a form leads back to
NEWEST: Final = 3  # lines of the log: what was done, and what followed at once
_WORDS: Final = {
    "by_hand": "The next attempt is brought forward and sent within seconds. Reload the page for "
    "the bank's answer.",
    "retries_stopped": "Attempts are stopped. The order stays open until it expires.",
    "retries_resumed": "Attempts are resumed.",
    "dealt_with": "The problem is resolved. The timeline shows who resolved it.",
    "released": "The order is released and processing resumes.",
    "capture_asked": "The capture is under way: the processor has not answered yet. Reload the "
    "page for its answer.",
    "capture_refused": "The processor refused the capture. While the order is authorised, capture "
    "it again later, or "
    "cancel it.",
    "refund_asked": "This waits until a second person approves it; see Approvals.",
    "captured": "The amount is captured: the card is charged.",
    "part_captured": "A part is captured: the card is charged that; the rest stays authorised.",
    "capture_ended": "What was not captured is released; the order is worth what was captured.",
}


def just_done(visit: Visit, page: OrderPage) -> str:
    """Empty when nothing was, and when something newer stands in the log: the page shows that
    itself."""
    if ADDRESS not in visit.request.query_params or page.order.stage in (Stage.HELD, Stage.PROBLEM):
        return ""
    off = visit.world.routes.stop is not None
    for line in reversed(page.log[-NEWEST:]):
        name = line.body.get("verdict") if line.happening == "planned" else line.happening
        if name == "dealt_with" and page.head.attention:
            return ""
        if off and name == "by_hand":
            return (
                "The next attempt is brought forward. All sending is off: it is sent when "
                "sending is on again."
            )
        if name in _WORDS:
            return _WORDS[name]
        if line.happening != "planned":
            return ""
    return ""


def done(visit: Visit, page: OrderPage) -> Response:
    """Back to the order, which says what was done."""
    return redirect(back_to(visit, page.order_id, **{ADDRESS: "1"}))
