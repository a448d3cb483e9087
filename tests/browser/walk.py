"""Every page of the product as somebody may see it, from the same table that guards who may call
what: a page without a line there fails tests/isolation, and one with a line is walked here."""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.browser.visiting import Told
from tests.door import listening
from tests.isolation.ground import Ground, opened_ground
from tests.isolation.table import TABLE, Line

from recoup.db.server import ServerAddress
from recoup.people.flows.invitations import token_context
from recoup.people.page.endpoint import COOKIE

FILES = re.compile(
    r"\.(json|jsonl|csv|xlsx|\{form\})$|/static/|/favicon|/answers$|/file$|/(documents|files)/\{"
    r"|^/docs/(consumers|images)/"
)
APIS = ("/v1", "/api/", "/inbound")
TAKEN = {"/customers/{payer_id}/export"}  # the answer is a file
NO_PAGES = {"/", "/orders/new"}  # the first leads to another, the second is for the list's script
ROLE = {"owner": "owner", "operator": "operator", "seat": "partner owner", "anyone": ""}


@dataclass(frozen=True)
class Walked:
    address: str
    ground: Ground

    def cookie(self, role: str) -> str:
        """Of a session of that role."""
        ground = self.ground
        return {"operator": ground.operator, "nobody": ground.nobody}.get(
            role, ground.a.sessions.get(role, ("",))
        )[0]

    def fields(self, line: Line, role: str) -> dict[str, str]:
        """What an empty form sends: the secret of the session, the key of the form, and nothing in
        any field."""
        ground = self.ground
        csrf = ground.operator[1] if role == "operator" else ground.a.sessions[role][1]
        body = line.body(ground.a) if line.body else {}
        return {name: value if name == "key" else "" for name, value in body.items()} | {
            "csrf": csrf
        }

    def path(self, path: str, line: Line) -> str:
        """With the ids of the first side, and the query that the line asks for."""
        ids = self.ground.a.ids
        filled = re.sub(
            r"\{(\w+)(:\w+)?\}", lambda found: ids.get(line.ids[found[1]], line.ids[found[1]]), path
        )
        return f"{filled}?{line.query}" if line.query else filled


@contextmanager
def walked(
    server: ServerAddress, prepare: Callable[[Ground], object] = lambda ground: None
) -> Iterator[Walked]:
    """The whole application over the two merchants of tests/isolation, on a real socket; `prepare`
    makes more there."""

    def serve(told: Told) -> None:
        with opened_ground(server) as ground:

            async def listen() -> None:
                async with listening(ground.app) as port:
                    await told.until_stopped(Walked(f"http://127.0.0.1:{port}", ground))

            _as_operator(ground)
            prepare(ground)
            ground.kept["join"] = _join_link(ground)
            ground.run(listen())

    with Told().by(serve) as found:
        yield found


def _as_operator(ground: Ground) -> None:
    """The operator looks at the first side's merchant."""
    token, csrf = ground.operator
    picked = ground.call(
        "POST",
        "/merchant",
        data={"csrf": csrf, "merchant": str(ground.a.mid)},
        headers={"cookie": f"{COOKIE}={token}"},
    )
    assert picked.status_code == 303


def _join_link(ground: Ground) -> str:
    """The link in an invitation's mail."""
    invitation_id = uuid.UUID(ground.a.ids["invitation"])

    async def sealed() -> bytes:
        async with ground.door.world.people.connection() as people:
            found: bytes = await people.fetchval(
                "SELECT sealed_token FROM invitations WHERE invitation_id = $1", invitation_id
            )
        return found

    token = ground.door.world.keys.open_secret(token_context(invitation_id), ground.run(sealed()))
    return f"/invitations/{token.decode()}"


def pages() -> list[tuple[str, Line]]:
    """Every route that answers a GET with a page."""
    return [
        (path, line)
        for (method, path), line in TABLE.items()
        if method == "GET"
        and not path.startswith(APIS)
        and not FILES.search(path)
        and path not in NO_PAGES
    ]


def forms() -> list[tuple[str, Line]]:
    """Every route of the portal that takes a form of somebody who is signed in."""
    return [
        (path, line)
        for (method, path), line in TABLE.items()
        if method == "POST"
        and not path.startswith(APIS)
        and line.whose != "anyone"
        and path not in TAKEN
    ]
