"""Who calls: by a token of the rescue API, or by a signature of the stablecoin API."""

import hashlib
import hmac
import random
import re
import time

import httpx

from recoup_client.talk import Talk, read

EARLY_SECONDS = 30.0
USED_MAX = 10_000
BACK_SECONDS_MAX = 60


def address(base_url: str) -> str:
    """The server's address; one of the APIs' own prefixes is cut off. Raises: ValueError."""
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"base_url must be like https://recoup.example.com, not {base_url!r}")
    return re.sub(r"(/api)?/v1$", "", base_url.rstrip("/"))


class AppKey:
    """Signs in at the first call and again shortly before the token ends. One may be shared by
    threads and tasks."""

    def __init__(self, base_url: str, app_key: str, app_secret: str) -> None:
        self._url = address(base_url) + "/v1/oauth2/token"
        self._keys = {"AppKey": app_key, "AppSecret": app_secret}
        self._token, self._until = "", 0.0

    def sign(self, request: httpx.Request) -> Talk:
        if time.monotonic() >= self._until:
            told = read((yield httpx.Request("POST", self._url, json=self._keys)))
            lives = (
                told["expires"] / 1000 - time.time()
            )  # by a clock that may be wrong: see `renew`
            self._token, self._until = (
                told["accessToken"],
                time.monotonic() + max(lives - EARLY_SECONDS, EARLY_SECONDS),
            )
        request.headers["authorization"] = f"Bearer {self._token}"

    def renew(self, code: str) -> bool:
        """A token may end before its time: a fresh one is asked for."""
        self._until = 0.0
        return True


class Signature:
    """HMAC over method, path, sorted query, time and body."""

    def __init__(self, key_id: str, secret: str) -> None:
        self._key_id, self._secret = key_id, secret.encode()
        self._used: set[str] = set()
        self._back = 0

    def sign(self, request: httpx.Request) -> Talk:
        path, _, query = request.url.raw_path.partition(b"?")
        ordered = b"&".join(sorted(query.split(b"&")))
        digest = hashlib.sha256(request.content).hexdigest().encode()
        seconds, self._back = int(time.time()) - self._back, 0
        while True:
            told = b"\n".join(
                (request.method.encode(), path, ordered, str(seconds).encode(), digest)
            )
            proof = hmac.new(self._secret, told, hashlib.sha256).hexdigest()
            if proof not in self._used:
                break
            seconds -= 1  # a signature works once; the same call within a second needs another
        if len(self._used) > USED_MAX:
            self._used.clear()
        self._used.add(proof)
        headers = {"x-api-key": self._key_id, "x-timestamp": str(seconds), "x-signature": proof}
        request.headers.update(headers)
        yield from ()

    def renew(self, code: str) -> bool:
        """Signs an earlier second: another process may have made the same call in this one."""
        self._back = random.randint(1, BACK_SECONDS_MAX)
        return code == "replayed_request"
