"""The address that a form was sent to, opened again: it leads to the page that the form stands on."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match, Route


def page_of(routes: Sequence[BaseRoute], path: str, *, as_it_stands: bool = False) -> str | None:
    """The nearest page above it; None for a path that no form is sent to. `as_it_stands`: only for one that is named
    so, not for one with an id in it."""
    if as_it_stands:
        named = [route for route in routes if isinstance(route, Route) and route.path == path]
        known = any("POST" in (route.methods or ()) for route in named)
    else:
        known = any(_matches(route, "POST", path) for route in routes)
    if not known:
        return None
    parts = path.rstrip("/").split("/")
    above = ("/".join(parts[:count]) for count in range(len(parts) - 1, 1, -1))
    return next((one for one in above if any(_matches(route, "GET", one) for route in routes)), None)


def _matches(route: BaseRoute, method: str, path: str) -> bool:
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    return route.matches(scope)[0] is Match.FULL
