"""Forms that a page of ours made, in this session, of the merchant and the world that are looked at
still."""

from hmac import compare_digest

from recoup.kernel.problem import Problem, Sentence
from recoup.people.flows.sessions import Session, is_csrf
from recoup.people.page.endpoint import SignedVisit, resubmit_fields
from recoup.people.page.forms import Form, read_form, same_origin
from recoup.people.page.portal_visit import Visit

# How much of where a form was made must be so still, as `is_csrf` counts it.
ANYWHERE, IN_WORLD, AT_MERCHANT = 1, 2, 3


async def own_form(visit: SignedVisit, where: int = ANYWHERE) -> Form:
    """Reads a form that changes nothing at a merchant or partner. Raises: Problem(forbidden) for a
    form that this session did not make; Problem(conflict) for one of another place."""
    same_origin(visit.request)
    form = await read_form(visit.request)
    check_csrf(
        visit.session, form.get("csrf", [""])[0], resubmit_fields(visit.request, form), where=where
    )
    return form


async def checked_form(visit: SignedVisit) -> Form:
    """Raises: as `own_form`; Problem(forbidden) also for a paused partner's people."""
    not_paused(visit.paused)
    return await own_form(visit, where_of(visit))


def where_of(visit: SignedVisit) -> int:
    """A partner's forms are of the partner, whichever merchant is looked at."""
    return AT_MERCHANT if isinstance(visit, Visit) else IN_WORLD


def check_csrf(
    session: Session,
    given: str,
    typed: list[tuple[str, str]] | None = None,
    *,
    where: int = ANYWHERE,
) -> None:
    """`typed`: what is kept, to be sent again. Raises: Problem(forbidden) for a key that this
    session did not make; Problem(conflict) for one that it made elsewhere: that form is not sent
    again by one click."""
    if is_csrf(session, given, parts=where):
        return
    if is_csrf(session, given):
        raise Problem(
            "conflict",
            "This form belongs to another merchant or environment than the present one; nothing "
            "was done.",
            "Check the page and send the form again.",
        )
    if session.spent_csrf and compare_digest(
        session.spent_csrf.encode(), given.encode("utf-8", "replace")
    ):
        raise Problem(
            "forbidden",
            "Your impersonation is over; nothing was done.",
            "From now on you act as yourself: start again.",
        )
    raise Problem(
        "forbidden",
        "This form is from another session; nothing was done.",
        "Go back, reload the page and send the form again.",
        typed=typed,
    )


def not_paused(partner: str) -> None:
    """`partner`: the name of the paused one, or empty. Raises: Problem(forbidden)."""
    if partner:
        raise Problem(
            "forbidden",
            Sentence(
                "This partner is paused: people of {0} may view everything, but change nothing; "
                "nothing was done.",
                partner,
            ),
            "Ask the operator. Members of the merchant itself are not affected.",
        )
