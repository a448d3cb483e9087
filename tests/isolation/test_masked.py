"""Whoever's role does not need customers' data reads it nowhere: every page, file and answer of the
portal, as every role that is masked, is searched for what was planted about one customer."""

import html
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from tests.isolation.ground import Ground, Side, opened_ground
from tests.isolation.table import TABLE
from tests.isolation.test_every_route import Stranger, _browser, request_of

from recoup.db.server import ServerAddress
from recoup.kit.lists.folding import search_text
from recoup.people.page.endpoint import COOKIE

# What is planted, each found nowhere else; `metadata` and `note` are the merchant's own words of
# them.
PLANTED = {
    "first_name": "Qvvilma",
    "last_name": "Qvvdottir",
    "email": "qvv.mail@qvvpost.example",
    "phone": "+15550177331",
    "ip": "203.0.113.199",
    "street": "77 Qvvstreet",
    "account": "qvv-account-4711",
    "metadata": "ask for qvvilma",
    "note": "Qvvilma called from the shop",
}
# Each too long to stand in a random token by chance, as three letters once did.
WORDS = (
    "qvvilma",
    "qvvdottir",
    "qvv.mail",
    "qvvpost",
    "qvvstreet",
    "qvv-account",
    "0177331",
    "203.0.113.199",
)
PAGES = [key for key, line in TABLE.items() if key[0] == "GET" and line.whose in ("owner", "seat")]
EXTRA = (
    "/orders/export.json",
    "/orders/export.xlsx",
    "/orders?size=100",
    "/orders/{order}.json",
    "/orders/{order}",
    "/orders/{order}?show=webhooks",
    "/orders/{paid}.json",
    "/orders/{paid}",
    "/orders/{asked_order}",
    "/disputes?view=all",
    "/disputes/{dispute}",
    "/customers/{customer}",
    "/mailbox",
    "/approvals",
)


@pytest.fixture(scope="module")
def ground(server: ServerAddress) -> Iterator[Ground]:
    """Its own: nobody else has decided the refund that waits there."""
    with opened_ground(server) as made:
        yield made


@pytest.fixture(scope="module")
def planted(ground: Ground) -> Side:
    side, sql = ground.a, ground.door.sql
    place = json.dumps({"line1": PLANTED["street"], "country": "US"})
    full = f"{PLANTED['first_name']} {PLANTED['last_name']}"
    sql(
        "UPDATE order_payer SET first_name = $2, last_name = $3, email = $4, phone = $5, ip = $6,"
        " billing = $7::text::jsonb, shipping = $7::text::jsonb WHERE merchant_id = $1",
        side.mid,
        *(PLANTED[name] for name in ("first_name", "last_name", "email", "phone", "ip")),
        place,
    )
    sql(
        "UPDATE payers SET name = $2, email = $3, phone = $4, external_id = $5 WHERE merchant_id = "
        "$1",
        side.mid,
        full,
        PLANTED["email"],
        PLANTED["phone"],
        PLANTED["account"],
    )
    sql(
        "UPDATE orders SET metadata = $2::text::jsonb WHERE merchant_id = $1",
        side.mid,
        json.dumps({"who": PLANTED["metadata"]}),
    )
    sql(
        "UPDATE modifications SET message = $2 WHERE merchant_id = $1",
        side.mid,
        f"for {PLANTED['first_name']}",
    )
    sql(
        "UPDATE refund_requests SET message = $2 WHERE merchant_id = $1",
        side.mid,
        f"to {PLANTED['email']}",
    )
    sql(
        "UPDATE order_search SET text = $2 || text WHERE merchant_id = $1",
        side.mid,
        search_text(PLANTED["first_name"], PLANTED["last_name"], [PLANTED["email"], ""]) + " ",
    )
    for order in ("order", "paid"):
        ask(
            ground,
            "owner",
            "POST",
            f"/orders/{side.ids[order]}/notes",
            key="0" * 31 + order[0].replace("o", "1").replace("p", "2"),
            note=PLANTED["note"],
        )
    return side


def ask(ground: Ground, who: str, method: str, path: str, **fields: Any) -> Any:
    token, csrf = ground.a.sessions[who]
    more = {"data": {"csrf": csrf, **fields}} if method == "POST" else {}
    return ground.call(method, path, headers={"cookie": f"{COOKIE}={token}"}, **more)


def found(answer: Any) -> list[str]:
    content = answer.content
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            content = b"".join(book.read(name) for name in book.namelist())
    said = html.unescape(content.decode("utf-8", "replace")).lower()
    return [word for word in WORDS if word in said]


@pytest.mark.parametrize("role", ["analyst", "developer", "operations", "partner analyst"])
def test_no_page_or_file_tells_a_masked_role_whose_order_it_is(
    ground: Ground, planted: Side, role: str
) -> None:
    told = {}
    for key in PAGES:
        line = TABLE[key]
        asked = request_of(ground, key, line, Stranger(role, *_browser(planted.sessions[role])))
        answer = ground.call(**asked)
        if found(answer):
            told[asked["path"]] = found(answer)
    for path in EXTRA:
        answer = ask(ground, role, "GET", path.format(**planted.ids))
        if found(answer):
            told[path] = found(answer)
    assert not told


def test_the_owner_sees_them_so_that_the_search_above_proves_something(
    ground: Ground, planted: Side
) -> None:
    for path in (
        "/orders?size=100",
        "/orders/{order}",
        "/orders/{order}.json",
        "/customers",
        "/customers/{customer}",
        "/disputes?view=all",
        "/orders/export.csv",
        "/orders/export.xlsx",
        "/approvals",
    ):
        assert found(ask(ground, "owner", "GET", path.format(**planted.ids))), path


def test_an_order_is_revealed_to_one_person_for_a_while_and_noted(
    ground: Ground, planted: Side
) -> None:
    order, other = (f"/orders/{planted.ids[name]}" for name in ("order", "paid"))
    assert "Show" in ask(ground, "operations", "GET", order).text
    for _ in range(2):
        assert ask(ground, "operations", "POST", f"{order}/reveal").status_code == 303
    page = ask(ground, "operations", "GET", order)
    assert PLANTED["email"] in page.text
    assert "Unmasked for you until" in page.text
    assert found(ask(ground, "operations", "GET", f"{order}.json"))
    assert not found(ask(ground, "operations", "GET", other))
    assert not found(ask(ground, "partner operations", "GET", order)), "another person"
    assert not found(ask(ground, "operations", "GET", f"/customers/{planted.ids['customer']}")), (
        "another page"
    )
    lines = ground.door.sql(
        "SELECT subject_id, actor FROM audit_lines WHERE action = 'order.revealed'"
    )
    assert [row["subject_id"] for row in lines] == [planted.ids["order"]], (
        "pressed twice, noted once"
    )
    ground.door.sql("UPDATE reveals SET until = until - interval '11 minutes'")
    assert not found(ask(ground, "operations", "GET", order))
    assert ask(ground, "analyst", "POST", f"{order}/reveal").status_code == 403
    customer = f"/customers/{planted.ids['customer']}"
    assert ask(ground, "operations", "POST", f"{customer}/reveal").status_code == 303
    assert found(ask(ground, "operations", "GET", customer))
    ground.door.sql("UPDATE reveals SET until = now() - interval '1 day'")


def test_a_masked_role_finds_whole_names_and_addresses_and_spells_none_out(
    ground: Ground, planted: Side
) -> None:
    def hits(role: str, typed: str) -> bool:
        answer = ask(ground, role, "GET", f"/orders?q={typed}")
        return "No order matches" not in answer.text and planted.ids["order"][-6:] in answer.text

    for part in ("qvv", "qvvil", "qvv.mail@", "dottir", "Qvvilma"):
        assert not hits("analyst", part), part
        assert hits("operations", part), part
    for whole in ("Qvvilma Qvvdottir", PLANTED["email"].replace("@", "%40"), planted.ids["order"]):
        assert (
            hits("analyst", whole)
            or ask(ground, "analyst", "GET", f"/orders?q={whole}").status_code == 303
        ), whole


def test_what_a_receiver_said_of_a_customer_is_masked(ground: Ground, planted: Side) -> None:
    said = f"200 thank you for the order of {PLANTED['first_name']}, {PLANTED['phone']}"
    tries = ground.door.sql(
        "UPDATE delivery_tries SET subject_id = $2, answer = $3 WHERE try_id = $1 RETURNING try_id",
        UUID(planted.ids["delivery"]),
        UUID(planted.ids["order"]),
        said,
    )
    assert tries
    page = f"/webhooks/{planted.ids['endpoint']}/deliveries/{planted.ids['delivery']}"
    assert found(ask(ground, "owner", "GET", page))
    for role in ("developer", "operations", "analyst"):
        answer = ask(ground, role, "GET", page)
        assert "thank you for the order" in answer.text
        assert not found(answer), role


def test_masked_files_say_so(ground: Ground, planted: Side) -> None:
    masked, clear = (
        ask(ground, role, "GET", "/orders/export.csv") for role in ("analyst", "owner")
    )
    assert "_masked.csv" in masked.headers["content-disposition"]
    assert "Customer (masked)" in masked.text
    assert "Q•••" in masked.text
    assert "masked" not in clear.headers["content-disposition"] + clear.text
    assert '"customer_masked":' in ask(ground, "analyst", "GET", "/orders/export.json").text


def test_an_owner_chooses_who_sees_what(ground: Ground, planted: Side) -> None:
    order = f"/orders/{planted.ids['order']}"
    for role in ("operations", "analyst"):
        assert (
            ask(ground, role, "POST", "/roles/sight", role=role, sight="shown").status_code == 403
        )
    for wrong in ({"role": "analyst", "sight": "all"}, {"role": "queen", "sight": "shown"}, {}):
        assert ask(ground, "owner", "POST", "/roles/sight", **wrong).status_code == 400
    assert (
        ask(ground, "owner", "POST", "/roles/sight", role="analyst", sight="shown").status_code
        == 303
    )
    try:
        assert found(ask(ground, "analyst", "GET", order))
    finally:
        ask(ground, "owner", "POST", "/roles/sight", role="analyst", sight="masked")
    assert not found(ask(ground, "analyst", "GET", order))
    facts = ground.door.sql(
        "SELECT facts FROM audit_lines WHERE action = 'sight.changed' ORDER BY line_id"
    )
    assert len(facts) >= 2
