"""One spelling for each path: clients join base and path carelessly (contract §18.1)."""

import re
from typing import Final

from recoup.doors.edge.asgi import App, Receive, Scope, Send

_SLASHES: Final = re.compile(r"/{2,}")
_RAW_SLASHES: Final = re.compile(rb"/{2,}")


class OnePath:
    """Folds doubled slashes and drops a trailing one before routing. No redirect: POST would lose its
    body. What was sent stays under `sent_path`, for those who sign it.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if "//" in path or (path.endswith("/") and path != "/") or not path:
                scope = {**scope, "path": one_path(path), "sent_path": scope.get("raw_path")}
                raw = scope.get("raw_path")
                if raw is not None:
                    scope["raw_path"] = _RAW_SLASHES.sub(b"/", raw).rstrip(b"/") or b"/"
        await self._app(scope, receive, send)


def one_path(path: str) -> str:
    return _SLASHES.sub("/", path).rstrip("/") or "/"
