"""One spelling for each path: clients join base and path carelessly (contract §18.1)."""

import re
from typing import Final

from recoup.doors.edge.asgi import App, Receive, Scope, Send

_SLASHES: Final = re.compile(r"/{2,}")
_RAW_SLASHES: Final = re.compile(rb"/{2,}")
_RESCUE: Final = ("/v1/", "/V1/")  # ids in these paths are GUIDs: none of them depends on its case


class OnePath:
    """Folds doubled slashes, drops a trailing one and reads the rescue API's paths in any case, before routing. No
    redirect: POST would lose its body. What was sent stays under `sent_path`, for those who sign it."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            plain = one_path(path) if "//" in path or path[-1:] in ("/", "") else path
            if plain[:4] in _RESCUE and not plain.islower() and plain.isascii():
                plain = plain.lower()
            if plain != path:
                scope = {**scope, "path": plain, "sent_path": scope.get("raw_path")}
                raw = scope.get("raw_path")
                if raw is not None:
                    scope["raw_path"] = _RAW_SLASHES.sub(b"/", raw).rstrip(b"/") or b"/"
        await self._app(scope, receive, send)


def one_path(path: str) -> str:
    return _SLASHES.sub("/", path).rstrip("/") or "/"
