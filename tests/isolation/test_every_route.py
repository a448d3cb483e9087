"""No partner, merchant, site or person reads or changes what is not its own: every address of the
product, called by everybody with the ids of somebody else.

The addresses are those of the running application: one that has no line in `table` fails here. A
stranger must hear nothing of the other side (its mark stands in all its texts), leave each of its
rows as it was, and, where an id of it is named, be refused. The rightful caller, with the very same
call, must be let in: else the walk would prove nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.door import client_of
from tests.isolation.ground import ROLES, Ground, Side, application, paths_of, text_of
from tests.isolation.table import TABLE, Key, Line
from tests.rings import each

from recoup.people.page.endpoint import COOKIE

REFUSED = {401, 403, 404}
APIS = ("/v1", "/api/v1", "/inbound")
WORDS = frozenset({"sandbox", "sites", "csv", "jsonl", "week"})  # in a path they are no ids
FILES = (
    "/reconciliation/files",
    "/uploads",
    "/imports",
    "/applications/{application_id}/documents",
    "/disputes/{dispute_id}/files",
)


@dataclass
class Stranger:
    """`csrf`: what forms of theirs carry. `signs`: whose secret signs the call."""

    name: str
    headers: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    signs: Side | None = None


def strangers(ground: Ground, key: Key, line: Line) -> list[Stranger]:
    a, b = ground.a, ground.b
    found = [Stranger("anonymous"), Stranger("a guess", {"authorization": "Bearer a.b.c"})]
    keys = b.caller.shop.keys
    found += [
        Stranger("another merchant", b.caller.headers),
        Stranger("another partner", b.partner.headers),
        Stranger("another signer", signs=b),
        Stranger("another's owner", *_browser(b.sessions["owner"])),
    ]
    if key[1].startswith(APIS):
        secret = {"authorization": f"ApiKey {keys.app_key}:{keys.app_secret}"}
        found.append(Stranger("another merchant's key", secret))
    else:
        found.append(Stranger("somebody without a merchant", *_browser(ground.nobody)))
        found += [
            Stranger(f"another's {role}", *_browser(session))
            for role, session in b.sessions.items()
        ]
    if line.whose == "merchant" and not line.shared:
        found.append(Stranger("its own partner", a.partner.headers))
    if line.whose == "partner":
        found.append(Stranger("its own merchant", a.caller.headers))
    if line.whose in ("merchant", "partner", "signer"):
        found.append(Stranger("its own owner's cookie", *_browser(a.sessions["owner"])))
    return found


def _browser(session: tuple[str, str]) -> tuple[dict[str, str], str]:
    return {"cookie": f"{COOKIE}={session[0]}"}, session[1]


def _path(ground: Ground, key: Key, line: Line) -> str:
    ids = ground.a.ids | {word: word for word in WORDS}
    for kind in ("checkout", "pay", "handover"):
        token = ids[kind]
        ids[f"forged {kind}"] = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: ids[line.ids[found[1]]], key[1])
    return f"{path}?{line.query}" if line.query else path


def request_of(ground: Ground, key: Key, line: Line, who: Stranger) -> dict[str, Any]:
    """The very call that the rightful one would make, with the stranger's proof of who they are."""
    body = line.body(ground.a) if line.body else {}
    headers, path = dict(who.headers), _path(ground, key, line)
    more: dict[str, Any] = {}
    if key[0] not in ("GET", "DELETE"):
        if key[1].startswith(APIS):
            more["content"] = httpx.Request("POST", "http://x", json=body).content
            headers["content-type"] = "application/json"
        elif key[1] in FILES:
            more |= {
                "data": body | {"csrf": who.csrf},
                "files": {"file": ("w.csv", b"id\n", "text/csv")},
            }
        else:
            more["data"] = body | {"csrf": who.csrf}
    if who.signs is not None:
        bare, _, query = path.partition("?")
        headers |= who.signs.signer.headers(key[0], bare, query, more.get("content", b""))
    if not key[1].startswith(APIS):
        headers.setdefault("accept", "text/html")
    return {"method": key[0], "path": path, "headers": headers, **more}


@pytest.fixture
def before(ground: Ground) -> dict[str, str]:
    """How the first side stands."""
    return ground.stand()


def unchanged(ground: Ground, key: Key, before: dict[str, str]) -> None:
    """Raises: AssertionError when a row of the first side is not as it was."""
    after = ground.stand()
    changed = [name for name in after if after[name] != before[name]]
    before.update(after)
    assert not changed, f"{' '.join(key)} changes {changed} of another"


def check(ground: Ground, key: Key, line: Line, who: Stranger) -> httpx.Response:
    """Raises: AssertionError when a stranger is told anything, or let in where an id of another is
    named."""
    answer = ground.call(**request_of(ground, key, line, who))
    told = f"{who.name}: {' '.join(key)} answered {answer.status_code}: {answer.text[:300]}"
    assert answer.status_code < 500, told
    assert answer.headers["x-request-id"], told
    said = _without(
        text_of(answer) + str(answer.headers), line.body(ground.a) if line.body else None
    )
    assert ground.a.mark not in said.lower(), f"it reads what is another's. {told}"
    assert not re.search(r"(?<!\w)777[.,]?77(?!\w)", said), f"it reads what is another's. {told}"
    foreign = set(line.ids.values()) - ({"nothing"} | WORDS)
    if (foreign or line.names) and line.whose != "anyone":
        to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/signin")
        assert (
            answer.status_code in REFUSED
            or to_sign_in
            or (line.names and answer.status_code == 400)
        ), told
    if line.whose == "anyone" and foreign:
        assert answer.status_code in REFUSED | {400}, told
    return answer


def _without(said: str, sent: Any) -> str:
    """What a form shows again is what was typed."""
    for value in sent.values() if isinstance(sent, dict) else ():
        said = said.replace(value, "") if isinstance(value, str) else said
    return said


def test_every_route_has_a_line(ground: Ground) -> None:
    routes = paths_of(ground.routes)
    assert not routes - set(TABLE), (
        "routes without a line in tests/isolation/table.py: write who may call them"
    )
    assert not set(TABLE) - routes, "lines without a route"


@pytest.mark.timeout(300)
@each("key", TABLE)
def test_strangers_read_nothing_and_change_nothing(
    ground: Ground, before: dict[str, str], key: Key
) -> None:
    line = TABLE[key]
    for who in strangers(ground, key, line):
        check(ground, key, line, who)
    unchanged(ground, key, before)


PAGES = [
    key
    for key, line in TABLE.items()
    if line.whose in ("owner", "operator", "seat") and key[0] == "POST"
]


@pytest.mark.timeout(300)
@each("key", PAGES)
def test_people_change_only_what_their_role_may(
    ground: Ground, before: dict[str, str], key: Key
) -> None:
    line = TABLE[key]
    for role in (*ROLES, *(f"partner {one}" for one in ROLES)):
        if role in line.may or (line.whose != "seat" and role.removeprefix("partner ") in line.may):
            continue
        who = Stranger(role, *_browser(ground.a.sessions[role]))
        answer = ground.call(**request_of(ground, key, line, who))
        told = f"{role}: {' '.join(key)} answered {answer.status_code}: {answer.text[:200]}"
        assert answer.status_code == 403, told
    unchanged(ground, key, before)


@pytest.mark.parametrize(
    "key",
    [key for key, line in TABLE.items() if line.whose == "operator" and key[0] == "GET"],
    ids=" ".join,
)
def test_pages_of_the_operator_are_closed_to_everybody_else(ground: Ground, key: Key) -> None:
    for role, session in ground.a.sessions.items():
        answer = ground.call(
            **request_of(ground, key, TABLE[key], Stranger(role, *_browser(session)))
        )
        assert answer.status_code == 403, role


def test_an_id_of_somebody_else_is_answered_as_one_that_nobody_has(ground: Ground) -> None:
    """Whoever tries ids does not even learn which exist."""
    for key, line in TABLE.items():
        if not set(line.ids.values()) - ({"nothing"} | WORDS) or line.whose in (
            "signer",
            "operator",
            "anyone",
        ):
            continue
        who = {
            "merchant": Stranger("m", ground.b.caller.headers),
            "partner": Stranger("p", ground.b.partner.headers),
            "owner": Stranger("o", *_browser(ground.b.sessions["owner"])),
            "seat": Stranger("s", *_browser(ground.b.sessions["partner owner"])),
        }[line.whose]
        asked = request_of(ground, key, line, who)
        foreign = ground.call(**asked)
        path = asked["path"]
        for kind in line.ids.values():
            path = path.replace(ground.a.ids[kind], ground.a.ids["nothing"])
        nothing = ground.call(**(asked | {"path": path}))
        assert foreign.status_code == nothing.status_code, key
        assert _plain(foreign, ground) == _plain(nothing, ground), key


def _plain(answer: httpx.Response, ground: Ground) -> str:
    text = answer.text.replace(answer.headers["x-request-id"], "")
    for value in ground.a.ids.values():
        text = text.replace(value, "ID")
    return re.sub(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01|\d\d:\d\d(:\d\d)?", "", text)


# the walk itself
# ------------------------------------------------------------------------------------------------


def _hole(ground: Ground) -> Iterator[tuple[str, Any]]:
    """Ways to be careless, each of which the walk must find."""
    a = ground.a

    async def reads(request: Request) -> Response:
        order_id = UUID(request.path_params["order_id"])
        async with ground.door.world.db.connection() as connection:
            found = await connection.fetchval(
                "SELECT external_id FROM orders WHERE order_id = $1", order_id
            )
        return JSONResponse({"externalId": found})

    async def changes(request: Request) -> Response:
        async with ground.door.world.db.connection() as connection:
            await connection.execute(
                "UPDATE sites SET name = name || '.' WHERE merchant_id = $1", a.mid
            )
        return JSONResponse({}, 404)

    async def agrees(request: Request) -> Response:
        return JSONResponse({})

    yield from (("reads", reads), ("changes", changes), ("agrees", agrees))


@pytest.mark.parametrize("what", ["reads", "changes", "agrees"])
def test_the_walk_finds_a_hole(ground: Ground, what: str) -> None:
    key, line = ("GET", "/orders/{order_id}"), TABLE["GET", "/orders/{order_id}"]
    careless = Route(key[1], dict(_hole(ground))[what], methods=["GET"])

    async def client() -> httpx.AsyncClient:
        return client_of(application([careless, *ground.routes]))

    open_ground = Ground(
        ground.door,
        ground.app,
        ground.run(client()),
        ground.routes,
        ground.a,
        ground.b,
        ground.operator,
        ground.nobody,
        ground.kept,
    )
    before = ground.stand()

    def walk() -> None:
        check(open_ground, key, line, Stranger("anonymous"))
        unchanged(open_ground, key, before)

    with pytest.raises(
        AssertionError,
        match={"reads": "reads", "changes": "changes", "agrees": "answered 200"}[what],
    ):
        walk()
    ground.run(open_ground.client.aclose())


def test_a_new_route_without_a_line_is_found(ground: Ground) -> None:
    async def page(request: Request) -> Response:
        return Response()

    routes = paths_of([*ground.routes, Route("/v1/new/{id}", page, methods=["GET"])])
    assert routes - set(TABLE) == {("GET", "/v1/new/{id}")}


# last, for it changes what the others look at
ORDER = {"GET": 0, "PATCH": 1, "PUT": 1, "POST": 1, "DELETE": 2}
RIGHTFUL = sorted(
    (key for key, line in TABLE.items() if line.whose != "anyone"),
    key=lambda key: (ORDER[key[0]], TABLE[key].whose in ("partner", "seat")),
)  # those end keys


def test_the_rightful_caller_is_let_in_with_the_very_same_call(ground: Ground) -> None:
    """Which shows that strangers were refused for who they are, and not for what they sent."""
    a, wrong = ground.a, []
    token, csrf = ground.operator
    chosen = Stranger("operator", *_browser(ground.operator))
    picked = ground.call(
        "POST", "/merchant", data={"csrf": csrf, "merchant": str(a.mid)}, headers=chosen.headers
    )
    assert picked.status_code == 303
    chosen = replace(chosen, csrf=ground.form_key(chosen.headers))
    for key in RIGHTFUL:
        line = TABLE[key]
        who = {
            "merchant": Stranger("merchant", a.caller.headers),
            "partner": Stranger("partner", a.partner.headers),
            "signer": Stranger("signer", signs=a),
            "operator": chosen,
            "owner": Stranger("owner", *_browser(a.sessions["owner"])),
            "seat": Stranger("seat", *_browser(a.sessions["partner owner"])),
        }[line.whose]
        answer = ground.call(**request_of(ground, key, line, who))
        to_sign_in = answer.headers.get("location", "").startswith("/signin")
        if (answer.status_code >= 400 and answer.status_code not in line.lets_in) or to_sign_in:
            wrong.append(f"{' '.join(key)}: {answer.status_code} {text_of(answer)[-300:]}")
    assert not wrong, "\n".join(wrong)
