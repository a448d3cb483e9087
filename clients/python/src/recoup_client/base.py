"""The two ways to perform a call; the generated classes say which calls there are."""

from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote

import httpx

from recoup_client.credentials import AppKey, Signature
from recoup_client.talk import Credential, call, perform, perform_async

TIMEOUT_SECONDS = 30.0
Client = TypeVar("Client")


def segment(id: str) -> str:
    """An id as one part of a path, whatever is in it: it never leads to another call.

    Raises: ValueError for what can be no part.
    """
    if id in ("", ".", ".."):
        raise ValueError(f"{id!r} is no id")
    return quote(id, safe="")


class _Calls(Generic[Client]):
    def __init__(self, base_url: str, credential: Credential, client: Client | None = None) -> None:
        self._url = base_url.rstrip("/")
        self._credential = credential
        self._client = client or self._open()

    @classmethod
    def by_app_key(cls, base_url: str, app_key: str, app_secret: str, client: Client | None = None) -> Self:
        """For the rescue API: the keys as `recoup bootstrap` prints them."""
        url = base_url.rstrip("/")
        return cls(url, AppKey(url, app_key, app_secret), client)

    @classmethod
    def by_signature(cls, base_url: str, key_id: str, secret: str, client: Client | None = None) -> Self:
        """For the stablecoin API."""
        return cls(base_url, Signature(key_id, secret), client)

    def _open(self) -> Client:
        raise NotImplementedError


class Waiting(_Calls[httpx.Client]):
    """Use as a context, or call `close`."""

    def _open(self) -> httpx.Client:
        return httpx.Client(timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _call(self, method: str, path: str, *, body: Any = None, query: Any = None, key: str | None = None) -> Any:
        return perform(self._client, call(self._credential, self._url, method, path, body=body, query=query, key=key))


class Awaiting(_Calls[httpx.AsyncClient]):
    """Use as an async context, or await `close`."""

    def _open(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=TIMEOUT_SECONDS)

    async def close(self) -> None:
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(
        self, method: str, path: str, *, body: Any = None, query: Any = None, key: str | None = None
    ) -> Any:
        talk = call(self._credential, self._url, method, path, body=body, query=query, key=key)
        return await perform_async(self._client, talk)
