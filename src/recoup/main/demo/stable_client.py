"""A small client of the stablecoin API, as a merchant would write one: it signs each call, and its payers press the
hosted page's buttons."""

import asyncio
import json
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.rules.stable.signing import canonical, sign

TIMEOUT_SECONDS: Final = 30.0
TRIES: Final = 6
_BUSY: Final = (429, 502, 503, 504)


class StableClient:
    """`async with`. `credentials`: stablecoin_key_id, stablecoin_secret."""

    def __init__(self, base_url: str, credentials: dict[str, Any]) -> None:
        self._base, self._keys = base_url.rstrip("/"), credentials
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "StableClient":
        loopback = self._base.startswith(("https://127.0.0.1", "https://[::1]"))
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        connector = aiohttp.TCPConnector(ssl=not loopback)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def call(self, method: str, path: str, body: dict[str, Any] | None, query: str = "", key: str = "") -> Any:
        """(status, answer); repeated, signed anew, while the other side is busy. Every call here may be repeated."""
        content = json.dumps(body).encode() if body is not None else b""
        address = f"{self._base}{path}" + (f"?{query}" if query else "")
        for number in range(TRIES):
            if number:
                await asyncio.sleep(1.05)  # a signature works once, and its time has whole seconds
            stamp = str(int(Clocks().wall().timestamp()))
            message = canonical(method, path.encode(), query.encode(), stamp, content)
            headers = {
                "content-type": "application/json",
                "x-api-key": self._keys["stablecoin_key_id"],
                "x-timestamp": stamp,
                "x-signature": sign(self._keys["stablecoin_secret"].encode(), message),
            } | ({"idempotency-key": key} if key else {})
            status, answer = await self._send(method, address, content, headers)
            if status not in _BUSY and not _replayed(answer):
                return status, answer
        raise Problem("unavailable", f"{address} does not answer.", cure="Is `recoup up` running?")

    async def press(self, checkout_url: str, button: str) -> int:
        """What the payer's browser posts; `button` is pay or fail. Answers the status."""
        path = urlsplit(checkout_url).path
        form = {"content-type": "application/x-www-form-urlencoded"}
        status, _ = await self._send("POST", f"{self._base}{path}/{button}", b"", form)
        return status

    async def _send(self, method: str, address: str, content: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        """503 for a connection that fails."""
        assert self._session is not None
        try:
            async with self._session.request(
                method, address, data=content, headers=headers, allow_redirects=False
            ) as answer:
                text = await answer.text()
                body = json.loads(text) if answer.content_type == "application/json" else {}
                return answer.status, body
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 503, {}


def _replayed(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("error", {}).get("code") == "replayed_request"
