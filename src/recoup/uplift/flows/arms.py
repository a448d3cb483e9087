"""Settings of who decides about a merchant's new orders, the engine or the fixed schedule; and the
engine's stop at once.

Settings are about new orders: those that were taken keep their arm. A stop is about all of them:
while it stands the schedule decides in the engine's place, also about what the engine had planned,
once that has come.
"""

from collections.abc import Mapping
from dataclasses import asdict, field, replace
from typing import Any, Final
from uuid import UUID

from recoup.audit import moves as audit
from recoup.audit.rules import amount, changes
from recoup.db.statement import Read
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid, joined
from recoup.kernel.scope import Scope
from recoup.kernel.time import BusinessTime
from recoup.kit.terms import changed
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset, no_such_merchant
from recoup.merchants.store.merchants import load_merchant
from recoup.merchants.store.sites import lock_merchant, raise_version
from recoup.policies.rules.in_force import InForce
from recoup.rescue.rules.model import Model
from recoup.rescue.rules.model_standing import WHY_NONE
from recoup.rescue.store.facts import keep_facts_for
from recoup.rescue.store.models import TrainingLine, last_training
from recoup.terms.rules.arm_terms import WHY_CHARS_MAX, Cut, Mode, Terms, check_terms, cut
from recoup.terms.store.arms import (
    ArmSettings,
    EngineStop,
    add_arm_settings,
    arm_settings,
    resume_engine,
    standing_stops,
    stop_engine,
)

OFF: Final = Terms(0, holdout=10, explore=10)  # how a merchant begins that switches it on
_AT_WORK: Final = ("shadow", "share")
_NAMES: Final = ("mode", "share", "holdout", "explore")


@frozen
class ArmsChange:
    """A change of the settings; None leaves a field as it is. Percents; `explore_max`: by currency,
    units."""

    mode: Mode | None = None
    share: int | None = None
    holdout: int | None = None
    explore: int | None = None
    explore_max: Mapping[str, int] | None = None


@frozen
class Standing:
    """`lines`: by site, None for the merchant's own; `changed` their rows. `stops`: rows of
    engine_stops that hold. `model`: the one that decides; None, and `why_none` says why. `trained`:
    what the last night's training found. `within`: by site, the retry policies that bound the
    engine there now; those of campaigns are not among them."""

    lines: Mapping[UUID | None, Terms]
    changed: Mapping[UUID | None, ArmSettings]
    stops: tuple[EngineStop, ...]
    model: str | None = None
    why_none: str = ""
    trained: TrainingLine | None = None
    within: Mapping[UUID | None, InForce | None] = field(default_factory=dict)

    def own(self, site_id: UUID | None = None) -> Terms:
        begins = (
            OFF
            if site_id is None
            else Terms(0, "inherit", holdout=OFF.holdout, explore=OFF.explore)
        )
        return self.lines.get(site_id, begins)

    def cut(self, site_id: UUID | None = None) -> Cut | None:
        """The cut by retry policies in what is set there; None: they leave all of it."""
        own = self.own(site_id)
        return cut(self.own() if own.mode == "inherit" else own, self.within.get(site_id))


async def read_arms(world: World, merchant_id: UUID, now: BusinessTime) -> Standing:
    await world.models.ready()
    model: Model | None = world.models.current(now)
    known = await load_merchant(world.db, merchant_id)
    sites = [None, *(site.site_id for site in known.sites)] if known is not None else []
    arms = replace(
        await _standing(world.db, merchant_id),
        trained=await last_training(world.db),
        within={site_id: known.within(now, site_id) for site_id in sites}
        if known is not None
        else {},
    )
    if model is None:
        return replace(arms, why_none=WHY_NONE[world.models.why_none(now)])
    return replace(arms, model=model.name)


async def clock_of(world: World, merchant_id: UUID) -> BusinessTime:
    """Raises: Problem(not_found)."""
    return world.clocks.business(await known_offset(world.db, merchant_id))


async def set_arms(
    world: World,
    scope: Scope,
    site_id: UUID | None,
    arms_change: ArmsChange,
    *,
    needs_model: bool = False,
) -> Terms:
    """Applies to new orders of the site, or of all sites without a setting of their own.
    `needs_model`: refuses to give traffic to an engine without a model.

    Raises: Problem(invalid) naming the field; Problem(not_found) for the site.
    """
    await world.models.ready()
    now = world.clocks.wall()
    why_none = world.models.why_none(now) if world.models.current(now) is None else None
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        known = await load_merchant(tx, scope.merchant_id)
        if known is None:
            raise no_such_merchant()
        site = next((site for site in known.sites if site.site_id == site_id), None)
        if site_id is not None and (site is None or site.retired_at is not None):
            raise Problem("not_found", "There is no such site.", cure="See GET /v1/sites.")
        before = (await _standing(tx, scope.merchant_id)).own(site_id)
        after = check_terms(changed(before, asdict(arms_change)))
        if after.mode == "inherit" and site_id is None:
            raise invalid(
                "Only a site can take the merchant's setting.", "mode", "Send off, shadow or share."
            )
        if (
            needs_model
            and after.mode == "share"
            and after.share
            and why_none in ("no_model", "model_damaged", "model_not_read")
        ):
            raise invalid(
                joined(("The engine cannot take traffic.", WHY_NONE[why_none])),
                "mode",
                "Choose shadow mode, or train a model first: recoup learn.",
            )
        if _noted(after) == _noted(before):
            return before
        wall, version = world.clocks.wall(), await raise_version(tx, scope.merchant_id)
        after = replace(after, version=version, explore_max=dict(after.explore_max or {}))
        await add_arm_settings(tx, scope.merchant_id, site_id, wall, scope.actor.text(), after)
        lines = (await _standing(tx, scope.merchant_id)).lines.values()
        await keep_facts_for(
            tx, scope.merchant_id, wall, kept=any(line.mode in _AT_WORK for line in lines)
        )
        where = {"site": site.name} if site is not None else {}
        await audit.note(
            tx,
            scope,
            wall,
            "arms.changed",
            site_id or "",
            where | changes(_noted(before), _noted(after)),
        )
    return after


async def stop(world: World, scope: Scope, why: str, *, all_merchants: bool = False) -> bool:
    """Stops the engine at once, for the scope's merchant or for all of them; False when it stands
    so already.

    Raises: Problem(invalid) for a reason that is too long or none; Problem(not_found) for the
    merchant.
    """
    why, wall = _checked(why), world.clocks.wall()
    merchant_id = None if all_merchants else scope.merchant_id
    async with world.db.transaction() as tx:
        if merchant_id is not None:
            await known_offset(tx, merchant_id)
        done = await stop_engine(tx, new_id(), merchant_id, why, scope.actor.text(), wall)
        if done and merchant_id is not None:
            await audit.note(tx, scope, wall, "engine.stopped", "", {"why": why})
    return done


async def resume(world: World, scope: Scope, *, all_merchants: bool = False) -> bool:
    """Ends what `stop` began there; False when nothing was stopped."""
    wall, merchant_id = world.clocks.wall(), None if all_merchants else scope.merchant_id
    async with world.db.transaction() as tx:
        done = await resume_engine(tx, merchant_id, scope.actor.text(), wall)
        if done and merchant_id is not None:
            await audit.note(tx, scope, wall, "engine.resumed")
    return done


async def _standing(connection: Read, merchant_id: UUID) -> Standing:
    rows = {row.site_id: row for row in await arm_settings(connection, merchant_id)}
    stops = tuple(await standing_stops(connection, merchant_id))
    return Standing({site_id: row.terms for site_id, row in rows.items()}, rows, stops)


def _noted(terms: Terms) -> dict[str, Any]:
    bounds = terms.explore_max or {}
    shown = ", ".join(amount(units, asset) for asset, units in sorted(bounds.items()))
    return {name: getattr(terms, name) for name in _NAMES} | {"explored_up_to": shown}


def _checked(why: str) -> str:
    why = why.strip()
    if not why or len(why) > WHY_CHARS_MAX or not why.isprintable():
        message = Sentence(
            "The field why must be 1 to {0} characters long, on one line.", WHY_CHARS_MAX
        )
        raise invalid(message, "why", "Say why it is stopped.")
    return why
