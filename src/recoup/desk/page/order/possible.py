"""Actions that a person may take on the work on an order now, and why not."""

from typing import Any

from recoup.desk.page.order.facts import Action, attempt_out, capture_out, last_hold
from recoup.kernel.problem import Problem
from recoup.orders.rules.attention import REQUEST_REFUSED, is_by_people
from recoup.orders.rules.holds import check_release
from recoup.orders.rules.lifecycle import ENDED, Stage
from recoup.orders.store.order_page import OrderPage
from recoup.people.page.portal_visit import Visit

NOT_YOURS = "your role may only view it."


def possible(visit: Visit, page: OrderPage) -> dict[str, Any]:
    """`waits`: an attempt is due or under way this moment; `deal`: they may say that its trouble is
    over; `block`: the kinds that may be blocked now."""
    stage, head = page.order.stage, page.head
    may, by_plan = visit.session.may("retry"), page.order.kind.startswith("mit")
    out = attempt_out(page)
    due = head.next_attempt_at is not None and head.next_attempt_at <= visit.now
    deal = may and is_by_people(head.attention) and capture_out(page) is None
    refused = head.attention == REQUEST_REFUSED and stage is Stage.PROBLEM
    stopped, worked_on = page.order.do_not_retry, stage in (Stage.RECEIVED, Stage.PROCESSING)
    if not by_plan or stage in ENDED:
        none = Action("it has no planned attempts.", shown=False)
        acts = dict.fromkeys(("retry", "stop", "resume", "hold", "release"), none)
        return acts | dict(note=may, waits=out, deal=deal, block=_block(visit, page))
    return dict(
        retry=_first(
            not may and NOT_YOURS,
            stage is Stage.HELD and "it is on hold.",
            stage is not Stage.PROCESSING and not refused and "it waits to be picked up.",
            visit.known.merchant.killed
            and "the operator has stopped all sending for this merchant.",
            stopped and "its attempts are stopped.",
            out and "an attempt is under way.",
            bool(page.blocks) and "its customer or card is blocked.",
        ),
        stop=_first(not may and NOT_YOURS, stopped and "they are stopped."),
        resume=_first(not may and NOT_YOURS, not stopped and "they are active."),
        hold=_first(
            not may and NOT_YOURS,
            stage is Stage.HELD and "it is on hold.",
            not worked_on and "it waits for its customer, or for a person.",
            out and "an attempt is under way.",
            shown=stage is not Stage.HELD,
        ),
        release=_release(visit, page, may)
        if stage is Stage.HELD
        else Action("it is not on hold.", shown=False),
        note=may,
        waits=due and worked_on or out,
        deal=deal,
        block=_block(visit, page),
    )


def _block(visit: Visit, page: OrderPage) -> tuple[str, ...]:
    if not visit.session.may("block"):
        return ()
    there = (
        ("customer", page.payer is not None and page.payer.payer_id),
        ("card", page.card is not None),
    )
    done = {block.kind for block in page.blocks}
    return tuple(kind for kind, known in there if known and kind not in done)


def _first(*reasons: str | bool, shown: bool = True) -> Action:
    return Action(next((str(reason) for reason in reasons if reason), ""), shown=shown)


def _release(visit: Visit, page: OrderPage, may: bool) -> Action:
    if not may:
        return Action(NOT_YOURS)
    try:
        check_release(
            last_hold(page), operator=visit.is_operator, killed=visit.known.merchant.killed
        )
    except Problem as problem:
        return Action(problem.message)
    return Action()
