"""Who gets in: the contract's checks in its order, each with its own code, over the wire."""

import time
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.rings import each
from tests.stablecoin.door import Door, Merchant
from tests.stablecoin.signer import Signer, signature, written

from recoup.kernel.problem import Problem
from recoup.stablecoin.flows.callers import MISSED_MAX, Signed

ORDERS = "/api/v1/orders"


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    error: dict[str, Any] = answer.json()["error"]
    assert set(answer.json()) == {"error"}
    assert error["code"] == code, answer.text
    assert error["message"]
    return error


def send(
    door: Door,
    headers: dict[str, str],
    path: str = ORDERS,
    query: str = "",
    body: bytes = b"",
    method: str = "GET",
) -> httpx.Response:
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    return door.call(method, path + (f"?{query}" if query else ""), headers=raw, content=body)


@pytest.mark.parametrize("missing", ["X-Api-Key", "X-Timestamp", "X-Signature"])
def test_a_call_without_one_of_the_headers(merchant: Merchant, missing: str) -> None:
    headers = merchant.signer.headers("GET", ORDERS)
    del headers[missing]
    refused(send(merchant.door, headers), 401, "missing_auth")


@pytest.mark.parametrize(
    "key", ["pk_test_nobody", "pk_live_0123456789", "x", "pk_test_" + "a" * 300, "é"]
)
def test_a_key_that_nobody_has_is_told_as_a_live_key(merchant: Merchant, key: str) -> None:
    headers = merchant.signer.headers("GET", ORDERS) | {"X-Api-Key": key.encode().decode("latin-1")}
    error = refused(send(merchant.door, headers), 401, "invalid_api_key")
    assert key not in error["message"]


def test_made_up_keys_fill_no_memory_and_push_no_key_out(merchant: Merchant) -> None:
    callers = merchant.door.services.callers
    merchant.get("/orders")
    headers = merchant.signer.headers("GET", ORDERS)
    for key in ("pk_test_" + "a" * 8000, *(f"pk_test_made_up_{n}" for n in range(MISSED_MAX + 5))):
        call = Signed(key, headers["X-Timestamp"], headers["X-Signature"], "GET", b"/", b"", b"")
        with pytest.raises(Problem) as problem:
            merchant.door.run(callers.verify(call))
        assert problem.value.facts["detail"] == "invalid_api_key"
    assert len(callers._missed) < MISSED_MAX
    assert max(map(len, [*callers._missed, *callers._known])) < 128
    assert merchant.signer.key_id in callers._known


def test_a_revoked_key_is_an_unknown_key(door: Door) -> None:
    gone = door.merchant()
    door.sql("UPDATE signing_keys SET revoked_at = now() WHERE key_id = $1", gone.signer.key_id)
    refused(gone.get("/orders"), 401, "invalid_api_key")


@pytest.mark.parametrize("by", [-302, 302, -86400])
def test_stale(merchant: Merchant, by: int) -> None:
    headers = merchant.signer.headers("GET", ORDERS, at=int(time.time()) + by)
    refused(send(merchant.door, headers), 401, "stale_request")


@pytest.mark.parametrize("timestamp", ["now", "1790000000.5", "-5", "１２", "9" * 400])
def test_a_timestamp_that_is_no_number_is_stale(merchant: Merchant, timestamp: str) -> None:
    encoded = timestamp.encode().decode("latin-1")
    made = signature(merchant.signer.secret, "GET", ORDERS, "", encoded, b"")
    headers = {"X-Api-Key": merchant.signer.key_id, "X-Timestamp": encoded, "X-Signature": made}
    refused(send(merchant.door, headers), 401, "stale_request")


def test_a_signature_works_once(merchant: Merchant) -> None:
    headers = merchant.signer.headers("GET", ORDERS)
    assert send(merchant.door, headers).status_code == 200
    error = refused(send(merchant.door, headers), 401, "replayed_request")
    assert "timestamp" in error["message"]


def test_reads_may_be_repeated_where_the_operator_says_so(merchant: Merchant) -> None:
    from tests.stablecoin.door import another

    from recoup.stablecoin.flows.callers import Callers

    door = another(merchant.door, callers=Callers(merchant.door.world, reads_once=False))
    headers = merchant.signer.headers("GET", ORDERS)
    assert [send(door, headers).status_code for _ in range(2)] == [200, 200]
    body = written(merchant.body())
    headers = merchant.signer.headers("POST", "/api/v1/charges", "", body)
    assert send(door, headers, "/api/v1/charges", "", body, "POST").status_code == 201
    refused(send(door, headers, "/api/v1/charges", "", body, "POST"), 401, "replayed_request")


def test_a_wrong_signature_uses_nothing_up(merchant: Merchant) -> None:
    headers = merchant.signer.headers("GET", ORDERS)
    wrong = headers | {"X-Signature": "0" * 64}
    refused(send(merchant.door, wrong), 401, "bad_signature")
    refused(send(merchant.door, wrong), 401, "bad_signature")
    assert send(merchant.door, headers).status_code == 200


def test_of_equal_calls_at_once_one_gets_in(merchant: Merchant) -> None:
    headers = merchant.signer.headers("GET", ORDERS)

    async def together() -> list[int]:
        import asyncio

        calls = (merchant.door.client.get(ORDERS, headers=headers) for _ in range(12))
        return sorted(answer.status_code for answer in await asyncio.gather(*calls))

    assert merchant.door.run(together()) == [200] + [401] * 11


@pytest.mark.parametrize("headers", [{"X-Signature": "ABC"}, {"X-Signature": "é"}])
def test_what_is_no_signature(merchant: Merchant, headers: dict[str, str]) -> None:
    given = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    refused(
        send(merchant.door, merchant.signer.headers("GET", ORDERS) | given), 401, "bad_signature"
    )


def test_upper_case_hex_is_no_signature(merchant: Merchant) -> None:
    headers = merchant.signer.headers("GET", ORDERS)
    refused(
        send(merchant.door, headers | {"X-Signature": headers["X-Signature"].upper()}),
        401,
        "bad_signature",
    )


QUERY = "merchant_order_id=a%2Fb%20c&limit=1&"


def test_the_query_is_signed_as_it_is_sent(merchant: Merchant) -> None:
    answer = merchant.get("/orders", QUERY)
    assert answer.status_code == 200
    assert answer.json()["limit"] == 1


@pytest.mark.parametrize(
    "signed",
    [
        "merchant_order_id=a/b c&limit=1&",
        "limit=1&merchant_order_id=a%2Fb%20c",
        "merchant_order_id=a%2fb%20c&limit=1&",
        "merchant_order_id=a%2Fb+c&limit=1&",
    ],
    ids=["decoded", "empty part dropped", "other case", "other escape"],
)
def test_a_signature_over_another_writing_of_the_query(merchant: Merchant, signed: str) -> None:
    headers = merchant.signer.headers("GET", ORDERS, signed)
    refused(send(merchant.door, headers, query=QUERY), 401, "bad_signature")


def test_a_signature_over_unsorted_parts_or_four_lines(merchant: Merchant) -> None:
    import hashlib
    import hmac

    signer, timestamp, empty = (
        merchant.signer,
        str(int(time.time())),
        hashlib.sha256(b"").hexdigest(),
    )
    for lines in (
        ["GET", ORDERS, "status=paid&limit=1", timestamp, empty],
        ["GET", ORDERS, timestamp, empty],
    ):
        made = hmac.new(signer.secret.encode(), "\n".join(lines).encode(), "sha256").hexdigest()
        headers = {"X-Api-Key": signer.key_id, "X-Timestamp": timestamp, "X-Signature": made}
        query = "status=paid&limit=1" if len(lines) == 5 else ""
        refused(send(merchant.door, headers, query=query), 401, "bad_signature")


def test_the_body_is_signed_to_the_byte(merchant: Merchant) -> None:
    body = written(merchant.body())
    headers = merchant.signer.headers("POST", "/api/v1/charges", "", body)
    spaced = body.replace(b":", b": ").replace(b":  ", b": ") + b" "
    refused(
        send(merchant.door, headers, "/api/v1/charges", "", spaced, "POST"), 401, "bad_signature"
    )
    assert send(merchant.door, headers, "/api/v1/charges", "", body, "POST").status_code == 201


def test_the_path_is_signed_as_it_is_sent(merchant: Merchant) -> None:
    for path in ("/api/v1/orders/", "/api/v1//orders", "/api/v1/orders/ord%5f1"):
        answer = send(merchant.door, merchant.signer.headers("GET", path), path)
        assert answer.status_code == (404 if "%" in path else 200), answer.text
        refused(
            send(merchant.door, merchant.signer.headers("GET", ORDERS), path), 401, "bad_signature"
        )


def test_another_merchants_secret(merchant: Merchant, other: Merchant) -> None:
    mixed = Signer(merchant.signer.key_id, other.signer.secret)
    refused(send(merchant.door, mixed.headers("GET", ORDERS)), 401, "bad_signature")


def test_no_path_and_no_method_in_this_dialect(merchant: Merchant) -> None:
    refused(merchant.get("/nothing"), 404, "not_found")
    answer = merchant.call("DELETE", "/orders")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"
    refused(merchant.door.call("DELETE", ORDERS), 401, "missing_auth")
    refused(merchant.door.call("GET", "/api/v2/anything"), 404, "not_found")


def test_a_body_that_is_too_large(merchant: Merchant) -> None:
    refused(merchant.post("/charges", b"{" + b" " * (1 << 20) + b"}"), 413, "payload_too_large")


@each(
    ("accepted", "language", "word"),
    [
        ("de-AT,en;q=0.5", "de", "signiert"),
        ("xx, fr;q=0.2, es;q=0.9", "es", "firmada"),
        ("zh-CN", "zh", "签名"),
        ("fr", "fr", "signé"),
        ("", "en", "signed"),
        ("de;q=0", "en", "signed"),
        ("it", "en", "signed"),
    ],
)
def test_messages_speak_the_callers_language(
    door: Door, accepted: str, language: str, word: str
) -> None:
    answer = door.call("GET", ORDERS, headers={"accept-language": accepted})
    assert word in refused(answer, 401, "missing_auth")["message"]
    assert answer.headers["content-language"] == language


def test_a_crash_does_not_make_a_used_signature_new(merchant: Merchant) -> None:
    """A payout that was signed some minutes ahead was paid again: the table of signatures was
    emptied by the crash."""
    kept = merchant.door.sql(
        "SELECT relname, relpersistence::text AS kept FROM pg_class WHERE relname = ANY($1) ORDER "
        "BY 1",
        ["seen_signatures", "signatures_since"],
    )
    assert [row["kept"] for row in kept] == ["p", "p"]


def test_what_was_signed_before_the_signatures_were_lost_is_refused(server: Any) -> None:
    from tests.stablecoin.door import opened_door

    with opened_door(server) as door:
        merchant = door.merchant()
        headers = merchant.signer.headers("GET", ORDERS, at=int(time.time()) - 30)
        assert send(door, headers).status_code == 200
        door.sql("TRUNCATE seen_signatures, signatures_since")
        refused(send(door, headers), 401, "stale_request")
        earlier = merchant.signer.headers("GET", ORDERS, "limit=1", at=int(time.time()) - 20)
        refused(send(door, earlier, query="limit=1"), 401, "stale_request")
        fresh = merchant.signer.headers("GET", ORDERS, "limit=2", at=int(time.time()) + 2)
        assert send(door, fresh, query="limit=2").status_code == 200
        refused(send(door, fresh, query="limit=2"), 401, "replayed_request")


def test_old_signatures_are_forgotten_and_young_ones_kept(merchant: Merchant) -> None:
    from recoup.kit.upkeep import purge_expired

    headers = merchant.signer.headers("GET", ORDERS)
    assert send(merchant.door, headers).status_code == 200
    key = merchant.signer.key_id
    merchant.door.sql(
        "INSERT INTO seen_signatures SELECT bucket - 5, key_id, signature, merchant_id FROM "
        "seen_signatures"
        " WHERE key_id = $1",
        key,
    )
    without_keys = str(uuid4())
    merchant.door.sql(
        "INSERT INTO seen_signatures SELECT bucket - 5, key_id, signature, $2 FROM seen_signatures "
        "WHERE key_id = $1",
        key,
        without_keys,
    )
    merchant.door.run(purge_expired(merchant.door.world))
    assert len(merchant.door.sql("SELECT FROM seen_signatures WHERE key_id = $1", key)) == 1
    assert (
        merchant.door.sql("SELECT FROM seen_signatures WHERE merchant_id = $1", without_keys) == []
    )
    refused(send(merchant.door, headers), 401, "replayed_request")


def test_a_signed_secret_is_nowhere_in_clear(merchant: Merchant) -> None:
    from tests.door import everything

    text = merchant.door.run(everything(merchant.door.world))
    for secret in (merchant.signer.secret, merchant.shop.keys.stablecoin_webhook_secret):
        assert secret not in text
        assert secret.encode().hex() not in text
