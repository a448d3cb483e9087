"""Pages are declared: every address answers with its own page, whatever stands beside it."""

import re

from starlette.routing import Match, Route
from tests.staff import As, portal
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.main.portal import routes


def test_no_page_hides_behind_another_whose_address_fits_too(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        made = [route for route in routes(shop.world, shop.orders) if isinstance(route, Route)][:-1]
        assert len(made) > 200
        for route in made:
            path = re.sub(r"\{\w+\}", "x", route.path)
            for method in route.methods or ():
                scope = {
                    "type": "http",
                    "method": method,
                    "path": path,
                    "root_path": "",
                    "headers": [],
                }
                first = next(one for one in made if one.matches(scope)[0] is Match.FULL)
                assert first is route, f"{method} {route.path} is answered by {first.path}"

    portal(server, story)


def test_an_address_is_declared_once(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        found = [
            (method, route.path)
            for route in routes(shop.world, shop.orders)
            if isinstance(route, Route)
            for method in route.methods or ()
        ]
        assert len(found) == len(set(found)), sorted(
            key for key in set(found) if found.count(key) > 1
        )

    portal(server, story)
