"""A declined payment to try: it goes the way of /evaluate and becomes a real order of the sandbox."""

from dataclasses import dataclass

from recoup.doors.portal.developers.page import Decline, acting, developers
from recoup.doors.portal.form_shape import FormKeyId
from recoup.doors.portal.pages import Answer, shown
from recoup.doors.portal.visit import Visit
from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.simulate_decline import Simulated, simulate_decline
from recoup.kernel.money import UNITS_MAX
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.money import typed_amounts


@dataclass(frozen=True, slots=True)
class DeclineForm(Decline):
    key: FormKeyId


@developers.post("/developers/decline", may=acting, shape=DeclineForm)
async def post_decline(visit: Visit, form: DeclineForm) -> Answer:
    """The same form again shows the same order."""
    simulation = Simulated(form.scheme, form.code, form.kind, form.answer, _units(form.amount), form.key)
    portal = visit.portal
    result = await simulate_decline(portal.world, portal.get(Evaluate), acting(visit), visit.known, simulation)
    return shown(word=result)


def _units(text: str) -> int:
    """US cents. Raises: Problem(invalid)."""
    units = typed_amounts.units(text, "USD", "amount")
    if not 0 < units < UNITS_MAX:
        raise Problem(
            "invalid",
            Sentence("{0} is not an amount in US dollars.", repr(text)),
            field="amount",
            cure="Enter an amount like 45.90.",
        )
    return units
