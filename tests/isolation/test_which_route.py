"""A path leads where it led when all routes were asked in turn."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.routing import BaseRoute, Match, Route
from tests.isolation.ground import Ground

from recoup.main.app import Doors

BROWSER = [(b"accept", b"text/html")]


def first_of(routes: Iterable[BaseRoute], scope: dict[str, Any]) -> BaseRoute | None:
    """As Starlette's router chooses."""
    partial = None
    for route in routes:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return route
        if match is Match.PARTIAL and partial is None:
            partial = route
    return partial


def paths(routes: Sequence[BaseRoute]) -> set[str]:
    """Of each route, and beside it."""
    found = {"/", "/nothing", "/v1", "/v1/nothing", "/api/v1/nothing", "/api", "*"}
    for route in routes:
        assert isinstance(route, Route)
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        found |= {
            path,
            f"{path}/x",
            path.rpartition("/")[0] or "/",
            re.sub(r"\{[^}]*\}", "new", route.path),
        }
    return found


def test_a_path_leads_to_the_first_route_that_takes_it(ground: Ground) -> None:
    doors, wrong = Doors(ground.routes), []
    exact = [one for one in ground.routes if isinstance(one, Route) and one.methods is None]
    for path in paths(ground.routes):
        for method in ("GET", "POST", "PUT"):
            for headers in ([], BROWSER):
                scope = {
                    "type": "http",
                    "method": method,
                    "path": path,
                    "headers": headers,
                    "root_path": "",
                }
                if any(one.path == path for one in exact):
                    continue
                if first_of(doors.router_of(path).routes, scope) is not first_of(
                    ground.routes, scope
                ):
                    wrong.append((method, path, headers))
    assert not wrong
