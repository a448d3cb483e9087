"""The two ways to perform a call and to read a list; the generated classes say which there are."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote

import httpx

from recoup_client.credentials import address
from recoup_client.talk import Credential, call, perform, perform_async

Client = TypeVar("Client")
Item = TypeVar("Item")
Answer = TypeVar("Answer")
Call = Callable[..., Any]


def segment(id: str) -> str:
    """An id as one part of a path, whatever is in it: it never leads to another call.

    Raises: ValueError for what can be no part.
    """
    if id in ("", ".", ".."):
        raise ValueError(f"{id!r} is no id")
    return quote(id, safe="")


class Noun:
    """The calls of one kind of object."""

    def __init__(self, call: Call) -> None:
        self._call = call


class _Listed(Generic[Item, Answer]):
    """A list that is fetched page by page.

    `items`: the path to a page's records; `parameter`: names the next page in the query, None where
    there is one page.
    """

    def __init__(
        self,
        call: Call,
        path: str,
        query: Mapping[str, Any],
        items: Sequence[str],
        parameter: str | None,
    ) -> None:
        self._call, self._path, self._query = call, path, dict(query)
        self._items, self._parameter = items, parameter

    def _records(self, page: Any) -> list[Item]:
        records: list[Item] = self._holder(page)[self._items[-1]]
        return records

    def _holder(self, page: Any) -> Any:
        for name in self._items[:-1]:
            page = page[name]
        return page

    def _following(self, query: dict[str, Any], page: Any) -> dict[str, Any] | None:
        """The query of the next page; None after the last one."""
        name, holder = self._parameter, self._holder(page)
        if name is None:
            return None
        if name == "offset":
            following = (query.get(name) or 0) + len(self._records(page))
            more = following < holder.get("total", following + 1) and bool(self._records(page))
        elif name == "pageNumber":
            following, more = (query.get(name) or 1) + 1, holder["hasNextPage"]
        else:
            following = holder["next"]
            more = following not in (None, query.get(name)) and holder.get("hasMore", True)
        return {**query, name: following} if more else None


class Pages(_Listed[Item, Answer]):
    """All records of a list, over all of its pages: `for order in recoup.orders.list()`."""

    def __iter__(self) -> Iterator[Item]:
        for page in self.pages():
            yield from self._records(page)

    def pages(self) -> Iterator[Answer]:
        """Each page as the API answers it. One is fetched when it is asked for."""
        query: dict[str, Any] | None = self._query
        while query is not None:
            page: Answer = self._call("GET", self._path, query=query)
            yield page
            query = self._following(query, page)


class AsyncPages(_Listed[Item, Answer]):
    """All records of a list, over all of its pages: `async for order in recoup.orders.list()`."""

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for page in self.pages():
            for record in self._records(page):
                yield record

    async def pages(self) -> AsyncIterator[Answer]:
        """Each page as the API answers it. One is fetched when it is asked for."""
        query: dict[str, Any] | None = self._query
        while query is not None:
            page: Answer = await self._call("GET", self._path, query=query)
            yield page
            query = self._following(query, page)


class _Calls(Generic[Client]):
    def __init__(
        self,
        base_url: str,
        credential: Credential,
        client: Client | None,
        timeout: float,
        max_retries: int,
    ) -> None:
        self._url = address(base_url)
        self._credential, self._retries = credential, max_retries
        self._is_own = client is None
        self._client = self._open(timeout) if client is None else client

    def _open(self, timeout: float) -> Client:
        raise NotImplementedError


class Waiting(_Calls[httpx.Client]):
    """Use as a context, or call `close`. A `client` of yours stays open,
    and has its own timeout."""

    def _open(self, timeout: float) -> httpx.Client:
        return httpx.Client(timeout=timeout)

    def close(self) -> None:
        if self._is_own:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _call(
        self, method: str, path: str, *, body: Any = None, query: Any = None, key: str | None = None
    ) -> Any:
        talk = call(
            self._credential,
            self._url,
            method,
            path,
            body=body,
            query=query,
            key=key,
            retries=self._retries,
        )
        return perform(self._client, talk)


class Awaiting(_Calls[httpx.AsyncClient]):
    """Use as an async context, or await `close`. A `client` of yours stays open, and has its own
    timeout."""

    def _open(self, timeout: float) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=timeout)

    async def close(self) -> None:
        if self._is_own:
            await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    async def _call(
        self, method: str, path: str, *, body: Any = None, query: Any = None, key: str | None = None
    ) -> Any:
        talk = call(
            self._credential,
            self._url,
            method,
            path,
            body=body,
            query=query,
            key=key,
            retries=self._retries,
        )
        return await perform_async(self._client, talk)
