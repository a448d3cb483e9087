"""`recoup listen`: a webhook receiver for development. Registers itself while it runs, verifies, prints."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, WithWorld, data_dir_option
from recoup.flows.messages import endpoints
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.rules.messages.events import CATALOGUE
from recoup.rules.messages.signature import verify


def add(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @cli.command()
    @click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; default: a free one.")
    @click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
    @data_dir_option
    def listen(port: int, merchant: str | None, data_dir: Path | None) -> None:
        """Receives, verifies and prints this merchant's webhooks until Ctrl-C."""

        async def work(opened: Opened) -> None:
            await _listen(opened, Scope(merchant_of(opened, merchant), Actor("operator", "listen"), "listen"), port)

        with_world(load_settings(data_dir=data_dir), work)


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
        raise Problem("unavailable", f"Cannot listen on port {port}: {error.strerror}.",
                      cure="Choose another with --port, or leave it out.") from None  # fmt: skip
    return sock


async def _listen(opened: Opened, scope: Scope, port: int) -> None:
    key = ""

    async def receive(request: Request) -> Response:
        body = await request.body()
        genuine = verify(key, request.headers.get("host", ""), request.headers, body)
        told = json.loads(body) if genuine else {"Event": "?", "EventData": None}
        mark = "ok      " if genuine else "FORGED  "
        click.echo(f"{mark}{told.get('TimeStamp', '')}  {told['Event']:22} {told.get('ExternalOrderId', '')}  "
                   f"{json.dumps(told['EventData'])}")  # fmt: skip
        return PlainTextResponse("thanks\n", 200 if genuine else 401)

    app = Starlette(routes=[Route("/{path:path}", receive, methods=["POST"])])
    sock = _bound(port)
    server = _Server(uvicorn.Config(app, log_level="warning", ws="none"))
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, server.stop)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    bound = sock.getsockname()[1]
    url = f"http://127.0.0.1:{bound}/recoup"
    made = await endpoints.create(opened.world, scope, url, list(CATALOGUE), "rescue", own_key=True)
    key = made.signing_key
    click.echo(f"Listening at {url} for all events; Ctrl-C ends it.")
    try:
        await serving
    finally:
        await endpoints.delete(opened.world, scope, made.endpoint_id)
