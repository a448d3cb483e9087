"""The world a call is for. Its credential says so, once, and nothing else of the call does.

A key says it by its name, an access token by a claim, a link or session by what it begins with.
What says nothing is the sandbox's, but for the page on which cardholders ask what a charge is. The
credential is still checked by the world it names: a false name is unknown there.
"""

import base64
import binascii
from collections.abc import Collection
from typing import Final

import msgspec

from recoup.kernel.hosts import is_loopback
from recoup.kernel.policy import LIVE_MARK, WORLD_CLAIM
from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import App, Receive, Scope, Send, header, state
from recoup.kit.edge.bearer import bearer_token
from recoup.kit.edge.cookies import cookie_of
from recoup.kit.edge.incoming import Incoming

_KEYS: Final = (b"pk_live_", b"ppk_live_", b"tk_live_")
TOKEN_PATHS: Final = ("/v1/oauth2/token", "/v1/oauth2/refresh")
_IN_BODY: Final = (*_KEYS, b'"' + LIVE_MARK.encode())
_CHARGE: Final = "/charge"


class _Claims(msgspec.Struct, frozen=True):
    world: str = msgspec.field(default="", name=WORLD_CLAIM)


_CLAIMS: Final = msgspec.json.Decoder(_Claims)


class ByWorld:
    """Sends each call to the doors of its world. `live` None: there is no live world, and all are
    the sandbox's.

    `live_routes`: names of processors whose notices are live ones. Live is reached over HTTPS, or
    from this machine.
    """

    def __init__(self, sandbox: App, session_cookie: str) -> None:
        self._sandbox, self._cookie = sandbox, session_cookie
        self.live: App | None = None
        self.live_routes: Collection[str] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises: Problem(forbidden) for a live call in the clear."""
        if self.live is None or scope["type"] != "http":
            await self._sandbox(scope, receive, send)
            return
        if scope["path"] in TOKEN_PATHS:
            receive = receive if isinstance(receive, Incoming) else Incoming(receive)
            body = await receive.read_ahead()
            is_live = any(word in body for word in _IN_BODY)
        else:
            is_live = self.is_live(scope)
        if is_live:
            if not _is_safe(scope):
                cure = "Use https://, or name the proxy in front with behind_proxy."
                raise Problem(
                    "forbidden", "The live environment is reached over HTTPS only.", cure=cure
                )
            state(scope)["live"] = True
        await (self.live if is_live else self._sandbox)(scope, receive, send)

    def is_live(self, scope: Scope) -> bool:
        """True for a call to live, by all but the body."""
        path: str = scope["path"]
        if path.startswith(("/v1/", "/api/")):
            return _by_credential(scope)
        if path.startswith("/inbound/"):
            return path.split("/")[2] in self.live_routes
        session = cookie_of(scope, self._cookie)
        return f"/{LIVE_MARK}" in path or path == _CHARGE or session.startswith(LIVE_MARK)


def _by_credential(scope: Scope) -> bool:
    given = header(scope, b"authorization")
    token = bearer_token(given)
    if token is not None:
        return _world_of(token) == "live"
    kind, _, value = (given or b"").strip().partition(b" ")
    if kind:
        return value.strip().startswith(_KEYS)
    key = header(scope, b"x-api-key")
    return (
        key.strip().startswith(_KEYS)
        if key
        else b"environment=tk_live_" in scope.get("query_string", b"").lower()
    )


def _world_of(token: bytes) -> str:
    """The world in a token, as it stands there: who signed it is looked at later."""
    body = token.split(b".")[1:2]
    try:
        return _CLAIMS.decode(base64.urlsafe_b64decode(body[0] + b"==")).world if body else ""
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return ""


def _is_safe(scope: Scope) -> bool:
    client = scope.get("client")
    if scope.get("scheme") == "https" or not client:
        return True
    return is_loopback(client[0])
