"""A bridge as an operator writes one: it checks who calls, decides once for each id, and keeps what
it was sent."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

SECRET = "a-secret-of-both-sides-0123456789abcdef"


class Twin:
    """`says`: what the next messages hear, in turn; without any, `decides` says it: it approves.
    `raw`: a whole answer instead."""

    def __init__(self) -> None:
        self.sent: dict[str, dict[str, Any]] = {}
        self.decided: dict[str, dict[str, Any]] = {}
        self.says: list[dict[str, Any]] = []
        self.decides: Callable[[dict[str, Any]], dict[str, Any]] = lambda told: {
            "state": "approved",
            "schemeCode": "00",
            "reference": f"ref-{told['id'][-6:]}",
        }
        self.raw: Callable[[], web.Response] | None = None
        self.silent = False
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        at, given = request.headers["x-recoup-timestamp"], request.headers["x-recoup-signature"]
        signed = f"{at}.{request.method} {request.path}.".encode() + body
        assert hmac.compare_digest(hmac.digest(SECRET.encode(), signed, "sha256").hex(), given)
        if self.silent:
            await asyncio.sleep(30)
        if self.raw is not None:
            return self.raw()
        if request.method in ("GET", "DELETE"):
            id = request.match_info["id"]
            return web.json_response(self.decided.get(id, {"state": "not_found"}) | {"id": id})
        told = json.loads(body)
        id = told["id"]
        assert request.headers["idempotency-key"] == id
        self.sent[id] = told | {"path": request.path}
        if id not in self.decided:
            self.decided[id] = self.says.pop(0) if self.says else self.decides(told)
        return web.json_response(self.decided[id] | {"id": id})


@asynccontextmanager
async def bridge_twin() -> AsyncIterator[Twin]:
    """Serving on a free port of this machine, under a path of its own."""
    twin = Twin()
    app = web.Application()
    for path in (
        "charges",
        "reversals",
        "dispute-answers",
        "card-updates",
        "network-tokens",
        "cryptograms",
    ):
        app.router.add_post(f"/pay/{path}", twin.take)
    app.router.add_get("/pay/messages/{id}", twin.take)
    app.router.add_get("/pay/network-tokens/{id}", twin.take)
    app.router.add_delete("/pay/network-tokens/{id}", twin.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    twin.url = f"http://127.0.0.1:{runner.addresses[0][1]}/pay"
    try:
        yield twin
    finally:
        await runner.cleanup()
