"""The cell that a call is for: its merchant's, whom its credential, link, session or path names.

None of it is believed: the doors of the cell check it, and a false name is unknown there. What
names nobody is the first cell's.
"""

import base64
import binascii
from typing import Final, Generic, TypeVar
from urllib.parse import parse_qs
from uuid import UUID

import msgspec

from recoup.db.statement import FIRST_CELL
from recoup.kernel.ids import parse_id
from recoup.kit.edge.asgi import App, Receive, Scope, Send, header, state
from recoup.kit.edge.bearer import bearer_token
from recoup.kit.edge.cookies import cookie_of
from recoup.kit.world import World
from recoup.merchants.flows.cells import opened
from recoup.merchants.store.cells import cell_of
from recoup.merchants.store.filling import merchant_of_key
from recoup.people.flows.sessions import read_session
from recoup.people.page.known_before import SESSION_COOKIE

DoorsT = TypeVar("DoorsT", bound=App)
KEPT_MAX: Final = 100_000
KEY_LENGTH_MAX: Final = 200
_NAMING: Final = ("/v1/", "/partner/", "/operator/")  # paths that may name another's merchant
_LINK_LENGTH: Final = 64


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises: Problem(unavailable) for a cell that this process has not opened."""
        cell = FIRST_CELL
        if len(self.cells) > 1 and scope["type"] == "http" and self.world is not None:
            cell = opened(self.world, await self._cell_of(self.world, scope)).cell
            if cell != FIRST_CELL:
                state(scope)["cell"] = f"-{cell}"
        await self.cells[cell](scope, receive, send)

    async def _cell_of(self, world: World, scope: Scope) -> int:
        merchant_id = await self._merchant_of(world, scope)
        if merchant_id is None:
            return FIRST_CELL
        cell = self._of_merchants.get(merchant_id)
        if cell is None:
            cell = await cell_of(world.db, merchant_id)
            if cell is None:
                return FIRST_CELL
            _keep(self._of_merchants, merchant_id, cell)
        return cell

    async def _merchant_of(self, world: World, scope: Scope) -> UUID | None:
        path: str = scope["path"]
        if path.startswith(("/v1/", "/api/")):
            found = await self._by_credential(world, scope)
        else:
            found = _by_link(path, world.mark)
        if found is None and path.startswith(_NAMING):
            found = await self._by_path(world, path)
        if found is None and (token := cookie_of(scope, SESSION_COOKIE)):
            session = await read_session(world, token, poll=True)
            found = session.merchant.merchant_id if session and session.merchant else None
        return found

    async def _by_credential(self, world: World, scope: Scope) -> UUID | None:
        given = header(scope, b"authorization")
        token = bearer_token(given)
        if token is not None:
            return _by_claim(token)
        if given:
            key = given.strip().partition(b" ")[2].strip().partition(b":")[0]
        else:
            query = parse_qs(scope.get("query_string", b""), max_num_fields=100)
            key = header(scope, b"x-api-key") or query.get(b"environment", [b""])[0]
        return await self._by_key(world, key.strip().decode("latin-1"))

    async def _by_key(self, world: World, key: str) -> UUID | None:
        if not key or len(key) > KEY_LENGTH_MAX or not key.isascii():
            return None
        found = self._of_keys.get(key)
        if found is None and (found := await merchant_of_key(world.db, key)) is not None:
            _keep(self._of_keys, key, found)
        return found

    async def _by_path(self, world: World, path: str) -> UUID | None:
        for part in path.split("/")[2:6]:
            named = parse_id(part)
            if named is not None and (
                named in self._of_merchants or await cell_of(world.db, named) is not None
            ):
                return named
        return None


def _keep(kept: dict[UUID, int] | dict[str, UUID], name: UUID | str, value: int | UUID) -> None:
    """Of what is there only: a merchant stays in its cell, a key its merchant's."""
    if len(kept) >= KEPT_MAX:
        kept.clear()
    kept[name] = value  # type: ignore[index,assignment]


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
