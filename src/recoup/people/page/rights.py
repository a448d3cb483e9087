"""Rights that somebody needs for a page or a form, as its declaration says it: a check that raises
Problem(forbidden)."""

from collections.abc import Callable

from recoup.kernel.scope import Scope
from recoup.people.page.endpoint import SignedVisit
from recoup.people.page.partner_visit import PartnerVisit
from recoup.people.page.portal_visit import Visit


def anybody(visit: object) -> None:
    """Every role that may open the page; named, so that no form is open to all by oversight."""


def role(action: str, doing: str, *, or_operator: bool = False) -> Callable[[Visit], None]:
    """A role at the merchant that may; `doing` as "cancel orders"."""
    return lambda visit: visit.only(action, doing, or_operator=or_operator)


def acting(action: str, doing: str) -> Callable[[Visit], Scope]:
    """The same, and on whose behalf: the operator's people do it as the operator."""
    return lambda visit: visit.acting(action, doing)


def operator(doing: str) -> Callable[[SignedVisit], None]:
    """The operator; `doing` as "approve a payout"."""
    return lambda visit: visit.only_operator(doing)


def seat(action: str) -> Callable[[PartnerVisit], None]:
    """A role at the partner that may."""
    return lambda visit: visit.only(action)
