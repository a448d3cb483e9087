"""POST /inbound/{route}/notices: a processor's notices.

Of a route whose kind is a connector they come in the vendor's own shape and signature, and are
answered in its words; others send notices of disputes in ours. 200 means that it is kept: applied,
nothing new, or for somebody to look at. Everything else is to be sent again.
"""

from typing import Final
from urllib.parse import parse_qsl

import structlog
from starlette.routing import Route

from recoup.disputes.flows.receive import in_words, receive
from recoup.kernel.encode import encode
from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import ClientGone, Receive, Refusal, Scope, Send, header, send_refusal
from recoup.kit.edge.called import template_of
from recoup.kit.edge.json_body import check_content_type, read_body
from recoup.kit.edge.rate import Buckets, check_rate, client_address
from recoup.kit.edge.tracing import request_id
from recoup.kit.world import World
from recoup.notices.api.errors import refusal
from recoup.notices.flows.receive import Reply, answer_challenge, has_own_notices, take
from recoup.outside.inbound import HEADER
from recoup.rescue.flows.locked import Orders

log = structlog.get_logger()
PER_SECOND: Final = 50
BURST: Final = 500
JSON: Final = (b"content-type", b"application/json; charset=utf-8")


class Notices:
    """An ASGI app for the one path of this door."""

    def __init__(self, world: World, orders: Orders, buckets: Buckets) -> None:
        self._world, self._orders, self._buckets = world, orders, buckets

    async def __call__(self, scope: Scope, receive_: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive_)
        except ClientGone:
            return
        except Problem as problem:
            answer = refusal(scope, problem)
        except Exception as error:
            log.exception(
                "unexpected",
                path=template_of(scope),
                request=request_id(scope),
                error=type(error).__name__,
            )
            answer = refusal(
                scope,
                Problem("internal", "Something went wrong on our side.", "Send the notice again."),
            )
        await send_refusal(send, answer)

    async def _answer(self, scope: Scope, receive_: Receive) -> Refusal:
        route = scope["path_params"]["route"]
        if (
            scope["method"] == "GET"
            and (said := answer_challenge(self._world, route, _query(scope))) is not None
        ):
            return _said(said)
        self._check_call(scope)
        self._world.standing.check()
        by_our_key = header(scope, HEADER.encode()) is not None
        if has_own_notices(self._world, route, by_our_key=by_our_key):
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in scope["headers"]
            }
            return _said(
                await take(self._world, self._orders, route, headers, await read_body(receive_))
            )
        body, signature = await self._read_signed(scope, receive_)
        received = await receive(
            self._world, self._orders, route, body, signature, request_id(scope)
        )
        shown = {"noticeId": received.notice_id, "status": received.state}
        if received.why:
            shown |= {"reason": received.why, "message": in_words(received.why)}
        return Refusal(200, encode(shown), [JSON])

    def _check_call(self, scope: Scope) -> None:
        """Raises: Problem(method_not_allowed), Problem(too_many_requests)."""
        if scope["method"] != "POST":
            raise Problem("method_not_allowed", "Notices are posted.", "Use POST.")
        check_rate(self._buckets, client_address(scope) or "", self._world.clocks.monotonic())

    async def _read_signed(self, scope: Scope, receive_: Receive) -> tuple[bytes, str]:
        """The body, and the signature that it came with. Raises: Problem(malformed),
        Problem(too_large), ClientGone."""
        check_content_type(header(scope, b"content-type"))
        return await read_body(receive_), (header(scope, HEADER.encode()) or b"").decode("latin-1")


def _query(scope: Scope) -> dict[str, str]:
    try:
        return dict(parse_qsl(scope.get("query_string", b"").decode("ascii"), max_num_fields=20))
    except ValueError:
        return {}


def _said(reply: Reply) -> Refusal:
    return Refusal(200, reply.body, [(b"content-type", reply.media_type.encode())])


def buckets_of(given: Buckets | None) -> Buckets:
    """Limits on the posts of a single address; by default 50 notices a second, 500 at once."""
    return Buckets(per_second=PER_SECOND, burst=BURST, name="notices ") if given is None else given


def routes(world: World, orders: Orders, buckets: Buckets | None = None) -> list[Route]:
    return [Route("/inbound/{route}/notices", Notices(world, orders, buckets_of(buckets)))]
