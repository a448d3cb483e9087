"""Who may call: tokens, keys, scopes, rates; and the six digits of every refusal (contract §2,
§17.1 U6, U7)."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests import rescue_shapes as shapes
from tests.door import Caller, Door, another, tokenize_body
from tests.rescue_shapes import check_refused, fields_of, typed
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.kernel.problem import CODES
from recoup.keys.rules.key_scopes import covers, expanded
from recoup.kit.api.errors import REFUND_CODES, REFUND_DIGITS, TABLE
from recoup.kit.edge.rate import Buckets
from recoup.main.api import OPERATIONS
from recoup.onboarding.flows.make_merchant import make_keys
from recoup.outside.keys.jwt import access_claims, sign
from recoup.outside.keys.keyring import Keyring
from recoup.outside.keys.material import fresh
from recoup.webhooks.flows.endpoints import new_signing_key


def claims(door: Door, shop: Caller, **changes: Any) -> dict[str, Any]:
    made = access_claims(
        client_id=shop.shop.keys.app_key,
        mid=shop.mid,
        audience=["payments", "orders"],
        world="sandbox",
        token_id=str(new_id()),
        now=door.world.clocks.wall(),
    )
    return made | changes


def _b64(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unsigned(door: Door, shop: Caller) -> str:
    return f"{_b64({'alg': 'none', 'typ': 'JWT'})}.{_b64(claims(door, shop))}."


def _none_with_a_signature(door: Door, shop: Caller) -> str:
    return f"{_b64({'alg': 'none'})}.{_b64(claims(door, shop))}.{shop.token.rpartition('.')[2]}"


def _tampered(door: Door, shop: Caller) -> str:
    head, _, signature = shop.token.split(".")
    return f"{head}.{_b64(claims(door, shop, **{'custom:mid': str(new_id())}))}.{signature}"


def _by_the_app_secret(door: Door, shop: Caller) -> str:
    return sign(claims(door, shop), shop.shop.keys.app_secret.encode())


def _by_an_empty_key(door: Door, shop: Caller) -> str:
    signed = f"{_b64({'alg': 'HS256', 'typ': 'JWT'})}.{_b64(claims(door, shop))}"
    return f"{signed}.{_b64(hmac.digest(b'', signed.encode(), hashlib.sha256))}"


FORGED: dict[str, Callable[[Door, Caller], str]] = {
    "alg none": _unsigned,
    "alg none, signed": _none_with_a_signature,
    "another installation's key": lambda door, shop: Keyring(fresh()).sign_token(
        claims(door, shop)
    ),
    "the app secret as key": _by_the_app_secret,
    "an empty key": _by_an_empty_key,
    "another merchant's id": _tampered,
    "expired": lambda door, shop: door.world.keys.sign_token(
        claims(door, shop, exp=1_700_000_000, nbf=1_600_000_000)
    ),
    "not yet": lambda door, shop: door.world.keys.sign_token(
        claims(door, shop, nbf=1 << 39, exp=1 << 40)
    ),
    "the live world": lambda door, shop: door.world.keys.sign_token(
        claims(door, shop, **{"custom:world": "live"})
    ),
    "no world": lambda door, shop: door.world.keys.sign_token(
        claims(door, shop, **{"custom:world": None})
    ),
    "another issuer": lambda door, shop: door.world.keys.sign_token(claims(door, shop, iss="me")),
    "cut": lambda door, shop: shop.token[:-1],
    "longer": lambda door, shop: shop.token + "A",
    "huge": lambda door, shop: "a" * 5000 + ".b.c",
    "no token": lambda door, shop: "null",
    "two dots": lambda door, shop: "..",
}


@each("how", FORGED)
def test_forged_tokens_are_401(door: Door, shop: Caller, how: str) -> None:
    headers = {"authorization": f"Bearer {FORGED[how](door, shop)}"}
    with door.nothing_written():
        for method, path in (
            ("GET", "/v1/orders"),
            ("POST", "/v1/evaluate"),
            ("POST", "/v1/tokenize"),
        ):
            answer = door.call(method, path, headers=headers, json=shop.body())
            check_refused(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"


@each(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "ApiKey",
        "ApiKey x",
        "ApiKey :",
        "ApiKey a:b",
        "Token abc",
        "bearer  ",
        "Bearer\tabc",
    ],
)
def test_no_credential_or_half_of_one_is_401(door: Door, value: str) -> None:
    check_refused(
        door.call("GET", "/v1/orders", headers={"authorization": value}), 401, "unauthenticated"
    )
    check_refused(door.call("GET", "/v1/orders"), 401, "unauthenticated")


def test_a_token_lives_ten_minutes_and_no_longer(door: Door, shop: Caller) -> None:
    now = door.world.clocks.wall()
    body = json.loads(base64.urlsafe_b64decode(shop.token.split(".")[1] + "=="))
    assert body["exp"] - body["nbf"] == 600
    assert body["custom:mid"] == shop.mid
    assert re.fullmatch("[0-9]{13}", body["iat"])
    assert body["aud"] == [
        "payments",
        "orders",
        "merchants",
        "eligibility-sftp",
        "eligibility",
        "contact",
    ]
    assert body["custom:world"] == "sandbox"
    for age, status in ((timedelta(seconds=595), 200), (timedelta(seconds=600), 401)):
        aged = access_claims(
            client_id=shop.shop.keys.app_key,
            mid=shop.mid,
            audience=["orders"],
            world="sandbox",
            token_id="x",
            now=now - age,
        )
        headers = {"authorization": f"Bearer {door.world.keys.sign_token(aged)}"}
        assert door.call("GET", "/v1/orders", headers=headers).status_code == status
    assert "expired" in door.call("GET", "/v1/orders", headers=headers).json()["result"]


def test_a_token_without_the_word_bearer_is_taken_as_the_vendor_does(
    door: Door, shop: Caller
) -> None:
    for _again in range(2):
        assert (
            door.call("GET", "/v1/orders", headers={"authorization": shop.token}).status_code == 200
        )
    for forged in ("cut", "the live world", "two dots"):
        headers = {"authorization": FORGED[forged](door, shop)}
        check_refused(door.call("GET", "/v1/orders", headers=headers), 401, "unauthenticated")


def test_text_json_and_paths_in_any_case_are_taken_as_the_vendor_does(
    door: Door, shop: Caller
) -> None:
    headers = shop.headers | {"content-type": "text/json"}
    taken = door.call("POST", "/V1/Evaluate", headers=headers, content=json.dumps(shop.body()))
    assert taken.json()["status"] == "SUBMITTED"
    order_id = taken.json()["orderId"]
    shown = door.call("GET", f"/v1/Orders/{order_id.upper()}", headers=headers)
    assert shown.json()["id"] == order_id
    cancelled = door.call("POST", f"/v1/orders/{order_id}/Cancel", headers=headers)
    assert (cancelled.status_code, cancelled.json()) == (200, {})
    keys = shop.shop.keys
    body = {"AppKey": keys.app_key, "AppSecret": keys.app_secret}
    assert door.call("POST", "/v1/OAuth2/Token", json=body).status_code == 200


def test_an_api_key_instead_of_a_token(door: Door, shop: Caller) -> None:
    keys = shop.shop.keys
    headers = {"authorization": f"ApiKey {keys.app_key}:{keys.app_secret}"}
    assert (
        door.call("POST", "/v1/evaluate", headers=headers, json=shop.body()).json()["status"]
        == "SUBMITTED"
    )
    wrong = {"authorization": f"ApiKey {keys.app_key}:{keys.app_secret}x"}
    answer = check_refused(door.call("GET", "/v1/orders", headers=wrong), 401, "unauthenticated")
    assert keys.app_secret not in json.dumps(answer)


def test_a_refresh_token_works_once(door: Door, shop: Caller) -> None:
    keys = shop.shop.keys
    first = door.call(
        "POST", "/v1/oauth2/token", json={"AppKey": keys.app_key, "AppSecret": keys.app_secret}
    ).json()
    second = door.call("POST", "/v1/oauth2/refresh", json={"RefreshToken": first["refreshToken"]})
    typed(second, shapes.Token)
    headers = {"authorization": f"Bearer {second.json()['accessToken']}"}
    assert door.call("GET", "/v1/orders", headers=headers).status_code == 200
    for used in (first["refreshToken"], "nonsense", first["accessToken"]):
        answer = door.call("POST", "/v1/oauth2/refresh", json={"refreshToken": used})
        check_refused(answer, 400, "bad_credentials")
        assert used not in answer.text
    third = door.call(
        "POST", "/v1/oauth2/refresh", json={"refreshToken": second.json()["refreshToken"]}
    )
    assert third.status_code == 200
    assert list(fields_of(door.call("POST", "/v1/oauth2/refresh", json={}))) == ["RefreshToken"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["AppKey", "AppSecret"]),
        ({"AppKey": "a"}, ["AppSecret"]),
        ({"client_id": "a", "client_secret": "b"}, ["AppKey", "AppSecret"]),
        ({"AppKey": [], "AppSecret": {}}, ["AppKey", "AppSecret"]),
    ],
)
def test_a_sign_in_without_its_fields_is_400(
    door: Door, body: dict[str, Any], fields: list[str]
) -> None:
    assert list(fields_of(door.call("POST", "/v1/oauth2/token", json=body))) == fields


def test_revoked_keys_sign_in_no_more(door: Door, shop: Caller) -> None:
    keys = shop.shop.keys
    body = {"AppKey": keys.app_key, "AppSecret": keys.app_secret}
    kept = door.call("POST", "/v1/oauth2/token", json=body).json()["refreshToken"]
    door.sql("UPDATE api_keys SET revoked_at = now() WHERE app_key = $1", keys.app_key)
    door.sql(
        "UPDATE tokenization_keys SET revoked_at = now() WHERE merchant_id = $1",
        shop.shop.merchant_id,
    )
    check_refused(door.call("POST", "/v1/oauth2/token", json=body), 400, "bad_credentials")
    check_refused(
        door.call("POST", "/v1/oauth2/refresh", json={"refreshToken": kept}), 400, "bad_credentials"
    )
    params = {"environment": keys.tokenization_key}
    check_refused(
        door.call("POST", "/v1/tokenize", params=params, json=tokenize_body("1")),
        401,
        "unauthenticated",
    )


# scopes
# --------------------------------------------------------------------------------------------------

CALLS = [
    ("POST", "/v1/evaluate", "payments:write"),
    ("POST", "/v1/transmit", "payments:write"),
    ("POST", "/v1/tokenize", "payments:write"),
    ("PATCH", "/v1/transmit/x", "payments:write"),
    ("GET", "/v1/orders", "orders:read"),
    ("GET", "/v1/orders/x", "orders:read"),
    ("POST", "/v1/orders/x/refund", "refunds:write"),
    ("POST", "/v1/orders/x/cancel", "orders:write"),
    ("POST", "/v1/outcome", "orders:read"),
    ("GET", "/v1/webhooks", "webhooks:read"),
    ("POST", "/v1/webhooks", "webhooks:write"),
    ("DELETE", "/v1/webhooks/x", "webhooks:write"),
    ("GET", "/v1/engine", "merchants:read"),
    ("PUT", "/v1/engine", "merchants:write"),
    ("GET", "/v1/engine/risk", "merchants:read"),
    ("PUT", "/v1/engine/risk", "merchants:write"),
    ("GET", "/v1/engine/cards", "merchants:read"),
    ("PUT", "/v1/engine/cards", "merchants:write"),
]


@pytest.mark.parametrize("how", ["token", "api key"])
@pytest.mark.parametrize("scope", ["payments", "orders", "merchants"])
def test_a_key_may_do_what_its_scopes_say(door: Door, shop: Caller, scope: str, how: str) -> None:
    door.sql("UPDATE api_keys SET scopes = $2 WHERE app_key = $1", shop.shop.keys.app_key, [scope])
    shop.sign_in()
    if how == "api key":
        shop.headers = {
            "authorization": f"ApiKey {shop.shop.keys.app_key}:{shop.shop.keys.app_secret}"
        }
    for method, path, needed in CALLS:
        answer = door.call(method, path, headers=shop.headers, json={} if method != "GET" else None)
        if covers(expanded([scope]), needed):
            assert answer.status_code != 403, path
        else:
            assert needed in check_refused(answer, 403, "forbidden")["result"], path


def test_a_token_of_a_merchant_that_is_not_here_is_403(door: Door, shop: Caller) -> None:
    foreign = claims(
        door, shop, **{"custom:mid": str(new_id()), "aud": ["payments", "orders", "merchants"]}
    )
    headers = {"authorization": f"Bearer {door.world.keys.sign_token(foreign)}"}
    body = shop.body(mid=None)
    with door.nothing_written():
        check_refused(
            door.call("POST", "/v1/evaluate", headers=headers, json=body), 403, "forbidden"
        )


# order of precedence, methods, paths, rate
# --------------------------------------------------------------------


def test_what_is_wrong_first_is_said_first(door: Door, shop: Caller) -> None:
    """413, 404 path, 401, 405, 403, 429, 400, 404 object (design §10)."""
    huge = b'{"a":"' + b"x" * (1 << 20) + b'"}'
    check_refused(door.call("POST", "/v1/nowhere", content=huge), 413, "too_large")
    check_refused(door.call("POST", "/v1/nowhere"), 404, "no_such_path")
    check_refused(door.call("PUT", "/v1/orders"), 401, "unauthenticated")
    answer = shop.call("PUT", "/orders")
    check_refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"
    check_refused(shop.raw("/evaluate", b"{"), 400, "malformed")
    check_refused(shop.raw("/orders/none/refund", b"{"), 400, "malformed")


@each(
    "path",
    ["/v1", "/v1/order", "/v2/orders", "/v1/orders/1/2", "/v1/oauth2", "/v1/orders/x/capture"],
)
def test_paths_that_lead_nowhere(door: Door, shop: Caller, path: str) -> None:
    answer = check_refused(
        door.call("POST", path, headers=shop.headers, json={}), 404, "no_such_path"
    )
    assert "under /v1" in answer["result"]


@each("method", ["GET", "PUT", "DELETE", "PATCH", "POST", "OPTIONS", "TRACE", "BREW"])
def test_wrong_methods_name_the_right_ones(door: Door, shop: Caller, method: str) -> None:
    paths: dict[str, list[str]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path.replace("{id}", "x"), []).append(operation.method)
    for path, allowed in paths.items():
        if method in allowed:
            continue
        answer = door.call(method, path, headers=shop.headers, json={})
        check_refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == ", ".join(allowed)
        assert allowed[0] in answer.json()["result"]


def test_too_many_calls_of_one_key_are_429_with_the_wait(
    door: Door, shop: Caller, other: Caller
) -> None:
    slow = another(door, buckets=Buckets(per_second=0.5, burst=2))
    for status in (200, 200, 429):
        answer = slow.call("GET", "/v1/orders", headers=shop.headers)
        assert answer.status_code == status
    check_refused(answer, 429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 2
    assert slow.call("GET", "/v1/orders", headers=other.headers).status_code == 200
    slow.close()


# the table
# --------------------------------------------------------------------------------------------------


def test_the_table_of_six_digits_is_complete_and_true() -> None:
    assert {name.partition("/")[0] for name in TABLE} == set(CODES), (
        "behind a stroke: of some calls"
    )
    digits = [code.digits for code in TABLE.values()]
    assert len(set(digits)) == len(digits)
    for code in TABLE.values():
        assert re.fullmatch("[0-9]{6}", code.digits)
        assert int(code.digits[:3]) == code.status
    assert set(REFUND_CODES) == set(REFUND_DIGITS)
    for name in REFUND_CODES:
        assert name in CODES
        if TABLE[name].status == 400:
            assert TABLE[name].digits == REFUND_DIGITS[name]


def test_every_answer_names_its_call(shop: Caller) -> None:
    answer = shop.call(
        "GET",
        "/orders/none",
        headers={"x-request-id": "order-7", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
    )
    assert answer.headers["x-request-id"] == "order-7"
    refused = shop.post("/evaluate", {}, headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    assert refused.json()["TraceId"][0].startswith(f"00-{'a' * 32}-")


def test_a_token_that_was_just_used_ends_with_its_key(door: Door) -> None:
    """The door went by what it had found of the token until the second was over."""
    for _ in range(3):  # all of it within one second, once at least
        shop = door.shop()
        assert shop.get("/orders").status_code == 200
        door.run(make_keys(door.world, shop.shop.merchant_id, new_signing_key()))
        check_refused(shop.get("/orders"), 401, "unauthenticated")


def test_a_door_that_goes_by_its_memory_ends_a_token_with_its_key(door: Door) -> None:
    async def story() -> list[int]:
        endings = door.world.key_endings
        async with endings.heard():
            for _ in range(3_000):
                if endings.by_memory:
                    break
                await asyncio.sleep(0.01)
            assert endings.by_memory
            before = await door.client.get("/v1/orders", headers=shop.headers)
            await make_keys(door.world, shop.shop.merchant_id, new_signing_key())
            return [
                before.status_code,
                (await door.client.get("/v1/orders", headers=shop.headers)).status_code,
            ]

    for _ in range(3):
        shop = door.shop()
        assert door.run(story()) == [200, 401]
