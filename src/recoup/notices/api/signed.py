"""Notices in our own signature about cards, each kind on a path of its own:

POST /inbound/{route}/signals: a card of that route was just approved elsewhere, as its network
says. POST /inbound/{route}/<path>: of a feature; see `RouteNotice`.

200 means that it was read; the same words for what is known here and for one that is not.
"""

from collections.abc import Awaitable, Callable

from starlette.routing import Route

from recoup.kernel.encode import encode
from recoup.kit.edge.asgi import Receive, Refusal, Scope
from recoup.kit.edge.rate import Buckets
from recoup.kit.edge.tracing import request_id
from recoup.kit.world import World
from recoup.notices.api.notices import JSON, Notices, buckets_of
from recoup.notices.flows.signals import take_signal
from recoup.rescue.flows.locked import Orders
from recoup.routes.flows.signed_notices import ROUTE_NOTICE, RouteNotice

# route, body, signature, request id -> the notice's id
Take = Callable[[str, bytes, str, str], Awaitable[str]]


class SignedNotices(Notices):
    """An ASGI app for one of the paths. `id_name`: the answer's name for the notice's id."""

    def __init__(
        self, world: World, orders: Orders, buckets: Buckets, id_name: str, take: Take
    ) -> None:
        super().__init__(world, orders, buckets)
        self._id_name, self._take = id_name, take

    async def _answer(self, scope: Scope, receive_: Receive) -> Refusal:
        self._check_call(scope)
        self._world.standing.check()
        body, signature = await self._read_signed(scope, receive_)
        answer = await self._take(scope["path_params"]["route"], body, signature, request_id(scope))
        return Refusal(200, encode({self._id_name: answer, "status": "received"}), [JSON])


def routes(world: World, orders: Orders, buckets: Buckets | None = None) -> list[Route]:
    """`buckets`: shared by both paths; by default each has its own."""

    async def signal(route: str, body: bytes, signature: str, request: str) -> str:
        return await take_signal(world, orders, route, body, signature, request)

    def of_feature(notice: RouteNotice) -> Take:
        return lambda route, body, signature, _: notice.take(world, route, body, signature)

    kinds = [
        ("signals", "signalId", signal),
        *((notice.path, notice.id_name, of_feature(notice)) for notice in ROUTE_NOTICE),
    ]
    return [
        Route(
            f"/inbound/{{route}}/{path}",
            SignedNotices(world, orders, buckets_of(buckets), id_name, take),
        )
        for path, id_name, take in kinds
    ]
