"""A declined payment to try: it goes the way of /evaluate and becomes a real order of the sandbox."""

from starlette.responses import Response

from recoup.doors.portal.developers.page import USUAL, show
from recoup.doors.portal.developers.who import acting
from recoup.doors.portal.form_key import key_id_of
from recoup.doors.portal.forms import first
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.cards.simulate_decline import Simulated, simulate_decline
from recoup.kernel.problem import Problem
from recoup.rules.money import typed_amounts


async def post_decline(visit: Visit) -> Response:
    """The same form again shows the same order."""
    form = await checked_form(visit)
    scope = acting(visit)
    typed = {name: first(form, name).strip()[:16] for name in USUAL}
    try:
        asked = Simulated(typed["scheme"], typed["code"], typed["kind"], typed["answer"], _units(typed["amount"]),
                          key_id_of(form))  # fmt: skip
        portal = visit.portal
        word = await simulate_decline(portal.world, portal.evaluate, scope, visit.known, asked)
    except Problem as problem:
        return await show(visit, problem, typed=typed)
    return await show(visit, typed=typed, word=word)


def _units(text: str) -> int:
    """US cents. Raises: Problem(invalid)."""
    units = typed_amounts.units(text, "USD", "amount")
    if not 0 < units < 10**12:
        raise Problem("invalid", f"{text!r} is not an amount in US dollars.", field="amount",
                      cure="Enter an amount like 45.90.")  # fmt: skip
    return units
