"""/engine/risk: whether the risk check decides about payments whose customer waits."""

from dataclasses import dataclass
from typing import Annotated, Final

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.engine.page import acting, percent_of
from recoup.doors.portal.form_shape import Text, read_again
from recoup.doors.portal.pages import Answer, Values, member
from recoup.doors.portal.switches.words import names_of_actors
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants import risk as risks
from recoup.flows.risk_versions import risk_in_use
from recoup.kernel.problem import Problem
from recoup.rules.risk.terms import MODES, RiskTerms

PLACE: Final = "/engine/risk"
# field of the form -> what it is called
FIELDS: Final = {"share": "Share of the risk check", "holdout": "Comparison group", "margin": "Margin of a sale"}


@member.page(PLACE, "engine/risk.html")
async def risk(visit: Visit) -> Values:
    row = await risks.newest_risk(visit.world, visit.merchant_id)
    return dict(
        risk=_texts(visit, row.terms if row else RiskTerms()),
        row=row,
        fields=FIELDS,
        learned=await risk_in_use(visit.world),
        may=visit.may("switch", or_operator=True),
        who=await names_of_actors(visit, [row.changed_by] if row else []),
    )


@dataclass(frozen=True, slots=True)
class RiskForm:
    """`risk_mode` and percents, in the words that were typed."""

    risk_mode: Annotated[str, Text(200)]
    share: Annotated[str, Text(200)]
    holdout: Annotated[str, Text(200)]
    margin: Annotated[str, Text(200)]


@risk.post(may=acting, shape=RiskForm)
async def post_risk(visit: Visit, form: RiskForm) -> Answer:
    """Applies to payments from now on."""
    mode = next((mode for mode in MODES if mode == form.risk_mode), None)
    if mode is None:
        raise Problem("invalid", "Choose who decides.", field="risk_mode", cure="Reload the page.")
    share, holdout, margin = (percent_of(getattr(form, name), name, word) for name, word in FIELDS.items())
    await risks.set_risk(visit.world, acting(visit), risks.RiskChange(mode, share, holdout, margin))
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect(PLACE)


def _texts(visit: Visit, terms: RiskTerms) -> dict[str, str]:
    texts = {"mode": terms.mode} | {name: str(getattr(terms, name)) for name in FIELDS}
    if "risk_mode" in visit.typed:
        typed = read_again(RiskForm, visit.typed)
        texts = {"mode": typed.risk_mode[:200]} | {name: getattr(typed, name)[:200] for name in FIELDS}
    return texts
