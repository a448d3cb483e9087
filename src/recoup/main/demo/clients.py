"""Small clients of both APIs, as a merchant would write them."""

import asyncio
import json
from collections import Counter
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiohttp

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.keys.rules.signing import canonical, sign


class _Client:
    """`async with`: at most `at_once` connections; on this machine any certificate is taken."""

    def __init__(self, base_url: str, credentials: dict[str, Any], at_once: int = 100) -> None:
        self._base, self._keys, self._at_once = base_url.rstrip("/"), credentials, at_once
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        loopback = self._base.startswith(("https://127.0.0.1", "https://[::1]"))
        connector = aiohttp.TCPConnector(limit=self._at_once, ssl=not loopback)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._session is not None
        await self._session.close()


class StableClient(_Client):
    """`async with`. `credentials`: stablecoin_key_id, stablecoin_secret."""

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None, query: str = "", key: str = ""
    ) -> Any:
        """(status, answer); repeated, signed anew, while the other side is busy. Every call here
        may be repeated."""
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
        """Posts as the payer's browser does; `button` is pay or fail. Answers the status."""
        path = urlsplit(checkout_url).path
        form = {"content-type": "application/x-www-form-urlencoded"}
        status, _ = await self._send("POST", f"{self._base}{path}/{button}", b"", form)
        return status

    async def _send(
        self, method: str, address: str, content: bytes, headers: dict[str, str]
    ) -> tuple[int, Any]:
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


AT_ONCE: Final = 48
TIMEOUT_SECONDS: Final = 30.0
TRIES: Final = 6
_BUSY: Final = (429, 502, 503, 504)


class RescueClient(_Client):
    """`async with`. `credentials`: mid, app_key, app_secret."""

    def __init__(
        self, base_url: str, credentials: dict[str, Any], *, at_once: int = AT_ONCE
    ) -> None:
        super().__init__(base_url, credentials, at_once)
        self._gate = asyncio.Semaphore(at_once)
        self._bearer: str | None = None
        self._signing_in = asyncio.Lock()
        self.statuses: Counter[int] = Counter()

    @property
    def mid(self) -> str:
        return str(self._keys["mid"])

    async def wait_until_up(self, seconds: float) -> None:
        """Raises: Problem(unavailable) when nothing answers in time."""
        assert self._session is not None
        for left in range(max(1, round(seconds / 0.1)), 0, -1):
            try:
                async with self._session.get(
                    self._base + "/healthz", timeout=aiohttp.ClientTimeout(total=2)
                ) as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            if left > 1:
                await asyncio.sleep(0.1)
        raise Problem(
            "unavailable", f"Nothing answers at {self._base}.", cure="Start it with `recoup up`."
        )

    async def tokenize(self, card: dict[str, Any]) -> dict[str, Any]:
        """Tokenizes as a server does, whose many cards come from one address. Answers
        `payment_method`."""
        given = {"payment_method": {"credit_card": card}}
        status, body = await self._signed("POST", "/v1/tokenize", given, query={"mid": self.mid})
        if status != 200:
            raise Problem("bad_gateway", f"/tokenize answered {status}: {said(body)}")
        method: dict[str, Any] = body["transaction"]["payment_method"]
        return method

    async def post(
        self, path: str, body: dict[str, Any], *, key: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        return await self._signed("POST", path, body, key=key)

    async def get(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        return await self._signed("GET", path, None, query=query)

    async def _signed(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        *,
        query: dict[str, str] | None = None,
        key: str | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Calls with the bearer; once again with a new one after 401."""
        for _ in range(2):
            bearer = self._bearer or await self._sign_in(None)
            headers = {"authorization": f"Bearer {bearer}"} | (
                {"idempotency-key": key} if key else {}
            )
            status, answer = await self._call(method, path, body, headers=headers, query=query)
            if status != 401:
                break
            await self._sign_in(bearer)
        return status, answer

    async def _sign_in(self, stale: str | None) -> str:
        async with self._signing_in:
            if self._bearer is None or self._bearer == stale:
                keys = {"AppKey": self._keys["app_key"], "AppSecret": self._keys["app_secret"]}
                status, body = await self._call("POST", "/v1/oauth2/token", keys)
                if status != 200:
                    raise Problem(
                        "unauthenticated", f"/oauth2/token answered {status}: {said(body)}"
                    )
                self._bearer = str(body["accessToken"])
            return self._bearer

    async def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        *,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Makes a call; repeated while the other side is busy or the connection fails. Every call
        here may be repeated."""
        assert self._session is not None
        trouble = ""
        for number in range(TRIES):
            if number:
                await asyncio.sleep(min(2.0, 0.1 * 2**number))
            try:
                async with (
                    self._gate,
                    self._session.request(
                        method, self._base + path, json=body, headers=headers, params=query
                    ) as answer,
                ):
                    answered = await answer.json(content_type=None) if answer.status != 204 else {}
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                trouble = type(error).__name__
                continue
            self.statuses[answer.status] += 1
            if answer.status not in _BUSY:
                return answer.status, answered if isinstance(answered, dict) else {}
            trouble = f"HTTP {answer.status}"
        raise Problem(
            "unavailable",
            f"{self._base}{path} does not answer: {trouble}.",
            cure="Is `recoup up` running?",
        )


def said(body: dict[str, Any]) -> str:
    """Fault that an answer names, in one line."""
    texts = [
        t
        for name, several in body.items()
        if name != "TraceId" and isinstance(several, list)
        for t in several
    ]
    return str(body.get("result") or "; ".join(str(t) for t in texts))[:300]
