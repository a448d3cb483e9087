"""Whatever is typed into any page or form of the portal, it says what happened: never an error of
the server's."""

import re
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.datastructures import QueryParams
from tests.isolation.ground import Ground, opened_ground, text_of
from tests.isolation.table import TABLE, Line
from tests.isolation.test_every_route import APIS, FILES, WORDS
from tests.rings import deep, draw, each

from recoup.db.server import ServerAddress
from recoup.main.logs import start_logs
from recoup.people.page.endpoint import COOKIE

ROLES = {"owner": "owner", "seat": "partner owner", "operator": "operator", "anyone": ""}
HOSTILE = {
    "quotes": "' OR '1'='1\"; DROP TABLE orders;--",
    "markup": "<script>alert(1)</script>",
    "emoji": "🦊👩‍👩‍👧",
    "right to left": "نورا \u202e العتيبي",
    "two letters": "Wu",
    "nothing": "",
    "blanks": " \t\n ",
    "a zero": "a\x00b",
    "a broken cursor": "eyJicm9rZW4",
    "an id of nobody": "0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d",
    "a number": "-1",
    "a huge number": "9" * 40,
    "a date": "9999-12-31",
    "no date": "2026-02-31T99:00:00Z",
    "10 KB": "é" * 5_000,
    "a lone surrogate": "%ED%A0%80",
    "a template": "{{ 7 * 7 }}",
    "a path": "../../etc/passwd",
    "infinity": "NaN",
}
KINDS = draw("fuzz", HOSTILE.values(), 6, label="kinds")
LIKE_MOMENTS = {"no moment": "2026-02-31T99:00:00Z", "the first": "0001-01-01T00:00:00+14:00"}
_NOBODY = HOSTILE["an id of nobody"]
FIRST_AND_LAST = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
ENDS_OF_TIME = [f"{at}{sign}{_NOBODY}" for at in FIRST_AND_LAST for sign in "_~"]
# What pages read from their addresses beside the fields of their forms.
PARAMETERS = (
    "cursor",
    "after",
    "before",
    "next",
    "page",
    "size",
    "sort",
    "view",
    "cols",
    "from",
    "to",
    "range",
    "key",
    "show",
    "within",
    "zone",
    "q",
    "request",
    "state",
    "amount",
    "how",
    "line_1",
    "count",
    "inputs",
    "placed",
    "created",
    "status",
    "attempts",
    "expires",
    "channel",
    "site",
    "id",
)
EVERY_NAME = frozenset(PARAMETERS)
PLACES_IN_LISTS = {"cursor", "after", "before", "next", "page"}
SLOW = {"/signin", "/signup"}  # each try costs the time of a password
PAGES = [
    path
    for (method, path), line in TABLE.items()
    if method == "GET" and not path.startswith((*APIS, "/static"))
]
FORMS = [
    path
    for (method, path), line in TABLE.items()
    if method == "POST"
    and not path.startswith(APIS)
    and path not in FILES
    and path not in {"/signout"} | SLOW
]


def session_of(ground: Ground, line: Line) -> tuple[str, str]:
    role = ROLES[line.whose]
    return ground.operator if role == "operator" else ground.a.sessions.get(role, ("", ""))


def address(ground: Ground, path: str, line: Line, told: str | None = None) -> str:
    """With its ids, or with `told` in their place."""
    ids = ground.a.ids | {word: word for word in WORDS}

    def filled(one: re.Match[str]) -> str:
        return ids.get(line.ids[one[1]], "forged") if told is None else quote(told, safe="")

    return re.sub(r"\{(\w+)(:\w+)?\}", filled, path)


def asked(ground: Ground, method: str, path: str, line: Line, **more: Any) -> httpx.Response:
    headers = {
        "cookie": f"{COOKIE}={session_of(ground, line)[0]}",
        "accept": "text/html",
    } | more.pop("headers", {})
    answer = ground.call(method, path, headers=headers, **more)
    assert answer.status_code < 500, (
        f"{method} {path[:200]}: {answer.status_code} {text_of(answer)[-300:]}"
    )
    if answer.status_code >= 400 and answer.headers["content-type"].startswith("text/html"):
        assert re.search(r"<h1|class=\"error\"|class=\"notice", answer.text), (
            "a page that says what happened"
        )
    return answer


@contextmanager
def read_names() -> Iterator[Set[str]]:
    """The names of parameters that pages look up meanwhile. Of what none looks up, any value makes
    the same page."""
    read = set[str]()

    def noting(looks_up: Callable[..., Any]) -> Callable[..., Any]:
        def look_up(self: QueryParams, *key: Any) -> Any:
            read.update(key or EVERY_NAME)
            return looks_up(self, *key)

        return look_up

    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "__getitem__",
            "__contains__",
            "getlist",
            "__iter__",
            "keys",
            "values",
            "items",
            "multi_items",
        ):
            patch.setattr(QueryParams, name, noting(getattr(QueryParams, name)))
        yield read


@pytest.fixture(scope="module")
def ground(server: ServerAddress) -> Iterator[Ground]:
    """Of its own: what is sent here may well do something."""
    start_logs("critical")
    with opened_ground(server) as made:
        yield made


@pytest.mark.timeout(300)
@deep("fuzz")
@each("path", draw("fuzz", PAGES, 15, label="addresses"))
def test_addresses(ground: Ground, path: str) -> None:
    line = TABLE["GET", path]
    bare = address(ground, path, line)
    with read_names() as read:
        page = asked(ground, "GET", bare, line)
    of_page = {*re.findall(r'name="(\w+)"', page.text)} - {"csrf"}
    fields = {*PARAMETERS, *of_page}
    alone = fields & (read | of_page)  # some pages read their forms' fields from the address itself
    for text in KINDS:
        asked(ground, "GET", bare, line, params=dict.fromkeys(sorted(fields), text[:100]))
        asked(ground, "GET", bare, line, params=dict.fromkeys(sorted(fields - alone), text[:100]))
        if "{" in path:
            asked(ground, "GET", address(ground, path, line, text), line)
    for name in sorted(alone):
        for kind in ("a zero", "a huge number"):
            asked(ground, "GET", bare, line, params={name: HOSTILE[kind]})
    for name in PLACES_IN_LISTS & alone:
        for text in (*KINDS, *ENDS_OF_TIME):
            asked(ground, "GET", bare, line, params={name: text[:2_000]})


@pytest.mark.timeout(300)
@deep("fuzz")
@each("path", draw("fuzz", FORMS, 15, label="forms"))
def test_forms(ground: Ground, path: str) -> None:
    line = TABLE["POST", path]
    csrf = session_of(ground, line)[1]
    sent = line.body(ground.a) if line.body else {}
    for text in KINDS:
        asked(
            ground,
            "POST",
            address(ground, path, line),
            line,
            data=dict.fromkeys(sent, text) | {"csrf": csrf},
        )
        if "{" in path:
            asked(
                ground, "POST", address(ground, path, line, text), line, data=sent | {"csrf": csrf}
            )
    for body in (b"", b"csrf=%FF%FE", b"=&&&=%00", b"[" * 100, b"a=b&" * 600):
        kind = {"content-type": "application/x-www-form-urlencoded"}
        asked(ground, "POST", address(ground, path, line), line, content=body, headers=kind)


@pytest.mark.timeout(300)
@deep("fuzz")
@each(
    "path", draw("fuzz", [path for path in FORMS if TABLE["POST", path].body], 12, label="stored")
)
def test_what_is_stored_of_a_form_breaks_no_page(ground: Ground, path: str) -> None:
    """All but one field as they should be, so that much of it is taken."""
    line = TABLE["POST", path]
    assert line.body is not None
    sent = line.body(ground.a) | {"csrf": session_of(ground, line)[1]}
    for name in sent.keys() - {"csrf"}:
        for text in (*KINDS, *LIKE_MOMENTS.values()):
            asked(ground, "POST", address(ground, path, line), line, data=sent | {name: text})
    for page in (
        "/audit",
        "/audit.{form}",
        "/orders",
        "/orders/{order_id}",
        "/switches",
        "/notifications",
    ):
        asked(ground, "GET", address(ground, page, TABLE["GET", page]), TABLE["GET", page])


def test_a_note_typed_while_the_session_ended_is_kept_and_sent_again(ground: Ground) -> None:
    path, typed = (
        f"/orders/{ground.a.ids['order']}/notes",
        'Maya said: <b>wait</b> until "Friday" 🦊',
    )
    token, csrf = ground.a.sessions["operations"]
    ours = {"origin": "http://door.test", "accept": "text/html"}
    old = {"csrf": "of the session that ended", "note": typed, "key": "f" * 32}
    answer = ground.call("POST", path, data=old, headers=ours | {"cookie": f"{COOKIE}=over"})
    assert answer.status_code == 401
    assert "You have been signed out; nothing was done." in text_of(answer)
    assert typed in text_of(answer)
    assert "of the session that ended" not in answer.text

    again = {"note": typed, "key": "f" * 32}  # from that page, after signing in in another tab
    mine = ours | {"cookie": f"{COOKIE}={token}"}
    answer = ground.call("POST", path, data=again, headers=mine)
    assert answer.status_code == 403
    assert "Your entries are kept" in text_of(answer)
    assert f'name="csrf" value="{csrf}"' in answer.text

    assert ground.call("POST", path, data=again | {"csrf": csrf}, headers=mine).status_code == 303
    page = ground.call("GET", f"/orders/{ground.a.ids['order']}", headers=mine)
    assert text_of(page).count(typed) == 1
    ground.call("POST", path, data=again | {"csrf": csrf}, headers=mine)  # a double click
    assert (
        text_of(ground.call("GET", f"/orders/{ground.a.ids['order']}", headers=mine)).count(typed)
        == 1
    )


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", None])
def test_what_another_site_sends_is_not_kept(ground: Ground, origin: str | None) -> None:
    path = f"/orders/{ground.a.ids['order']}/notes"
    headers = {"accept": "text/html"} | ({"origin": origin} if origin else {})
    for cookie in ("over", ground.a.sessions["operations"][0]):
        answer = ground.call(
            "POST",
            path,
            data={"note": "planted", "csrf": "no"},
            headers=headers | {"cookie": f"{COOKIE}={cookie}"},
        )
        assert answer.status_code in {303, 403}
        assert "planted" not in answer.text


_ID = "0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d"


@each(
    "address",
    [
        "/audit?before=0001-01-01T00:00%2B14:00_x",
        "/audit?before=9999-12-31T23:59-14:00_x",
        f"/audit?object=urn:uuid:{_ID}",
        f"/audit.csv?object=urn:uuid:{_ID}",
        f"/switches?after=1~{_ID}~%00",
        "/disputes?from=" + "9" * 5_000,
    ],
)
def test_what_only_looks_like_a_place_or_number_breaks_nothing(
    ground: Ground, address: str
) -> None:
    assert asked(ground, "GET", address, TABLE["GET", "/orders"]).status_code == 200


@each("path", ["/signin", "/signup", "/world", "/account/name", "/invitations/x", "/handover/x"])
def test_a_form_from_an_origin_that_is_no_address_is_refused(ground: Ground, path: str) -> None:
    headers = {
        "cookie": f"{COOKIE}={ground.a.sessions['owner'][0]}",
        "accept": "text/html",
        "origin": "http://[::1",
    }
    answer = ground.call(
        "POST", path, data={"csrf": ground.a.sessions["owner"][1]}, headers=headers
    )
    assert answer.status_code == 403
    assert "This form came from another site" in text_of(answer)


def test_passwords_are_never_shown_again(ground: Ground) -> None:
    answer = ground.call(
        "POST",
        "/keys",
        data={"password": "secret words"},
        headers={"origin": "http://door.test", "accept": "text/html"},
    )
    assert answer.status_code == 303
    assert "secret words" not in answer.text


@pytest.mark.parametrize("path", ["/signin", "/signin/forgot", "/signup", "/signin/code"])
def test_a_strangers_form_full_of_digits_is_refused_as_it_is(ground: Ground, path: str) -> None:
    """Each kept the doors busy for as long as fifty ordinary calls, even where the answer was to
    wait."""
    for digits in ("4+" * 3_000, "4 4 4 4 " * 4_000):
        answer = ground.call("POST", path, data={"email": digits}, headers={"accept": "text/html"})
        assert answer.status_code == 400
        assert "more long numbers than can be checked" in text_of(answer)
