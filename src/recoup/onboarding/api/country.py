"""/country: where the merchant's account at the acquirer is, and each of its routes': the region's
rules follow."""

from typing import Annotated, Final

from msgspec import Meta

from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.wire import Shape, UnusedMid
from recoup.merchants.flows.country import change_country
from recoup.merchants.store.merchants import load_merchant
from recoup.onboarding.api.onboarding_shapes import Country
from recoup.rescue.api.payment import read_own


class CountryBody(Shape):
    """The country of the account at the acquirer, for routes that name none."""

    country: Country
    mid: UnusedMid = None


class RouteCountry(Shape):
    """A route that the merchant's payments may go by."""

    name: str
    country: str | None
    """Null: the merchant's."""
    region: str


class Countries(Shape):
    """Whose rules of the card networks hold."""

    country: str | None
    """Null until it is set; live needs one."""
    region: Annotated[str, Meta(examples=["eea"])]
    """Of the networks' rules."""
    routes: list[RouteCountry]
    success: bool = True


api: Final = Api(group="Settings", scope="merchants")


@api("GET /v1/country")
async def read(call: Call) -> Countries:
    """Country of the account. Of the merchant's account at the acquirer and of each route, with the
    region whose card network rules hold."""
    world, merchant_id = call.services.world, call.scope.merchant_id
    known = await load_merchant(world.db.reader, merchant_id)
    assert known
    own = known.merchant
    routes = [
        RouteCountry(
            name=term.name,
            country=term.country or None,
            region=world.routes.region_of(term.name) or own.region,
        )
        for term in world.routes.terms(world.processors, merchant_id)
    ]
    return Countries(country=own.country, region=own.region, routes=routes)


@api("PUT /v1/country", body=CountryBody)
@api.example("Germany", {"country": "DE"})
async def change(call: Call) -> Countries:
    """Set the country of the account. For payments from now on, by routes that name no country of
    their own."""
    await change_country(
        call.services.world, call.scope, read_own(call, CountryBody).country, "Country"
    )
    call.services.merchants.forget(call.scope.merchant_id)
    return await read(call)
