"""Partners: their account and keys, and how a partner's merchant stands. Everything may be
repeated."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import first_id_of, new_id
from recoup.kernel.problem import Problem, Sentence, figure, invalid
from recoup.kernel.scope import Actor, PartnerScope
from recoup.keys.flows.key_endings import heard_everywhere
from recoup.keys.flows.merchant_keys import checked_name, decide
from recoup.keys.rules.key_scopes import PARTNER_PREFIX, beyond, divided
from recoup.keys.store.merchant_keys import (
    MerchantKey,
    add_key,
    end_keys,
    keys_of,
    name_key,
    scopes_before,
)
from recoup.kit.rights import PARTNER_MAY
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each, first_rows, home_of
from recoup.merchants.flows.find_partner import no_such_merchant
from recoup.merchants.store.merchants import Site, load_merchant
from recoup.merchants.store.partners import (
    Partner,
    add_partner,
    change_partner,
    find_partner,
    lock_partner,
    note,
)
from recoup.onboarding.rules.onboarding import Condition, conditions
from recoup.onboarding.store.onboarding import onboarding_facts
from recoup.onboarding.store.partner_merchants import (
    HookHealth,
    MerchantFilter,
    PartnerMerchant,
    PartnerMerchantStatus,
    hooks_of,
    list_merchants,
    read_merchant,
    rescued_of,
)

QUOTA_MAX = 1_000_000
KEYS_MAX = 10
SETUP = Actor("operator", "setup")


@frozen
class PartnerKey:
    """Shown once."""

    app_key: str
    app_secret: str = field(repr=False)
    key_id: UUID


async def make_partner(
    world: World, partner_id: UUID, name: str, *, like: Partner | None = None
) -> None:
    """The partner in this world, with its state and limits `like` in another; a second time it
    changes nothing."""
    async with world.db.transaction() as tx:
        if await add_partner(tx, partner_id, name, world.clocks.wall()) and like:
            await change_partner(
                tx,
                partner_id,
                state=like.state,
                merchants_max=like.merchants_max,
                calls_per_minute=like.calls_per_minute,
            )


async def make_partner_key(
    world: World,
    partner_id: UUID,
    overlap: timedelta = timedelta(0),
    scope: PartnerScope | None = None,
    *,
    is_first: bool = False,
    name: str = "",
    scopes: Sequence[str] = (),
) -> PartnerKey:
    """A new key; earlier ones end now, or after the overlap. `is_first`: no earlier one was ever
    shown, so that its end is not waited for. `scopes`: what it is to allow, else as much as the one
    before, else all; beyond what the scope's role gives alone an owner has to agree. Raises:
    Problem(invalid) for a name or scope that cannot be; Problem(conflict) for too many keys."""
    name, scope = checked_name(name), scope or PartnerScope(partner_id, SETUP, "setup")
    mode, wall = "test" if world.policy.test_mode else "live", world.clocks.wall()
    key = PartnerKey(
        f"{PARTNER_PREFIX}{mode}_{secrets.token_urlsafe(18)}",
        f"psk_{mode}_{secrets.token_urlsafe(36)}",
        new_id(),
    )
    async with world.db.transaction() as tx:
        await lock_partner(tx, partner_id)  # of two at once the second ends the first one's key
        wanted = scopes or await scopes_before(tx, partner_id, "partner")
        given, requested = divided(
            "partner", wanted, beyond("partner", PARTNER_MAY[scope.role]) if scope.role else ()
        )
        if overlap:
            kept_keys = await keys_of(tx, partner_id)
            if sum(row.ends_at is None or row.ends_at > wall for row in kept_keys) >= KEYS_MAX:
                raise Problem(
                    "conflict",
                    Sentence("The partner has {0} keys that still work.", KEYS_MAX),
                    "Wait until one has ended, or end them all with the new one.",
                )
        by, kept = scope.actor.text(), world.keys.secret_hash(key.app_secret)
        await end_keys(tx, partner_id, ("partner",), wall + overlap, wall, by)
        await add_key["partner"](
            tx, key.app_key, key.key_id, partner_id, kept, given, requested, wall, by, name
        )
        await note(tx, scope, "key_made", wall, key_ends=key.app_key[-4:])
    if not overlap and not is_first:
        await heard_everywhere(world.db)
    return key


async def decide_partner_key(
    world: World, scope: PartnerScope, print_: str, *, approve: bool
) -> None:
    """Decides on a partner's key, as `decide_key`."""
    async with world.db.transaction() as tx:
        await decide(tx, scope.partner_id, scope, print_, approve=approve)
        await note(tx, scope, "key_decided", world.clocks.wall(), key=print_, approved=approve)


async def rename_partner_key(world: World, scope: PartnerScope, print_: str, name: str) -> None:
    """Renames a partner's key to what its people call it. Raises: Problem(invalid) for a name that
    cannot be; Problem(not_found)."""
    name = checked_name(name)
    async with world.db.transaction() as tx:
        if not await name_key(tx, scope.partner_id, "partner", print_, name):
            raise Problem("not_found", "There is no such key.", "Reload the page.")
        await note(tx, scope, "key_named", world.clocks.wall(), key=print_, name=name)


@frozen
class Quota:
    """Quota that the operator allows; None stays as it is."""

    state: str | None = None
    merchants_max: int | None = None
    calls_per_minute: int | None = None


async def set_quota(world: World, scope: PartnerScope, quota: Quota) -> Partner:
    """Sets a partner's quota, for the operator. Raises: Problem(not_found); Problem(invalid) naming
    what cannot be."""
    if quota.state not in (None, "active", "paused"):
        raise invalid("A partner is active or paused.", "state")
    if quota.merchants_max is not None and not 0 <= quota.merchants_max <= QUOTA_MAX:
        raise invalid(
            Sentence("merchants_max must be between 0 and {0}.", figure(QUOTA_MAX)), "merchants_max"
        )
    if quota.calls_per_minute is not None and not 1 <= quota.calls_per_minute <= QUOTA_MAX:
        raise invalid(
            Sentence("calls_per_minute must be between 1 and {0}.", figure(QUOTA_MAX)),
            "calls_per_minute",
        )
    async with world.db.transaction() as tx:
        if await lock_partner(tx, scope.partner_id) is None:
            raise Problem("not_found", "There is no such partner.", "`recoup partner` lists them.")
        if quota != Quota():
            values = asdict(quota)
            await change_partner(tx, scope.partner_id, **values)
            await note(tx, scope, "quota_set", world.clocks.wall(), **values)
        partner = await find_partner(tx, scope.partner_id)
    assert partner
    return partner


async def merchants_of(
    world: World, merchant_filter: MerchantFilter, after: UUID | None, limit: int
) -> tuple[list[PartnerMerchant], Problem | None]:
    """A partner's merchants as `list_merchants` has them; and which cells are missing."""
    return await first_rows(
        world,
        lambda cell: list_merchants(cell.db.reader, merchant_filter, after, limit),
        lambda row: row.merchant_id,
        limit,
    )


async def rescued_by_merchant(
    world: World, merchant_ids: Sequence[UUID], days: int
) -> dict[UUID, list[tuple[str, int, int]]]:
    """As `rescued_of`, of the cells that answer."""

    async def of_cell(cell: World) -> dict[UUID, list[tuple[str, int, int]]]:
        async with cell.db.read() as connection:
            return await rescued_of(connection, merchant_ids, cell.clocks.wall(), days)

    answers = await ask_each(world, of_cell)
    return {key: sums for _, counts in answers.said for key, sums in counts.items()}


DELIVERED_WITHIN: Final = timedelta(days=30)


@frozen
class Status:
    """Rows as they were read; `missing`: what does not hold yet."""

    merchant: PartnerMerchantStatus
    sites: tuple[Site, ...]
    keys: Sequence[MerchantKey]
    hooks: Sequence[HookHealth]
    missing: tuple[Condition, ...]


async def read_status(world: World, partner_id: UUID, merchant_id: UUID) -> Status:
    """Raises: Problem(not_found), the same for another partner's merchant."""
    world = await home_of(world, merchant_id)
    since = first_id_of(world.clocks.wall() - DELIVERED_WITHIN)
    async with world.db.connection() as connection:
        row = await read_merchant(connection, partner_id, merchant_id)
        known = await load_merchant(connection, merchant_id) if row else None
        facts = await onboarding_facts(connection, merchant_id) if row else None
        if row is None or known is None or facts is None:
            raise no_such_merchant()
        keys, hooks = (
            await keys_of(connection, merchant_id),
            await hooks_of(connection, merchant_id, since),
        )
    sites = tuple(site for site in known.sites if site.retired_at is None)
    missing = tuple(condition for condition in conditions(facts) if not condition.holds)
    return Status(row, sites, keys, hooks, missing)


def health_of(hook: HookHealth) -> str:
    """new, ok, failing or disabled."""
    if hook.state != "active":
        return "disabled"
    if hook.last_result is None:
        return "new"
    return "ok" if hook.last_result == "delivered" else "failing"
