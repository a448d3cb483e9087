"""`recoup listen`: a webhook receiver for development. Registers itself while it runs, verifies, prints."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from recoup.doors.command.verbs import Opened, Run, in_sandbox, merchant_option
from recoup.flows.messages import endpoints
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.rules.messages.events import CATALOGUE
from recoup.rules.messages.signature import verify
from recoup.rules.messages.stable_events import NAMES
from recoup.rules.stable.signing import same, sign_webhook

RESCUE: Final = "/recoup"
STABLECOIN: Final = "/recoup/stablecoin"


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; default: a free one.")
@merchant_option
@in_sandbox
def listen(run: Run, port: int) -> None:
    """Receives, verifies and prints this merchant's webhooks of both APIs until Ctrl-C."""

    run(lambda opened: _listen(opened, opened.scope("listen"), port))


class _Server(uvicorn.Server):
    """Ends by our signal handlers: uvicorn's own raise the signal again, before the endpoint could be removed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        self.should_exit = True


def _bound(port: int) -> socket.socket:
    sock = socket.socket()
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as error:
        raise Problem(
            "unavailable",
            f"Cannot listen on port {port}: {error.strerror}.",
            cure="Choose another with --port, or leave it out.",
        ) from None
    return sock


def receiver(rescue_key: str, stablecoin_key: str, tell: Callable[[str], None]) -> Starlette:
    """Takes both dialects' webhooks, each at its own path, and prints one line for each."""

    async def rescue(request: Request) -> Response:
        body = await request.body()
        genuine = verify(rescue_key, request.headers.get("host", ""), request.headers, body)
        payload: dict[str, Any] = json.loads(body) if genuine else {"Event": "?", "EventData": None}
        facts = json.dumps(payload["EventData"])
        return _print_event(
            tell, genuine, payload.get("TimeStamp", ""), payload["Event"], payload.get("ExternalOrderId", ""), facts
        )

    async def stablecoin(request: Request) -> Response:
        body, headers = await request.body(), request.headers
        signature = sign_webhook(stablecoin_key, headers.get("x-fluxa-timestamp", ""), body)
        genuine = same(headers.get("x-fluxa-signature", ""), signature)
        payload: dict[str, Any] = json.loads(body) if genuine else {"event": "?"}
        event, order = payload.pop("event"), payload.pop("merchant_order_id", "")
        return _print_event(tell, genuine, headers.get("x-fluxa-timestamp", ""), event, order, json.dumps(payload))

    return Starlette(routes=[Route(RESCUE, rescue, methods=["POST"]), Route(STABLECOIN, stablecoin, methods=["POST"])])


def _print_event(tell: Callable[[str], None], genuine: bool, at: str, event: str, order: str, facts: str) -> Response:
    tell(f"{'ok      ' if genuine else 'FORGED  '}{at}  {event:22} {order}  {facts}")
    return PlainTextResponse("thanks\n", 200 if genuine else 401)


async def _listen(opened: Opened, scope: Scope, port: int) -> None:
    sock = _bound(port)
    base = f"http://127.0.0.1:{sock.getsockname()[1]}"
    made: list[endpoints.Endpoint] = []
    try:
        await _forget(opened, scope, (base + RESCUE, base + STABLECOIN))
        for path, events, form in ((RESCUE, list(CATALOGUE), "rescue"), (STABLECOIN, list(NAMES), "stablecoin")):
            made.append(await endpoints.create(opened.world, scope, base + path, events, form, own_key=True))
        server = _Server(
            uvicorn.Config(
                receiver(made[0].signing_key, made[1].signing_key, click.echo), log_level="warning", ws="none"
            )
        )
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, server.stop)
        click.echo(f"Listening at {base} for all events of both APIs; Ctrl-C ends it.")
        await server.serve(sockets=[sock])
    finally:
        for endpoint in made:
            await endpoints.delete(opened.world, scope, endpoint.endpoint_id)


async def _forget(opened: Opened, scope: Scope, urls: tuple[str, ...]) -> None:
    """What a killed `listen` on the same port left behind."""
    for endpoint in await endpoints.list_all(opened.world, scope):
        if endpoint.url in urls:
            await endpoints.delete(opened.world, scope, endpoint.endpoint_id)
