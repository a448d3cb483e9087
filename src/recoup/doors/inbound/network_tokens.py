"""POST /inbound/{route}/network-tokens: something became of a network token that the route's service made.

200 means that it was read; the same words for a token that is known here and for one that is not.
"""

from starlette.routing import Route

from recoup.doors.edge.asgi import Receive, Refusal, Scope, header
from recoup.doors.edge.json_body import check_content_type, read_body
from recoup.doors.edge.rate import Buckets, check_rate, client_address
from recoup.doors.inbound.notices import BURST, JSON, PER_SECOND, Notices
from recoup.flows.locked import Orders
from recoup.flows.notices.network_tokens import take_token_notice
from recoup.flows.world import World
from recoup.kernel.encode import encode
from recoup.kernel.problem import Problem
from recoup.rules.messages.inbound import HEADER


class TokenNotices(Notices):
    """An ASGI app for the one path."""

    async def _answer(self, scope: Scope, receive_: Receive) -> Refusal:
        if scope["method"] != "POST":
            raise Problem("method_not_allowed", "Notices are posted.", cure="Use POST.")
        check_rate(self._buckets, client_address(scope) or "", self._world.clocks.monotonic())
        check_content_type(header(scope, b"content-type"))
        body = await read_body(receive_)
        signature = (header(scope, HEADER.encode()) or b"").decode("latin-1")
        notice_id = await take_token_notice(self._world, scope["path_params"]["route"], body, signature)
        return Refusal(200, encode({"noticeId": notice_id, "status": "received"}), [JSON])


def routes(world: World, orders: Orders, buckets: Buckets | None = None) -> list[Route]:
    if buckets is None:
        buckets = Buckets(per_second=PER_SECOND, burst=BURST)
    return [Route("/inbound/{route}/network-tokens", TokenNotices(world, orders, buckets))]
