"""Questions of a back-test: the lines of the policies it asks within, with what stands around and
inside them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from recoup.backtest.flows.backtest import ENGINE, EVERYWHERE, Places
from recoup.backtest.rules.question import DAYS, WINDOW_DAYS, Question
from recoup.imports.flows import one_import
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence, invalid
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.store.merchants import load_merchant
from recoup.policies.rules.in_force import InForce, Part
from recoup.policies.rules.policy import CURRENT, POLICIES
from recoup.policies.rules.stored import part_of
from recoup.policies.rules.terms import SCOPES, ScopeKind
from recoup.policy_versions.flows.policies import (
    Standing,
    check_policy,
    holding_inside,
    read_standing,
    read_version,
    refused,
)
from recoup.policy_versions.flows.policy_scopes import Where, where_of


async def places_of(
    world: World, merchant_id: UUID, question: Question
) -> tuple[InForce | None, Places]:
    """The policies as one, and those of sites and campaigns that have their own. None: those that
    held then.

    Raises: Problem(not_found).
    """
    if question.lines is None:
        return None, EVERYWHERE if question.scope == "merchant" else Places(question.subject)
    if question.purpose == "bounds":
        return await _within_bounds(world, merchant_id, question)
    where = await _where(world, merchant_id, question)
    standing = await read_standing(world, where)
    wider = standing.wider.parts if standing.wider is not None else ()
    own = part_of(where.scope, str(where.subject_id), question.number, question.lines)
    others = {}
    for place, inner in (await holding_inside(world, where)).items():
        others[place] = InForce((*wider, own, *inner))
    only = None if where.scope == "merchant" else where.subject_id
    return InForce((*wider, own)), Places(only, others)


async def _within_bounds(
    world: World, merchant_id: UUID, question: Question
) -> tuple[InForce, Places]:
    """The merchant's policies as they hold now, with these bounds in the place of those of their
    scope."""
    assert question.lines is not None
    own, subject = (
        await where_of(world, merchant_id),
        str(question.subject) if question.scope == "partner" else "",
    )
    bounds = part_of(question.scope, subject, question.number, question.lines)
    parts = [*_beside(question.scope, await read_standing(world, own)), bounds]
    whole = tuple(sorted(parts, key=lambda part: SCOPES.index(part.scope)))
    inside = (await holding_inside(world, own)).items()
    return InForce(whole), Places(
        None, {place: InForce((*whole, *inner)) for place, inner in inside}
    )


def _beside(scope: ScopeKind, standing: Standing) -> list[Part]:
    return (
        [part for part in standing.whole.parts if part.scope != scope]
        if standing.whole is not None
        else []
    )


async def _where(world: World, merchant_id: UUID, question: Question) -> Where:
    site_id = question.subject if question.scope == "site" else None
    campaign_id = question.subject if question.scope == "campaign" else None
    return await where_of(world, merchant_id, site_id=site_id, campaign_id=campaign_id)


async def decider_of(world: World, merchant_id: UUID, *, by_settings: bool) -> str:
    """The decider for new orders: the engine where it decides for any and has a model, else the
    schedule. `by_settings`: whatever the policies in force leave of them, as for a policy that
    would take their place."""
    now = world.clocks.business(await known_offset(world.db, merchant_id))
    known = await load_merchant(world.db, merchant_id)
    await world.models.ready()
    arms = [known.arms_left(now, site_id) for site_id in known.arms] if known else []
    terms = [arm.of if by_settings else arm.terms for arm in arms]
    decides = any(term.mode == "share" and term.share for term in terms)
    return ENGINE if decides and world.models.current(now) is not None else CURRENT.version


def draft_of(where: Where, standing: Standing, lines: Mapping[str, Any], decider: str) -> Question:
    """The question of a policy before it is saved: its lines as the version that they would be,
    inside what holds around them."""
    return Question(
        purpose="draft",
        decider=decider,
        lines=dict(lines),
        scope=where.scope,
        subject=where.subject_id,
        number=standing.number + 1,
        wider=standing.wider.name if standing.wider is not None else "",
    )


async def of_bounds(
    world: World, merchant_id: UUID, where: Where, number: int, lines: Mapping[str, Any]
) -> Question:
    """The question of bounds before they are saved, as version `number`, at one of the merchants
    under them."""
    own = await where_of(world, merchant_id)
    inner = [part for parts in (await holding_inside(world, own)).values() for part in parts]
    others = [*_beside(where.scope, await read_standing(world, own)), *inner]
    return Question(
        purpose="bounds",
        decider=await decider_of(world, merchant_id, by_settings=True),
        lines=dict(lines),
        scope=where.scope,
        subject=where.subject_id,
        number=number,
        wider=" ".join(dict.fromkeys(part.name for part in others)),
    )


@frozen
class BacktestRequest:
    """Request as a door takes it. `decider`: empty for whoever decides now. `version`: of the
    policy there; None: the ones that held when each decision was made. `lines`: of one that is not
    saved."""

    decider: str = ""
    version: int | None = None
    lines: object = None
    site_id: UUID | None = None
    campaign_id: UUID | None = None
    days: int = DAYS
    import_id: UUID | None = None
    window_days: int = WINDOW_DAYS


async def question_for(world: World, merchant_id: UUID, request: BacktestRequest) -> Question:
    """Raises: Problem(not_found), Problem(invalid) for lines that could not be saved, and for a
    decider without meaning."""
    if request.decider not in ("", ENGINE, *POLICIES):
        cure = Sentence("Choose from {0}.", ", ".join([ENGINE, *POLICIES]))
        raise invalid(Sentence("There is no policy {0}.", request.decider[:60]), "decider", cure)
    if request.import_id is not None:
        await one_import(world, merchant_id, request.import_id)
    where = await where_of(
        world, merchant_id, site_id=request.site_id, campaign_id=request.campaign_id
    )
    standing = await read_standing(world, where)
    lines, number = await _lines(world, where, standing, request)
    return Question(
        basis="orders" if request.import_id is None else "import",
        import_id=request.import_id,
        decider=request.decider
        or await decider_of(world, merchant_id, by_settings=lines is not None),
        lines=lines,
        scope=where.scope,
        subject=where.subject_id,
        number=number,
        wider=standing.wider.name if standing.wider is not None else "",
        days=request.days,
        window_days=request.window_days,
    )


async def _lines(
    world: World, where: Where, standing: Standing, request: BacktestRequest
) -> tuple[dict[str, Any] | None, int]:
    """Lines of the policy in question, with the number of their version."""
    if request.lines is not None:
        checked = await check_policy(world, where, request.lines)
        if checked.complaints:
            raise refused(checked)
        return checked.terms.to_plain(), standing.number + 1
    if request.version is None:
        return None, 0
    return (await read_version(world, where, request.version)).content, request.version
