"""Headers that restrict what browsers do with our pages: nothing from elsewhere, in no frame, kept by no cache."""

from typing import Final

from recoup.doors.edge.asgi import App, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class HtmlHeaders:
    """Adds to each answer what is not there yet: `nosniff` to all, the rest to HTML.

    `policy` is the Content-Security-Policy; a page that needs another sets its own. Strict-Transport-Security
    only goes over https, where it is not a lie.
    """

    def __init__(self, app: App, policy: str = CONTENT_SECURITY_POLICY) -> None:
        self._app = app
        self._html = (
            (b"content-security-policy", policy.encode()),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
            (b"cache-control", b"no-store"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = scope.get("scheme") == "https"

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                there = {name.lower(): value for name, value in headers}
                wanted = [(b"x-content-type-options", b"nosniff")]
                if there.get(b"content-type", b"").lower().startswith(b"text/html"):
                    wanted.extend(self._html)
                if secure:
                    wanted.append((b"strict-transport-security", b"max-age=31536000"))
                message["headers"] = headers + [pair for pair in wanted if pair[0] not in there]
            await send(message)

        await self._app(scope, receive, guarded)
