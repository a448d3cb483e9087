"""The cell that a call is for: its merchant's, whom its credential, link, session or path names.

None of it is believed: the doors of the cell check it, and a false name is unknown there. What
names nobody is the first cell's.
"""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Final, Generic, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from recoup.db.statement import FIRST_CELL, Read
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import App, Receive, Scope, Send, header, state
from recoup.kit.edge.bearer import bearer_token
from recoup.kit.edge.cookies import cookie_of
from recoup.kit.edge.incoming import Incoming
from recoup.kit.edge.which_world import TOKEN_PATHS
from recoup.kit.world import World
from recoup.merchants.flows.cells import opened
from recoup.merchants.store.cells import cell_of
from recoup.merchants.store.filling import merchant_of_key
from recoup.people.flows.sessions import read_session
from recoup.people.page.known_before import SESSION_COOKIE

DoorsT = TypeVar("DoorsT", bound=App)
KEPT_MAX: Final = 100_000
QUERY_FIELDS_MAX: Final = 500
KEY_LENGTH_MAX: Final = 64
_NAMING: Final = ("/v1/", "/partner/", "/operator/")  # paths that may name another's merchant
_NO_PAGES: Final = ("/v1/", "/api/", "/inbound/", "/static/", "/docs")
_LINK_LENGTH: Final = 64
AWAY_SECONDS: Final = 5.0
# What a body that signs in names: a merchant's key, or the cell that made the refresh token.
_KEY: Final = re.compile(rb"\bpk_(?:test|live)_[A-Za-z0-9_-]{1,64}")
_REFRESH: Final = re.compile(rb'"(?:live\.)?c([0-9]{1,2})\.[A-Za-z0-9_-]')
T = TypeVar("T")


class _Claims(msgspec.Struct, frozen=True):
    mid: str = msgspec.field(default="", name="custom:mid")


_CLAIMS: Final = msgspec.json.Decoder(_Claims)


class ByCell(Generic[DoorsT]):
    """Sends each call to the doors of its merchant's cell. `cells`: by number, the first among
    them; of a world with one cell nothing is looked up."""

    def __init__(self, first: DoorsT) -> None:
        self.first, self.cells = first, {FIRST_CELL: first}
        self.world: World | None = None
        self._of_keys: dict[str, UUID] = {}
        self._of_merchants: dict[UUID, int] = {}
        self._away: dict[int, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises: Problem(unavailable) for a cell that this process has not opened."""
        cell = FIRST_CELL
        if self.world is not None and self.world.cells and scope["type"] == "http":
            if scope["path"] in TOKEN_PATHS:
                receive = receive if isinstance(receive, Incoming) else Incoming(receive)
                cell = await self._cell_of_token(self.world, await receive.read_ahead())
            else:
                cell = await self._cell_of(self.world, scope)
            cell = opened(self.world, cell).cell
            if cell != FIRST_CELL:
                state(scope)["cell"] = f"-{cell}"
        await self.cells[cell](scope, receive, send)

    async def _cell_of(self, world: World, scope: Scope) -> int:
        merchant_id = await self._merchant_of(world, scope)
        return FIRST_CELL if merchant_id is None else await self._cell_of_merchant(merchant_id)

    async def _cell_of_merchant(self, merchant_id: UUID) -> int:
        cell = self._of_merchants.get(merchant_id)
        if cell is None:
            cell = await self._ask(lambda db: cell_of(db, merchant_id))
            if cell is None:
                return FIRST_CELL
            _keep(self._of_merchants, merchant_id, cell)
        return cell

    async def _cell_of_token(self, world: World, body: bytes) -> int:
        """Of a call that signs in: by its key, or by what a refresh token begins with."""
        if (named := _REFRESH.search(body)) is not None:
            return int(named[1]) if int(named[1]) in self.cells else FIRST_CELL
        key = _KEY.search(body)
        found = await self._by_key(world, key[0].decode()) if key else None
        return FIRST_CELL if found is None else await self._cell_of_merchant(found)

    async def _ask(self, read: Callable[[Read], Awaitable[T]]) -> T:
        """Reads the directory, which each cell's server has; of one that was just away last."""
        assert self.world is not None
        now = monotonic()
        worlds = sorted(self.world.every, key=lambda world: self._away.get(world.cell, 0.0) > now)
        for world in worlds[:-1]:
            try:
                return await read(world.db)
            except Problem:
                self._away[world.cell] = now + AWAY_SECONDS
        return await read(worlds[-1].db)

    async def _merchant_of(self, world: World, scope: Scope) -> UUID | None:
        path: str = scope["path"]
        if path.startswith(("/v1/", "/api/")):
            found = await self._by_credential(world, scope)
        else:
            found = _by_link(path, world.mark)
        if found is None and path.startswith(_NAMING):
            found = await self._by_path(world, path)
        is_page = not path.startswith(_NO_PAGES)
        if found is None and is_page and (token := cookie_of(scope, SESSION_COOKIE)):
            session = await read_session(world, token, poll=True)
            found = session.merchant.merchant_id if session and session.merchant else None
        return found

    async def _by_credential(self, world: World, scope: Scope) -> UUID | None:
        """Reads what the doors read: those of /api/ know no other header."""
        if scope["path"].startswith("/api/"):
            return await self._by_key(world, (header(scope, b"x-api-key") or b"").decode("latin-1"))
        given = header(scope, b"authorization")
        token = bearer_token(given)
        if token is not None:
            return _by_claim(token)
        if given:
            key = given.strip().partition(b" ")[2].strip().partition(b":")[0].decode("latin-1")
        else:
            key = _environment(scope.get("query_string", b""))
        return await self._by_key(world, key)

    async def _by_key(self, world: World, key: str) -> UUID | None:
        key = key.strip()
        if not key or len(key) > KEY_LENGTH_MAX or not key.isascii():
            return None
        found = self._of_keys.get(key)
        if (
            found is None
            and (found := await self._ask(lambda db: merchant_of_key(db, key))) is not None
        ):
            _keep(self._of_keys, key, found)
        return found

    async def _by_path(self, world: World, path: str) -> UUID | None:
        for part in path.split("/")[2:6]:
            named = parse_id(part)
            if named is not None and (
                named in self._of_merchants or await self._ask(partial(_cell, named)) is not None
            ):
                return named
        return None


async def _cell(merchant_id: UUID, db: Read) -> int | None:
    return await cell_of(db, merchant_id)


def _keep(kept: dict[UUID, int] | dict[str, UUID], name: UUID | str, value: int | UUID) -> None:
    """Of what is there only: a merchant stays in its cell, a key its merchant's."""
    if len(kept) >= KEPT_MAX:
        kept.clear()
    kept[name] = value  # type: ignore[index,assignment]


def _environment(query: bytes) -> str:
    """The tokenization key of a query; empty for what the doors refuse, too."""
    try:
        fields = parse_qsl(query.decode("ascii"), max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        return ""
    return next((value for name, value in fields if name.lower() == "environment"), "")


def _by_claim(token: bytes) -> UUID | None:
    body = token.split(b".")[1:2]
    try:
        mid = _CLAIMS.decode(base64.urlsafe_b64decode(body[0] + b"==")).mid if body else ""
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    return parse_id(mid)


def _by_link(path: str, mark: str) -> UUID | None:
    for part in path.split("/")[1:5]:
        bare = part.removeprefix(mark)
        if len(bare) == _LINK_LENGTH and bare.isascii():
            try:
                return UUID(bytes=base64.b64decode(bare, altchars=b"-_", validate=True)[:16])
            except (binascii.Error, ValueError):
                continue
    return None
