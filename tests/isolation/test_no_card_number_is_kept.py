"""A card number is planted in every text of every body and form, one at a time; then each row of
each table is read."""

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect as mi
from tests.door import Caller, Door, everything, opened_door, tokenize_body
from tests.isolation.ground import Ground, opened_ground
from tests.isolation.table import TABLE
from tests.people.page.test_bad_input import FORMS, address, asked, session_of
from tests.rescue_fuzzing import Target
from tests.stablecoin.door import Door as StableDoor
from tests.stablecoin.door import opened_door as opened_stable
from tests.stablecoin.fuzzing import Target as StableTarget

from recoup.db.server import ServerAddress
from recoup.main.api import OPERATIONS
from recoup.main.logs import start_logs
from recoup.main.stablecoin_api import OPERATIONS as STABLE
from recoup.networks.magic import script_card

PLANTED = script_card("visa", "51", 7, serial=4321)
GROUPED = " ".join(PLANTED[at : at + 4] for at in range(0, 16, 4))
Path = tuple[str | int, ...]


def texts_of(kind: Any, path: Path = ()) -> Iterator[Path]:
    """Where a body of this shape takes a text, as its declaration says."""
    info = mi.type_info(kind) if not isinstance(kind, mi.Type) else kind
    match info:
        case mi.Metadata():
            yield from texts_of(info.type, path)
        case mi.StructType():
            for field in info.fields:
                yield from texts_of(field.type, (*path, field.encode_name))
        case mi.UnionType():
            for one in info.types:
                yield from texts_of(one, path)
        case mi.ListType():
            yield from texts_of(info.item_type, (*path, 0))
        case mi.DictType():
            yield (*path, "note")
        case mi.AnyType() | mi.StrType():
            yield path


def planted_in(body: dict[str, Any], path: Path, text: str) -> dict[str, Any]:
    made: Any = copy.deepcopy(body)
    at = made
    for name, following in zip(path, path[1:], strict=False):
        empty: Any = [] if following == 0 else {}
        if name == 0:
            at[:] = at if at and isinstance(at[0], dict) else [empty]
            at = at[0]
        else:
            at[name] = at[name] if isinstance(at.get(name), type(empty)) and at[name] else empty
            at = at[name]
    if path[-1] == 0:
        at[:] = [text]
    else:
        at[path[-1]] = text
    return dict(made)


def places(operations: Any) -> list[tuple[Any, Path]]:
    return [
        (one, path)
        for one in operations
        if one.body is not None and one.path != "/v1/uploads"
        for path in dict.fromkeys(texts_of(one.body))
    ]


def is_card(path: Path) -> bool:
    """Where the card itself stands."""
    return path[-1] == "cardNumber" or path[-2:] == ("credit_card", "number")


@pytest.fixture(scope="module")
def door(server: ServerAddress) -> Iterator[Door]:
    start_logs("error")
    with opened_door(server) as made:
        yield made


@pytest.mark.timeout(550)
def test_of_no_text_of_the_rescue_api(door: Door) -> None:
    target, refused = Target(door), set()
    for operation, path in places(OPERATIONS):
        if is_card(path) or "oauth2" in operation.path:
            continue
        for text in (PLANTED, GROUPED):
            body = planted_in(target.known(operation), path, text)
            caller = target.partner if operation.path.startswith("/v1/partner") else target.shop
            answer = caller.call(
                operation.method, target.path(operation), json=body, allow_5xx=True
            )
            assert PLANTED not in answer.text, f"{operation.path} {path} is said back"
            if answer.status_code == 400 and "holds a card number" in answer.text:
                name = next(name for name in answer.json() if name != "TraceId")
                refused.add((operation.path, name))
    kept = door.run(everything(door.world))
    assert PLANTED not in kept
    assert GROUPED not in kept
    assert refused >= {
        ("/v1/evaluate", name)
        for name in (
            "OrderId",
            "PaymentMethod.HolderName",
            "Transaction.Id",
            "Payer.Id",
            "Transaction.ResponseDescription",
            "BillingInformation.AddressLine1",
            "OrderItems[0].Name",
            "OrderItems[0].Sku",
            "IdempotencyKey",
        )
    } | {
        ("/v1/orders/{id}", "Metadata"),
        ("/v1/orders/{id}/refund", "RefundMessage"),
        ("/v1/transmit", "OrderId"),
        ("/v1/tokenize", "PaymentMethod.CreditCard.FullName"),
        ("/v1/switches", "Why"),
        ("/v1/onboarding/application", "Contact.Name"),
    }
    assert len(refused) > 100


@pytest.mark.timeout(550)
def test_of_no_text_of_the_stablecoin_api(server: ServerAddress) -> None:
    with opened_stable(server) as stable:
        target, refused = StableTarget(stable), set()
        for operation, path in places(STABLE):
            for text in (PLANTED, GROUPED):
                body = msgspec.json.encode(planted_in(target.known(operation), path, text))
                wire = target.sign(operation.method, target.path(operation), "", body)
                answer = stable.call(wire.method, wire.path, content=body, headers=wire.headers)
                assert PLANTED not in answer.text, f"{operation.path} {path} is said back"
                if "holds a card number" in answer.text:
                    refused.add((operation.path, answer.json()["error"]["param"]))
        merchant = target.merchant
        keyed = merchant.post(
            f"/orders/{target.ids['paid']}/refund",
            {"amount": "0.01"},
            headers={"idempotency-key": PLANTED},
        )
        assert keyed.json()["error"]["param"] == "Idempotency-Key"
        kept = _all_of(stable)
    assert PLANTED not in kept
    assert GROUPED not in kept
    charges = {name for path, name in refused if path == "/api/v1/charges"}
    assert charges >= {"merchant_order_id", "subject", "description", "metadata", "customer"}


def _all_of(stable: StableDoor) -> str:
    return stable.run(everything(stable.world))


@pytest.fixture(scope="module")
def ground(server: ServerAddress) -> Iterator[Ground]:
    """Of its own: what is sent here may well do something."""
    start_logs("critical")
    with opened_ground(server) as made:
        yield made


@pytest.mark.timeout(550)
def test_of_no_form_of_the_portal(ground: Ground) -> None:
    refused = set()
    for path in FORMS:
        line = TABLE["POST", path]
        sent = (line.body(ground.a) if line.body else {}) | {"csrf": session_of(ground, line)[1]}
        for name in sent.keys() - {"csrf", "password", "new", "code", "account", "iban"}:
            for text in (PLANTED, f"see {GROUPED}"):
                answer = asked(
                    ground, "POST", address(ground, path, line), line, data=sent | {name: text}
                )
                if "holds a card number" in answer.text:
                    refused.add((path, name))
    kept = ground.run(everything(ground.door.world))
    assert PLANTED not in kept
    assert GROUPED not in kept
    names = {name for _, name in refused}
    assert names >= {"note", "reason", "name", "why"}


# identifiers
# --------------------------------------------------------------------------------------------------


def test_an_order_id_that_is_a_long_number_is_taken_and_a_held_card_is_not(
    door: Door, shop: Caller
) -> None:
    """One of the numbers looks like a card, and the sandbox knows it as none; then it is one that
    is held."""
    number = "4929123456781234567"[:15]
    number += next(digit for digit in "0123456789" if _fits(number + digit))
    assert shop.evaluate(orderId=number).status_code == 200
    assert shop.post("/transmit", {"orderId": number} | _copy(shop)).status_code == 200
    for key_id, fingerprint in door.world.keys.print_of(number):
        door.sql(
            "INSERT INTO card_prints (key_id, print, card_id) VALUES ($1, $2, gen_random_uuid())",
            key_id,
            fingerprint,
        )
    refused = shop.evaluate(orderId=f"SO-{number}")
    assert refused.status_code == 400
    assert list(refused.json()) == ["TraceId", "OrderId"]
    assert number not in refused.text


def test_a_stranger_does_not_learn_whether_a_card_is_held(door: Door) -> None:
    """Neither by a key that is none, nor by the key of a repeat, nor beside a tokenization key that
    is none."""
    held, free = _numbers(door, 1)[0], _like_card("8261")
    for path, name in (("/v1/oauth2/token", "AppKey"), ("/v1/oauth2/refresh", "RefreshToken")):
        told = [door.call("POST", path, json={"AppSecret": "x", name: one}) for one in (held, free)]
        assert [one.status_code for one in told] == [told[0].status_code] * 2
        assert [one.json().keys() for one in told] == [told[0].json().keys()] * 2
        assert "card number" not in told[0].text
    for more in ({"headers": {"idempotency-key": "?"}}, {"json": {"payment_method": {"id": "?"}}}):
        answers = []
        for one in (held, free):
            sent: Any = msgspec.json.decode(msgspec.json.encode(more).replace(b"?", one.encode()))
            answers.append(
                door.call("POST", "/v1/tokenize?environment=tk_test_none", **({"json": {}} | sent))
            )
        assert [one.status_code for one in answers] == [401, 401]


def test_who_sends_held_cards_as_ids_soon_hears_of_no_card_whether_it_is_held(
    door: Door, shop: Caller
) -> None:
    """With first six and last four of a card a hundred thousand numbers are left: nobody may try
    them here."""
    held, free = _numbers(door, 7), [_like_card(f"77{n:02}") for n in range(3)]
    assert shop.evaluate(orderId=free[0]).status_code == 200
    body = shop.body(orderId="SO-1")
    body["orderItems"] = [{"sku": one, "name": "a", "amount": 1, "quantity": 1} for one in held]
    refused = shop.evaluate(body).json()
    assert len(refused) == 1 + len(held)
    body["orderItems"] = [
        {"sku": one, "name": "a", "amount": 1, "quantity": 1} for one in (*held, *free)
    ]
    assert len(shop.evaluate(body).json()) == 1 + len(held) + len(free), (
        "which of them are held is told"
    )
    assert shop.evaluate(orderId=free[1]).status_code == 400
    assert shop.evaluate(orderId="1234567890123").status_code == 200, "what is no card is taken"
    assert door.shop().evaluate(orderId=free[2]).status_code == 200, "somebody else's calls go on"


def test_a_file_tells_of_few_cards_whether_they_are_held(door: Door, shop: Caller) -> None:
    held, free = _numbers(door, 6), [_like_card(f"66{n:02}") for n in range(4)]
    rows = [
        shop.body(
            orderId=f"F-{n}", idempotencyKey=f"F-{n}", payer={"id": one, "email": "a@b.example"}
        )
        for n, one in enumerate((*held, *free))
    ]
    made = shop.raw(
        "/uploads?kind=evaluate", b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    )
    assert made.json()["refused"] == len(rows), made.text


def _numbers(door: Door, count: int) -> list[str]:
    """Cards that are held, none of them the sandbox's."""
    made = [_like_card(f"55{n:02}") for n in range(count)]
    for number in made:
        for key_id, fingerprint in door.world.keys.print_of(number):
            door.sql(
                "INSERT INTO card_prints (key_id, print, card_id) VALUES ($1, $2, "
                "gen_random_uuid())"
                " ON CONFLICT DO NOTHING",
                key_id,
                fingerprint,
            )
    return made


def _like_card(serial: str) -> str:
    number = f"49291234567{serial}"
    return number + next(digit for digit in "0123456789" if _fits(number + digit))


def test_the_payments_own_card_is_refused_as_its_order_id(shop: Caller) -> None:
    card = script_card("visa", "51", 5, serial=77)
    body = shop.body(orderId=card)
    body["paymentMethod"] = {
        "cardNumber": card,
        "expirationMonth": 9,
        "expirationYear": 2031,
        "holderName": "Ana",
    }
    assert list(shop.evaluate(body).json()) == ["TraceId", "OrderId"]
    assert shop.evaluate(body | {"orderId": "SO-77"}).status_code == 200


def test_no_header_leaves_one_behind(door: Door, shop: Caller) -> None:
    """The request id is written beside everything that the call does; the key of a repeat is kept
    with its answer."""
    order = shop.admit()
    answer = shop.post(
        f"/orders/{order}/cancel", {"reason": "r"}, headers={"x-request-id": PLANTED}
    )
    assert answer.status_code == 200
    assert PLANTED not in answer.headers["x-request-id"]
    refused = shop.refund(order, {"amountToRefund": 1}, headers={"idempotency-key": PLANTED})
    assert list(refused.json()) == ["TraceId", "IdempotencyKey"]
    assert PLANTED not in door.run(everything(door.world))


def test_a_name_beside_the_card_is_refused_before_the_card_is_kept(
    door: Door, shop: Caller
) -> None:
    before = door.counts()
    body = tokenize_body(PLANTED)
    body["payment_method"]["credit_card"]["full_name"] = PLANTED
    assert "FullName" in shop.post("/tokenize", body).text
    assert door.counts() == before


@pytest.fixture
def shop(door: Door) -> Caller:
    return door.shop()


def _copy(shop: Caller) -> dict[str, Any]:
    from tests.door import transmit_body

    return {name: value for name, value in transmit_body(shop).items() if name != "orderId"}


def _fits(number: str) -> bool:
    from recoup.networks.card_text import is_like_card

    return is_like_card(number)
