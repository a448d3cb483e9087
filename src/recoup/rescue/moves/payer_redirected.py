"""A charge that waits for its customer, who is sent to their bank's page: nothing is charged before
they confirm."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from recoup.orders.moves.change import Change
from recoup.orders.rules import attempts as attempt_life
from recoup.orders.rules.lifecycle import OPEN
from recoup.orders.rules.snapshot import Attempt
from recoup.processors.rules.authentication import LOOK_EVERY

SOON: Final = timedelta(seconds=1)


def payer_redirected(
    change: Change, attempt: Attempt, url: str | None, reference: str | None
) -> None:
    """The processor's page, as it named it; a repeat of what is known changes nothing. What nobody
    can confirm any more, or never could, is withdrawn by the next inquiry."""
    known = attempt.authentication
    if attempt.state not in attempt_life.GOING:
        return
    waits = known is not None and known.may_wait(change.wall) and change.order.stage in OPEN
    if known is not None and url is not None and known.url is None:
        known = replace(known, url=url)
        if change.order.stage in OPEN:
            change.fact("payer_redirected", attempt.attempt_id, number=attempt.attempt_no)
    change.set_attempt(attempt, authentication=known, reference=reference or attempt.reference)
    next_look: datetime = change.wall + SOON
    if waits and known is not None:
        next_look = min(change.wall + LOOK_EVERY, known.until)
    change.due("inquire", next_look, wall=True)


def payer_returned(
    change: Change, attempt: Attempt, brought: str | None, ask_after: timedelta
) -> bool:
    """Notes the return of the attempt's customer; true if it is their first, and the processor is
    to be queried now. `brought`: None for what is no return. `ask_after`: when the worker does,
    unless somebody has."""
    known = attempt.authentication
    if (
        attempt.state not in attempt_life.GOING
        or known is None
        or known.url is None
        or known.returned is not None
    ):
        return False
    if brought is None or not known.may_wait(change.wall):
        return False
    change.set_attempt(attempt, authentication=replace(known, returned=brought))
    change.due("inquire", change.wall + ask_after, wall=True)
    return True
