"""The terms of collecting in parts, on the page of what is done for cards."""

from dataclasses import asdict
from typing import Annotated, Final

from recoup.engine.page import CARDS_PLACE, PERCENT, acting, cards
from recoup.kernel.frozen import frozen
from recoup.parts.flows import part_terms, set_part_terms
from recoup.parts.rules import COUNT_MAX, OFF, SHARE_MAX, SHARE_MIN
from recoup.people.page.endpoint import redirect
from recoup.people.page.feature_parts import Panel, PortalPart
from recoup.people.page.form_shape import Text, read_again
from recoup.people.page.pages import Answer, Values
from recoup.people.page.portal_visit import Visit, names_of_actors


async def _terms(visit: Visit) -> Values:
    row = await part_terms(visit.world, visit.merchant_id)
    return dict(
        collected=_part_texts(visit, asdict(row.terms if row else OFF)),
        row=row,
        bounds={"least_share": (SHARE_MIN, SHARE_MAX), "count_max": (1, COUNT_MAX)},
        who=await names_of_actors(visit, [row.changed_by] if row else []),
    )


@frozen
class PartsForm:
    """`parts`: which form it is. The others as `PartTerms`, in the words that were typed."""

    parts: str
    enabled: bool
    least_share: Annotated[str, Text(200)]
    count_max: Annotated[str, Text(200)]
    at_expiry: str


@cards.post("/engine/parts", may=acting, shape=PartsForm)
async def post_parts(visit: Visit, form: PartsForm) -> Answer:
    """Applies to decisions from now on; the rule for collected parts applies to all open orders."""
    values = {"enabled": form.enabled, "at_expiry": form.at_expiry}
    whole = {name: _whole(getattr(form, name)) for name in ("least_share", "count_max")}
    await set_part_terms(visit.world, acting(visit), values | whole)
    return redirect(f"{CARDS_PLACE}#parts")


def _whole(text: str) -> int:
    """-1 for what is no whole number: it is refused with the bounds."""
    typed = text.strip().removesuffix("%").strip()
    return int(typed) if PERCENT.fullmatch(typed) else -1


def _part_texts(visit: Visit, stored: Values) -> Values:
    """Values of its form."""
    if "parts" not in visit.typed:
        return stored
    typed = read_again(PartsForm, visit.typed)
    texts = {name: getattr(typed, name)[:200] for name in ("least_share", "count_max", "at_expiry")}
    return texts | {"enabled": typed.enabled}


PORTAL: Final = PortalPart(rescue=Panel("parts/cards.html", _terms))
