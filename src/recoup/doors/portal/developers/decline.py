"""A declined payment to try: it goes the way of /evaluate and becomes a real order of the sandbox."""

from decimal import Decimal, InvalidOperation

from starlette.responses import Response

from recoup.doors.portal.developers.page import USUAL, show
from recoup.doors.portal.developers.who import acting
from recoup.doors.portal.form_key import key_id_of
from recoup.doors.portal.visit import Visit, checked_form, one
from recoup.flows.cards.simulate_decline import Simulated, simulate_decline
from recoup.kernel.problem import Problem


async def post_decline(visit: Visit) -> Response:
    """The same form again shows the same order."""
    form = await checked_form(visit)
    scope = acting(visit)
    typed = {name: one(form, name).strip()[:16] for name in USUAL}
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
    try:
        amount = Decimal(text.replace(",", ""))
        units = amount.scaleb(2)
        if not text.isascii() or not amount.is_finite() or units != units.to_integral_value() or not 0 < units < 10**12:
            raise InvalidOperation
    except (InvalidOperation, ValueError):
        raise Problem("invalid", f"{text!r} is no amount of US dollars.", field="amount",
                      cure="Enter an amount like 45.90.") from None  # fmt: skip
    return int(units)
