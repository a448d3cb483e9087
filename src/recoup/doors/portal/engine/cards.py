"""/engine/cards: what is done for cards besides charging them, and whether a payment may be collected in parts."""

from dataclasses import asdict, dataclass
from typing import Annotated, Final

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.engine.page import PERCENT, acting
from recoup.doors.portal.form_shape import Text, read_again
from recoup.doors.portal.pages import Answer, Values, member
from recoup.doors.portal.switches.words import names_of_actors
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.card_switches import SWITCHES, card_switches, offered, set_card_switches
from recoup.flows.merchants.part_terms import part_terms, set_part_terms
from recoup.rules.rescue.part_terms import COUNT_MAX, OFF, SHARE_MAX, SHARE_MIN

PLACE: Final = "/engine/cards"
# switch -> what it is called, and what it does
WORDS: Final = {
    "card_updates": (
        "Use account updater",
        "Before a payment is given up for a wrong number or an expired card, newer data are requested from the card "
        "networks.",
    ),
    "network_tokens": (
        "Charge by network tokens",
        "A network token is created for each card with another attempt planned. Later attempts use it where the route "
        "accepts it. The token stays when the card is replaced.",
    ),
    "other_cards": (
        "Try another card of the same customer",
        "Where the order’s own card cannot be charged any more, a card that paid another order of the same customer is "
        "tried.",
    ),
}


@member.page(PLACE, "engine/cards.html")
async def cards(visit: Visit) -> Values:
    row = await part_terms(visit.world, visit.merchant_id)
    typed = read_again(CardsForm, visit.typed) if "cards" in visit.typed else None
    return dict(
        cards=_switched(typed) if typed else await card_switches(visit.world, visit.merchant_id),
        offered=offered(visit.world),
        words=WORDS,
        collected=_part_texts(visit, asdict(row.terms if row else OFF)),
        row=row,
        bounds={"least_share": (SHARE_MIN, SHARE_MAX), "count_max": (1, COUNT_MAX)},
        may=visit.may("switch", or_operator=True),
        who=await names_of_actors(visit, [row.changed_by] if row else []),
    )


@dataclass(frozen=True, slots=True)
class CardsForm:
    """`cards`: which form it is. The others as `SWITCHES`."""

    cards: str
    card_updates: bool
    network_tokens: bool
    other_cards: bool


@cards.post(may=acting, shape=CardsForm)
async def post_cards(visit: Visit, form: CardsForm) -> Answer:
    """Applies to attempts from now on."""
    await set_card_switches(visit.world, acting(visit), _switched(form))
    return redirect(PLACE)


def _switched(form: CardsForm) -> dict[str, bool]:
    return {name: getattr(form, name) for name in SWITCHES}


@dataclass(frozen=True, slots=True)
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
    return redirect(f"{PLACE}#parts")


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
