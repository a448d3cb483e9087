"""Who looks as somebody else does nothing but what is open to it, at every form there is; without
the tick, nothing."""

from collections.abc import Iterator

import pytest
from tests.isolation.ground import Ground, opened_ground
from tests.isolation.table import TABLE
from tests.isolation.test_every_route import Stranger, request_of

from recoup.db.server import ServerAddress
from recoup.people.page.bounds import CLOSED, END, OPEN
from recoup.people.page.endpoint import COOKIE

FORMS = [
    key
    for key, line in TABLE.items()
    if key[0] == "POST" and line.whose in ("owner", "operator", "seat") and key[1] != END
]
PAGES = [
    key
    for key, line in TABLE.items()
    if key[0] == "GET" and line.whose in ("owner", "operator", "seat")
]
_NEVER = (
    "password",
    "second-factor",
    "/keys",
    "/bank",
    "/approvals",
    "/invitations",
    "/account",
    "/settlement",
    "rotate",
    "export",
    "erase",
)


@pytest.fixture(scope="module")
def ground(server: ServerAddress) -> Iterator[Ground]:
    with opened_ground(server) as made:
        yield made


def _looking(ground: Ground, *, act: bool) -> Stranger:
    """The operator's person as the first side's owner, or as a role where that one is gone."""
    cookie, csrf = ground.operator
    headers = {"cookie": f"{COOKIE}={cookie}"}
    ground.call("POST", "/look-as/end", data={"csrf": csrf}, headers=headers)
    now = {"csrf": ground.form_key(headers)}
    chosen = ground.call(
        "POST", "/merchant", data=now | {"merchant": str(ground.a.mid)}, headers=headers
    )
    assert chosen.status_code == 303
    now = {"csrf": ground.form_key(headers)}
    asked = {"whom": "role:owner", "reason": "a walk through all forms", "minutes": "60"}
    asked |= {"act": "yes"} if act else {}
    assert ground.call("POST", "/look-as", data=now | asked, headers=headers).status_code == 303
    return Stranger("who looks", headers, ground.form_key(headers))


def test_without_the_tick_every_form_is_refused_and_nothing_changes(ground: Ground) -> None:
    who, before, let_in = _looking(ground, act=False), ground.stand(), []
    for key in FORMS:
        answer = ground.call(**request_of(ground, key, TABLE[key], who))
        if answer.status_code != 403:
            let_in.append(f"{key[1]}: {answer.status_code}")
    assert not let_in
    after = ground.stand()
    assert after == before, [name for name in after if after[name] != before[name]]
    ground.call("POST", END, data={"csrf": who.csrf}, headers=who.headers)


def test_with_the_tick_only_what_is_open_is_let_in(ground: Ground) -> None:
    who, wrong = _looking(ground, act=True), []
    for key in FORMS:
        answer = ground.call(**request_of(ground, key, TABLE[key], who))
        refused = answer.status_code == 403 and "impersonat" in answer.text
        if refused == (key[1] in OPEN):
            wrong.append(f"{key[1]}: {answer.status_code}")
    assert not wrong
    ground.call("POST", END, data={"csrf": who.csrf}, headers=who.headers)


def test_pages_show_the_shop_and_its_band_and_nothing_of_people_or_the_operator(
    ground: Ground,
) -> None:
    who, other = _looking(ground, act=False), ground.b.mark
    for key in PAGES:
        if key[1] in ("/", "/{path:path}"):
            continue
        answer = ground.call(**request_of(ground, key, TABLE[key], who))
        assert answer.status_code < 500, key
        assert other not in answer.text, key
        if key[1].split("/")[1] in CLOSED or TABLE[key].whose == "operator":
            assert answer.status_code == 403, key
        if (
            answer.headers.get("content-type", "").startswith("text/html")
            and answer.status_code != 303
        ):
            assert "IMPERSONATING" in answer.text, key
    ground.call("POST", END, data={"csrf": who.csrf}, headers=who.headers)


def test_what_is_open_is_a_form_and_never_about_money_keys_or_people() -> None:
    forms = {key[1] for key in FORMS}
    assert not OPEN - forms, "open forms that are gone"
    assert not [path for path in OPEN for never in _NEVER if never in path]
