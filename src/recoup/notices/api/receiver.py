"""POST /inbound/sandbox/webhooks: a receiver of the sandbox, for endpoints that have nobody behind
them yet.

It reads what comes, keeps nothing, and answers 204.
"""

from typing import Final

from starlette.routing import Route

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import ClientGone, Receive, Refusal, Scope, Send, send_refusal
from recoup.kit.edge.json_body import read_body
from recoup.kit.edge.rate import Buckets, check_rate, client_address
from recoup.kit.world import World
from recoup.notices.api.errors import refusal

PATH: Final = "/inbound/sandbox/webhooks"
PER_SECOND: Final = 200
BURST: Final = 2_000


class Receiver:
    """An ASGI app for the one path."""

    def __init__(self, world: World) -> None:
        self._world, self._buckets = (
            world,
            Buckets(per_second=PER_SECOND, burst=BURST, name="receiver "),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] != "POST":
                raise Problem("method_not_allowed", "Webhooks are posted.", "Use POST.")
            check_rate(self._buckets, client_address(scope) or "", self._world.clocks.monotonic())
            await read_body(receive)
        except ClientGone:
            return
        except Problem as problem:
            await send_refusal(send, refusal(scope, problem))
            return
        await send_refusal(send, Refusal(204, b"", []))


def routes(world: World) -> list[Route]:
    """The receiver's routes; none outside a sandbox."""
    return [Route(PATH, Receiver(world))] if world.policy.test_mode else []
