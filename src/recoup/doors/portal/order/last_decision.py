"""The decision that a page explains: of what is planned, why nothing is, or why the order was advanced."""

from typing import Final
from uuid import UUID

from recoup.doors.portal.order.ended import reasons_at_end, versions
from recoup.doors.portal.order.facts import attempt_out, to_collect, tried_again
from recoup.doors.portal.order.timeline import decision_of
from recoup.rules.order.lifecycle import ENDED, Stage
from recoup.store.orders.order_page import OrderPage
from recoup.store.orders.order_page_rows import PageDecision
from recoup.store.orders.rows import LogLine

_NOT_MADE: Final = ("attempt_withheld", "attempt_not_sent")


def last_reasons(page: OrderPage) -> tuple[tuple[str, ...], str]:
    """Of an order with nothing planned: why the last decision about its plan went as it did, and its versions."""
    newest = _newest(page)
    if newest is not None and newest.happening in _NOT_MADE:
        return (str(newest.body.get("why") or ""),), versions(decision_of(page, newest.decision_id))
    last = last_plan(page)
    if last is None or attempt_out(page):
        return (), ""
    return tuple(last.reasons) if tried_again(page) else reasons_at_end(last), versions(last)


def decision_shown(page: OrderPage) -> UUID | None:
    """The decision whose reasons the page shows: of what is planned, why nothing is, or why it was advanced."""
    attempt = next((a for a in page.attempts if a.state == "planned"), None)
    if attempt is not None and page.head.next_attempt_at is not None:
        return attempt.decision_id if to_collect(page) is None else _advance_line(page)
    if page.order.stage in ENDED:
        line = next((one for one in reversed(page.log) if one.src != one.dst), None)
        return line.decision_id if line is not None and line.dst != Stage.COMPLETED else _advance_line(page)
    newest = _newest(page)
    if newest is not None and newest.happening in _NOT_MADE:
        return newest.decision_id
    last = last_plan(page)
    return last.decision_id if last is not None and not attempt_out(page) else None


def why_advanced(page: OrderPage) -> tuple[tuple[str, ...], str]:
    """The reasons for taking its risk, and their versions; nothing of an order that was not advanced."""
    decision = decision_of(page, _advance_line(page))
    return (tuple(decision.reasons), versions(decision)) if decision is not None else ((), "")


def _advance_line(page: OrderPage) -> UUID | None:
    return next((line.decision_id for line in page.log if line.happening == "advanced"), None)


def _newest(page: OrderPage) -> LogLine | None:
    """The last line about its plan."""
    return next(
        (line for line in reversed(page.log) if line.happening == "planned" or line.fact_kind == "attempt"), None
    )


def last_plan(page: OrderPage) -> PageDecision | None:
    """The last decision about its plan."""
    return next((one for one in reversed(page.decisions) if one.verdict != "send" and not _is_risk(one)), None)


def _is_risk(decision: PageDecision) -> bool:
    """Of the check before the first send: it plans nothing."""
    return str(decision.versions.get("decider")).startswith("risk-")
