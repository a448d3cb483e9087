"""A merchant's sites: made, changed and retired by its developers. Each change raises the
merchant's version, so that no order is taken by settings that are over."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from recoup.audit import moves as audit
from recoup.db.statement import Read
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.keys.rules.site_address import check_site_address, host_of
from recoup.kit.world import World
from recoup.merchants.store.merchants import Site, load_merchant
from recoup.merchants.store.sites import clear_default, put_site, raise_version, retire_site
from recoup.networks.descriptor import check_descriptor
from recoup.switches.flows.campaigns import check_none_closed
from recoup.switches.flows.switches import KindFields, check_not_closed, note_change, switches_of

SITES_MAX = 200
SITES_EVER = (
    500  # deleted ones too: orders keep them, and each request of the merchant reads them all
)
_GONE = "There is no such site."


@dataclass(frozen=True, slots=True)
class SiteFields(KindFields):
    """Fields of a site; None leaves a field as it is, or as a new one begins."""

    url: str | None = None
    name: str | None = None
    descriptor: str | None = None
    is_default: bool | None = None
    support: str | None = None


async def list_all(world: World, scope: Scope) -> list[Site]:
    """Sites that take orders, oldest first."""
    return _open(await _ever(world.db, scope))


async def read(world: World, scope: Scope, site_id: UUID) -> Site:
    """Raises: Problem(not_found)."""
    return _one(await list_all(world, scope), site_id)


async def create(world: World, scope: Scope, fields: SiteFields) -> Site:
    """Raises: Problem(invalid) naming url or descriptor; Problem(conflict) for an address that is
    taken or one site too many."""
    new = Site(new_id(), "", "", "", True, True, True, False, world.clocks.wall())
    return await _put(world, scope, new, fields)


async def update(world: World, scope: Scope, site_id: UUID, fields: SiteFields) -> Site:
    """Raises: Problem not_found, invalid, conflict."""
    return await _put(world, scope, site_id, fields)


async def _put(world: World, scope: Scope, site: Site | UUID, fields: SiteFields) -> Site:
    async with world.db.transaction() as tx:
        version = await raise_version(tx, scope.merchant_id)
        ever = await _ever(tx, scope)
        if isinstance(site, Site) and len(ever) >= SITES_EVER:
            raise Problem(
                "conflict",
                Sentence("A merchant has at most {0} sites, deleted ones included.", SITES_EVER),
                cure="Change the address of one that you have.",
            )
        sites = _open(ever)
        before = _one(sites, site) if isinstance(site, UUID) else site
        given = {name: value for name, value in asdict(fields).items() if value is not None}
        after = Site(**(asdict(before) | given))
        _check(after, [other for other in sites if other.site_id != after.site_id], fields)
        if before.is_default and not after.is_default:
            raise Problem(
                "conflict",
                "A merchant has a default site.",
                cure="Make another site the default instead.",
            )
        if after.is_default and not before.is_default:
            await clear_default(tx, scope.merchant_id)
        if before is not site and host_of(before.url) != host_of(after.url):
            await check_not_closed(
                tx, scope, "site", before.site_id, before.name, switches_of(before)
            )
            await check_none_closed(tx, scope, before.site_id)
        await put_site(tx, scope.merchant_id, after)
        was = _noted(before) if before is not site else {}
        await note_change(world, tx, scope, version, "site", before, after, was, _noted(after))
    return after


def _noted(site: Site) -> dict[str, Any]:
    """Details for the audit log, which the switches' own log stands beside."""
    return {
        "host": host_of(site.url),
        "name": site.name,
        "descriptor": site.descriptor,
        "default": site.is_default,
        "support": "given" if site.support else "",
    }


async def retire(world: World, scope: Scope, site_id: UUID) -> None:
    """Retires a site: it takes no orders any more; the orders that it had keep it.

    Raises: Problem(not_found); Problem(conflict) for the default site; Problem(forbidden) while
    somebody higher has it or one of its campaigns switched off: a new one at its address would be
    on.
    """
    async with world.db.transaction() as tx:
        await raise_version(tx, scope.merchant_id)
        site = _one(_open(await _ever(tx, scope)), site_id)
        if site.is_default:
            message = "The default site takes the orders that name none, and cannot be deleted."
            raise Problem("conflict", message, cure="Make another site the default first.")
        await check_not_closed(tx, scope, "site", site_id, site.name, switches_of(site))
        await check_none_closed(tx, scope, site_id)
        await retire_site(tx, scope.merchant_id, site_id, world.clocks.wall())
        await audit.note(
            tx, scope, world.clocks.wall(), "site.retired", site_id, {"name": site.name}
        )


async def _ever(connection: Read, scope: Scope) -> Sequence[Site]:
    known = await load_merchant(connection, scope.merchant_id)
    return known.sites if known else ()


def _open(sites: Sequence[Site]) -> list[Site]:
    return [site for site in sites if site.retired_at is None]


def _one(sites: list[Site], site_id: UUID) -> Site:
    for site in sites:
        if site.site_id == site_id:
            return site
    raise Problem("not_found", _GONE, cure="See GET /v1/sites.")


def _check(site: Site, others: list[Site], fields: SiteFields) -> None:
    """The requested values; a merchant need not mend its site's address to change a switch."""
    host = check_site_address(site.url) if fields.url is not None else host_of(site.url)
    check_descriptor(site.descriptor)
    if any(not c.isprintable() for c in site.support):
        raise invalid(
            "The field SupportContact has characters that cannot be shown.", "SupportContact"
        )
    if any(host_of(other.url) == host for other in others):
        raise Problem(
            "conflict",
            Sentence("Another site has the host {0}.", host),
            cure="Change that one, or send another url.",
        )
    if len(others) >= SITES_MAX:
        raise Problem(
            "conflict",
            Sentence("A merchant has at most {0} sites.", SITES_MAX),
            cure="Delete one first.",
        )
