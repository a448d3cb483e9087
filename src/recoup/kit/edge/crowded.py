"""Answers to a connection beyond the limits: the health checks as ever, and all else that there is
no room."""

from typing import Final

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import App, Receive, Refuse, Scope, Send, send_refusal

PROBES: Final = frozenset(("/healthz", "/readyz"))


RETRY_SECONDS: Final = 2


class Crowded:
    def __init__(self, app: App, refuse: Refuse, problem: Problem) -> None:
        self._app, self._refuse, self._problem = app, refuse, problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        refusal = self._refuse(scope, self._problem)
        retry = [] if any(name == b"retry-after" for name, _ in refusal.headers) else [RETRY_AFTER]
        await send_refusal(send, refusal, *retry, (b"connection", b"close"))


RETRY_AFTER: Final = (b"retry-after", b"%d" % RETRY_SECONDS)


def crowded(app: App, refuse: Refuse) -> dict[str, App]:
    """Apps for the crowded, by the limit that was met."""
    return {
        "total": Crowded(
            app,
            refuse,
            Problem(
                "unavailable",
                "All connections are in use.",
                retry_after_seconds=RETRY_SECONDS,
                cure="Send it again in a few seconds, over fewer connections.",
            ),
        ),
        "address": Crowded(
            app,
            refuse,
            Problem(
                "too_many_requests",
                "There are too many connections from this address.",
                retry_after_seconds=RETRY_SECONDS,
                cure="Keep fewer connections open and use them again.",
            ),
        ),
    }
