"""A declined payment to try: it goes the way of /evaluate and becomes a real order of the sandbox."""

from recoup.doors.portal.developers.page import developers, typed_of
from recoup.doors.portal.developers.who import acting
from recoup.doors.portal.form_key import key_id_of
from recoup.doors.portal.forms import Form
from recoup.doors.portal.pages import Answer, shown
from recoup.doors.portal.visit import Visit
from recoup.flows.cards.simulate_decline import Simulated, simulate_decline
from recoup.kernel.problem import Problem
from recoup.rules.money import typed_amounts


@developers.post("/developers/decline", may=acting)
async def post_decline(visit: Visit, form: Form) -> Answer:
    """The same form again shows the same order."""
    typed = typed_of(form)
    simulation = Simulated(
        typed["scheme"], typed["code"], typed["kind"], typed["answer"], _units(typed["amount"]), key_id_of(form)
    )
    portal = visit.portal
    result = await simulate_decline(portal.world, portal.evaluate, acting(visit), visit.known, simulation)
    return shown(word=result)


def _units(text: str) -> int:
    """US cents. Raises: Problem(invalid)."""
    units = typed_amounts.units(text, "USD", "amount")
    if not 0 < units < 10**12:
        raise Problem(
            "invalid", f"{text!r} is not an amount in US dollars.", field="amount", cure="Enter an amount like 45.90."
        )
    return units
