"""The country of a merchant's account at the acquirer, whose region's rules hold where a route
names no country."""

from recoup.audit import moves as audit
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.rules.countries import checked_country
from recoup.merchants.store.merchants import load_merchant
from recoup.merchants.store.sites import raise_version, set_country
from recoup.networks.tables import region_of


async def change_country(world: World, scope: Scope, text: str, field: str = "country") -> None:
    """Changes the country for sends from now on. Raises: Problem(invalid) for what is no
    country."""
    country = checked_country(text, field)
    async with world.db.transaction() as tx:
        await raise_version(tx, scope.merchant_id)
        known = await load_merchant(tx, scope.merchant_id)
        before = known.merchant.country if known is not None else country
        await set_country(tx, scope.merchant_id, country, region_of(country))
        if before != country:
            await audit.note(
                tx,
                scope,
                world.clocks.wall(),
                "country.changed",
                "",
                {"country": [before, country]},
            )
