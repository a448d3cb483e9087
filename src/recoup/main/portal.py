"""All addresses of the portal. `main` puts them beside the other doors."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from recoup.db.operation.partitions import read_days_left
from recoup.desk.store.order_counts import count_orders, menu_counts
from recoup.desk.store.order_filter import OrderFilter
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.people.flows.sessions import Session
from recoup.people.page.account.visit import AccountVisit
from recoup.people.page.endpoint import page_of, redirect, signed_in
from recoup.people.page.feature_parts import parts
from recoup.people.page.pages import DECLARED, Declared, account
from recoup.people.page.portal import Portal
from recoup.people.page.portal_visit import Visit, member_visit
from recoup.people.page.templates import ROOT, STATIC, of_features
from recoup.rescue.flows.locked import Orders
from recoup.uploads.flows.take import Reader, Readers

FEW: Final = 5  # days; upkeep makes seven ahead, once an hour
_LOOKED_AT_EVERY: Final = timedelta(minutes=1)


@dataclass(slots=True)
class PartitionWatch:
    """Watch of partitions, for one portal; one query a minute at most."""

    _left: int | None = None
    _seen_at: WallTime | None = None

    async def few_left(self, world: World) -> int | None:
        """Whole days until the first table has no partition; None while there are enough."""
        now = world.clocks.wall()
        if self._seen_at is None or now - self._seen_at >= _LOOKED_AT_EVERY:
            self._seen_at = now
            left = await read_days_left(world.db.reader, now)
            self._left = int(min(left.values()))
        return self._left if self._left is not None and self._left < FEW else None


ATTENTION_MAX: Final = 99  # beyond it, `99+`


async def with_attention(portal: Portal, session: Session) -> Session:
    """Adds what needs attention, from an index of what needs somebody, and not beyond what the menu
    says."""
    await portal.world.routes.ready()
    if session.merchant is None:
        return session
    needing = OrderFilter(session.merchant.merchant_id, attention=True)
    async with portal.world.db.read() as connection:
        count = await count_orders(connection, needing, cap=ATTENTION_MAX + 2)
        desks = await menu_counts(
            connection,
            session.merchant.merchant_id,
            portal.world.clocks.wall(),
            ATTENTION_MAX + 1,
            session.is_operator,
        )
    few = await portal.get(PartitionWatch).few_left(portal.world) if session.is_operator else None
    down = await portal.world.routes.down() if session.is_operator else 0
    return replace(
        session,
        attention=count.value,
        disputes=desks.disputes,
        unknown=desks.unknown,
        refunds=desks.refunds,
        approvals=desks.approvals,
        partition_days=few,
        routes_down=down,
    )


def routes(
    world: World,
    orders: Orders,
    merchants: Merchants | None = None,
    readers: Mapping[str, Reader] | None = None,
) -> list[BaseRoute]:
    """Needs `world.people`, the people database. `readers`: how rows of files are read; without,
    none are."""
    portal = Portal(
        world,
        orders,
        Readers(readers or {}),
        *([merchants] if merchants is not None else []),
        attend=with_attention,
    )

    async def nowhere(visit: Visit) -> Response:
        """The address of a form that was sent leads to its page; so does the one that an error page
        left behind."""
        form_of = page_of(portal.pages, visit.request.url.path)
        if form_of is not None:
            return redirect(form_of)
        raise Problem("no_such_path", "There is no such page.", cure="Start from the orders page.")

    routes = [route for feature in declared() for route in feature.routes(portal)]
    routes.sort(key=lambda route: precedence(route.path))
    portal.pages.extend(routes)
    portal.pages.append(Route("/static/{name}", _static, methods=["GET"]))
    portal.pages.append(
        _ForBrowsers("/{path:path}", signed_in(portal, member_visit, nowhere), methods=["GET"])
    )
    return portal.pages


def declared() -> list[Declared]:
    """All pages and forms: every module of pages is imported, so that none has to be listed."""
    for file in (
        file for each in ("*/page.py", "*/page/**/*.py") for file in sorted(ROOT.glob(each))
    ):
        importlib.import_module(".".join(("recoup", *file.relative_to(ROOT).with_suffix("").parts)))
    parts()
    of_features()
    return DECLARED


def precedence(path: str) -> list[tuple[int, str]]:
    """An address as it stands comes before one with an id in its place."""
    return [
        (2 if part.startswith("{") and part.endswith("}") else 1 if "{" in part else 0, part)
        for part in path.split("/")
    ]


class _ForBrowsers(Route):
    """Takes what no page took, but leaves the APIs' paths and callers that want no HTML alone."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        accepted = next(
            (value for name, value in scope.get("headers", ()) if name == b"accept"), b""
        )
        if (
            scope["type"] != "http"
            or scope["path"].startswith(("/v1", "/api"))
            or b"text/html" not in accepted
        ):
            return Match.NONE, {}
        return super().matches(scope)


@account.page("/")
async def home(visit: AccountVisit) -> Response:
    return redirect("/operator" if visit.is_operator else "/overview")


async def _static(request: Request) -> Response:
    file = STATIC.get(request.path_params["name"])
    if file is None:
        return Response("There is no such file.", status_code=404, media_type="text/plain")
    headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
    return FileResponse(file, headers=headers)
