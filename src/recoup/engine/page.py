"""/engine: who decides when declined payments are tried again, the rescue engine or the fixed
schedule; and the engine stopped at once."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias
from uuid import UUID

from recoup.engine.flows import calibration_of
from recoup.kernel.extended import Extended
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.texts import known_id
from recoup.notifications.flows.unlisted_codes import DAYS, read_unlisted
from recoup.notifications.rules.drift import DAYS as CALIBRATION_DAYS
from recoup.notifications.rules.drift import Counted
from recoup.people.page import rights
from recoup.people.page.endpoint import redirect
from recoup.people.page.feature_parts import panels
from recoup.people.page.form_shape import Names, Text, read_again
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, member
from recoup.people.page.portal_visit import Visit, names_of_actors
from recoup.policies.rules.words import CLIPS
from recoup.rescue.rules.model import Model
from recoup.risk.flows import risk as risks
from recoup.risk.flows.risk_versions import risk_in_use
from recoup.switches.flows.card_switches import (
    SWITCH,
    SWITCHES,
    card_switches,
    offered,
    set_card_switches,
)
from recoup.terms.rules.arm_terms import MODES
from recoup.terms.rules.terms import MODES as RISK_MODES
from recoup.terms.rules.terms import RiskTerms
from recoup.terms.rules.typed_bounds import bounds_of, text_of
from recoup.uplift.flows import arms
from recoup.uplift.flows.arms import ArmsChange, Standing

PLACE: Final = "/engine"
PERCENT: Final = re.compile(r"[0-9]{1,3}")
# field of the form -> what it is called
FIELDS: Final = {"share": "Engine traffic", "holdout": "Comparison group", "explore": "Exploration"}
WORDS: Final = {
    "inherit": "same as all sites",
    "off": "fixed schedule",
    "shadow": "fixed schedule, engine in shadow mode",
    "share": "engine, for its share",
}
# of the model's chances, beside what came
VERDICTS: Final = {
    "fits": "It fits.", "too_little": "Too few to tell whether it fits.",
    "drifted": "It no longer fits; the operator can train a new one.",
    "low": "Its chances are too low; training on your own attempts raises them.",
}  # fmt: skip
# of the nightly training
FOUND: Final = {
    "taken": "a better model was found and is now in use",
    "candidate": "a better model was found; the operator decides whether to use it",
    "not_better": "no better model was found",
    "too_little": "there are too few attempts to learn from",
    "failed": "it failed; the operator can see why",
}


@member.page(PLACE, "engine/engine.html", menu=Entry("Settings", 3, "Rescue engine", "retry"))
async def engine(visit: Visit) -> Values:
    standing = await arms.read_arms(visit.world, visit.merchant_id, visit.now)
    model: Model | None = visit.world.models.current(visit.now)
    calibration = (
        await calibration_of(visit.world, visit.merchant_id, model.name)
        if model is not None
        else None
    )
    open_sites = [site for site in visit.known.sites if site.retired_at is None]
    typed = read_again(EngineForm, visit.typed) if "mode" in visit.typed else None
    places = [_place(standing, None, visit.known.merchant.name, typed)]
    places += [_place(standing, site.site_id, site.name, typed) for site in open_sites]
    rows = [place["row"] for place in places if place["row"] is not None]
    own = [stop for stop in standing.stops if stop.merchant_id is not None]
    return dict(
        places=places,
        may=visit.may("switch", or_operator=True),
        standing=standing,
        model=model.learned if model is not None else None,
        calibration=calibration,
        verdict=_verdict(calibration) if calibration is not None else "",
        calibration_days=CALIBRATION_DAYS,
        own=own,
        for_all=[stop for stop in standing.stops if stop.merchant_id is None],
        unlisted=await read_unlisted(visit.world, visit.merchant_id),
        days=DAYS,
        who=await names_of_actors(
            visit, [*(row.changed_by for row in rows), *(stop.actor for stop in own)]
        ),
    )


def _verdict(counted: Counted) -> str:
    is_low = counted.verdict == "drifted" and counted.approved > counted.expected
    return VERDICTS["low" if is_low else counted.verdict]


acting: Final = rights.acting("switch", "set the rescue engine")


_Typed: TypeAlias = Annotated[str, Text(200)]


@frozen
class EngineForm:
    """`site`: its id, empty for the whole shop. The others as `ArmsChange`, in the words that were
    typed."""

    site: str
    mode: _Typed
    share: _Typed
    holdout: _Typed
    explore: _Typed
    explore_max: str


@engine.post(may=acting, shape=EngineForm)
async def post_engine(visit: Visit, form: EngineForm) -> Answer:
    missing = Problem("not_found", "There is no such site.", cure="Reload the page.")
    site_id = known_id(form.site, missing) if form.site else None
    wanted = _wanted(form)
    await arms.set_arms(visit.world, acting(visit), site_id, wanted, needs_model=True)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect(f"{PLACE}#{site_id}" if site_id else PLACE)


@engine.post("/engine/stop", may=acting)
async def post_stop(visit: Visit, *, act: str, why: str) -> None:
    """Stops or resumes the engine for this merchant alone; for all of them the operator's command
    does it. `act`: stop or resume."""
    if act == "resume":
        await arms.resume(visit.world, acting(visit))
    else:
        await arms.stop(visit.world, acting(visit), why)


def _wanted(form: EngineForm) -> ArmsChange:
    """Raises: Problem(invalid)."""
    mode = next((mode for mode in MODES if mode == form.mode), None)
    if mode is None:
        raise invalid("Choose who decides.", "mode", "Reload the page.")
    share, holdout, explore = (
        percent_of(getattr(form, name), name, word) for name, word in FIELDS.items()
    )
    return ArmsChange(mode, share, holdout, explore, bounds_of(form.explore_max))


def percent_of(text: str, name: str, word: str) -> int:
    typed = text.strip().removesuffix("%").strip()
    if not PERCENT.fullmatch(typed):
        raise invalid(Sentence("{0}: not a whole percentage.", word), name, "Write it like 10.")
    return int(typed)


def _place(standing: Standing, site_id: UUID | None, name: str, typed: EngineForm | None) -> Values:
    """The shop, or one of its sites. `texts`: what its form shows. `left`: what retry policies
    leave of it, empty for all; `by`: whose."""
    terms, key = standing.own(site_id), str(site_id or "")
    texts = {field: str(getattr(terms, field)) for field in FIELDS}
    texts |= {"mode": terms.mode, "explore_max": text_of(terms.explore_max)}
    if typed is not None and typed.site == key:
        texts |= {name: getattr(typed, name)[:200] for name in texts}
    row, left = standing.changed.get(site_id), standing.cut(site_id)
    place: Values = dict(site_id=key, name=name, terms=terms, texts=texts, row=row, left="", by=())
    if left is None:
        return place
    part = Sentence("{0} % of the customers, where {1} % are set", left.terms.share, left.of.share)
    word = part if left.terms.mode == "share" else WORDS[left.terms.mode]
    return place | dict(left=word, by=[CLIPS[scope] for scope in left.by])


RISK_PLACE: Final = "/engine/risk"
# field of the form -> what it is called
RISK_FIELDS: Final = {
    "share": "Share of the risk check",
    "holdout": "Comparison group",
    "margin": "Margin of a sale",
}


@member.page(RISK_PLACE, "engine/risk.html")
async def risk(visit: Visit) -> Values:
    row = await risks.newest_risk(visit.world, visit.merchant_id)
    return dict(
        risk=_texts(visit, row.terms if row else RiskTerms()),
        row=row,
        learned=await risk_in_use(visit.world),
        may=visit.may("switch", or_operator=True),
        who=await names_of_actors(visit, [row.changed_by] if row else []),
    )


@risk.post(may=acting)
async def post_risk(
    visit: Visit, *, risk_mode: _Typed, share: _Typed, holdout: _Typed, margin: _Typed
) -> None:
    """Applies to payments from now on."""
    mode = next((mode for mode in RISK_MODES if mode == risk_mode), None)
    if mode is None:
        raise invalid("Choose who decides.", "risk_mode", "Reload the page.")
    typed = {"share": share, "holdout": holdout, "margin": margin}
    percents = {name: percent_of(typed[name], name, word) for name, word in RISK_FIELDS.items()}
    await risks.set_risk(visit.world, acting(visit), risks.RiskChange(mode, **percents))
    visit.portal.merchants.forget(visit.merchant_id)


def _texts(visit: Visit, terms: RiskTerms) -> dict[str, str]:
    texts = {"mode": terms.mode} | {name: str(getattr(terms, name)) for name in RISK_FIELDS}
    if "risk_mode" in visit.typed:
        typed = read_again(post_risk, visit.typed)
        texts = {"mode": typed.risk_mode[:200]} | {
            name: getattr(typed, name)[:200] for name in RISK_FIELDS
        }
    return texts


CARDS_PLACE: Final = "/engine/cards"
# switch -> what it is called, and what it does
_CARD_WORDS: Final = {
    "card_updates": (
        "Use account updater",
        "Before a payment is given up for a wrong number or an expired card, newer data are "
        "requested from the card "
        "networks.",
    ),
    "other_cards": (
        "Try another card of the same customer",
        "Where the order’s own card cannot be charged any more, a card that paid another order of "
        "the same customer is "
        "tried.",
    ),
}
CARD_WORDS: Final = Extended(
    _CARD_WORDS, SWITCH, lambda card: {card.setting: card.page}, before="other_cards"
)


@member.page(CARDS_PLACE, "engine/cards.html")
async def cards(visit: Visit) -> Values:
    typed = read_again(post_cards, visit.typed) if "cards" in visit.typed else None
    return dict(
        cards=_switched(typed.ticked)
        if typed
        else await card_switches(visit.world, visit.merchant_id),
        offered=offered(visit.world),
        may=visit.may("switch", or_operator=True),
        **await panels(lambda part: part.rescue, visit),
    )


@cards.post(may=acting)
async def post_cards(
    visit: Visit, *, ticked: Annotated[Mapping[str, bool], Names(SWITCHES.__contains__)]
) -> None:
    """Applies to attempts from now on. `ticked`: by the names of `SWITCHES`."""
    await set_card_switches(visit.world, acting(visit), _switched(ticked))


def _switched(ticked: Mapping[str, bool]) -> dict[str, bool]:
    return {name: ticked.get(name, False) for name in SWITCHES}
