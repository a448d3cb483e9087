"""POST /v1/evaluate/check: says what /evaluate would, and leaves no trace."""

from tests.door import GONE, UNKNOWN, Caller, Door
from tests.rescue_shapes import fields_of

from recoup.networks.magic import script_card


def test_a_good_body_is_valid_and_nothing_is_kept(door: Door, shop: Caller) -> None:
    body = shop.body()
    with door.nothing_written():
        told = shop.post("/evaluate/check", body).json()
    assert (told["valid"], told["complaints"]) == (True, [])
    assert (told["decline"]["code"], told["decline"]["kind"], told["decline"]["retry"]) == (
        "51",
        "funds",
        "yes",
    )
    missing = [one["field"] for one in told["improvements"]]
    assert "expiryDateUtc" not in missing
    assert "transaction.networkTransactionId" in missing
    better = body | {
        "transaction": {**body["transaction"], "networkTransactionId": "MCC1234560302"}
    }
    assert shop.post("/evaluate/check", better).json()["score"] > told["score"]


def test_fields_have_the_vendors_ranks_and_the_attempt_is_kept_and_shown(shop: Caller) -> None:
    told = shop.post(
        "/evaluate/check", shop.body(transaction__amount=-1, expiryDateUtc=GONE)
    ).json()
    ranks = {one["field"]: one["rank"] for one in told["improvements"]}
    assert {one["rank"] for one in told["complaints"]} == {"Required"}
    assert {"attemptCount": "High", "transaction.adviceCode": "Low"}.items() <= ranks.items()
    assert ranks["transaction.networkTransactionId"] == "Critical"
    for wrong in (0, -1, 1.5, "many", 1001):
        refused = shop.evaluate(attemptCount=wrong)
        assert (refused.status_code, "AttemptCount" in refused.json()) == (400, True), wrong
    order_id = shop.evaluate(attemptCount=3).json()["orderId"]
    assert shop.call("GET", f"/orders/{order_id}").json()["attemptCount"] == 3
    plain = shop.evaluate().json()["orderId"]
    assert shop.call("GET", f"/orders/{plain}").json()["attemptCount"] is None


def test_a_card_whose_customer_consented_here_lacks_no_network_id(door: Door, shop: Caller) -> None:
    token = shop.token_for(script_card("visa", "51", 0))
    paid = shop.evaluate(
        isMIT=False,
        expiryDateUtc=GONE,
        paymentMethod__cardNumber=token,
        paymentMethod__verificationValue="123",
    )
    assert paid.json()["status"] == "APPROVED"
    with door.nothing_written():
        told = shop.post("/evaluate/check", shop.body(paymentMethod__cardNumber=token)).json()
    assert "transaction.networkTransactionId" not in [one["field"] for one in told["improvements"]]


def test_what_evaluate_would_refuse_is_named_alike(shop: Caller) -> None:
    bent = shop.body(transaction__amount=-1, idempotencyKey=GONE)
    told = shop.post("/evaluate/check", bent).json()
    refused = shop.evaluate(bent)
    assert refused.status_code == 400
    fields = {name for name in refused.json() if name != "TraceId"}
    assert (
        {one["field"] for one in told["complaints"]}
        == fields
        == {"Transaction.Amount", "IdempotencyKey"}
    )
    assert (told["valid"], told["decline"]) == (False, None)


def test_an_old_decline_and_a_near_expiry_are_remarked_on(shop: Caller) -> None:
    body = shop.body(
        transaction__timestampUtc="2020-01-01T00:00:00Z", expiryDateUtc="2020-01-05T00:00:00Z"
    )
    remarks = " ".join(shop.post("/evaluate/check", body).json()["remarks"])
    assert "older than a day" in remarks
    assert "expiry" in remarks


def test_an_empty_body_is_answered_and_a_foreign_merchant_named(
    shop: Caller, other: Caller
) -> None:
    told = shop.post("/evaluate/check", {}).json()
    assert (told["valid"], told["score"]) == (False, 0)
    foreign = shop.post("/evaluate/check", shop.body(mid=other.mid)).json()
    assert [one["field"] for one in foreign["complaints"]] == ["Mid"]


def test_a_sense_key_is_kept_with_its_order_and_may_change_in_a_repeat(
    door: Door, shop: Caller
) -> None:
    body = shop.body(senseKey="visit-1")
    order_id = shop.evaluate(body).json()["orderId"]
    assert shop.evaluate(body | {"senseKey": "visit-2"}).json()["orderId"] == order_id
    rows = door.sql("SELECT facts ->> 'sense_key' AS key FROM orders WHERE order_id = $1", order_id)
    assert [row["key"] for row in rows] == ["visit-1"]


def test_what_the_merchants_switches_refuse_is_not_called_valid(door: Door, shop: Caller) -> None:
    body, site = shop.body(), str(shop.shop.site_id)
    shop.call("PUT", "/switches", json={"kind": "mit", "on": False, "siteId": site})
    with door.nothing_written():
        told = shop.post("/evaluate/check", body).json()
    refused = shop.evaluate(body)
    assert refused.status_code == 403
    assert told["valid"] is False
    assert refused.json()["result"].split(".")[0] in told["complaints"][0]["text"]
    shop.set(state="paused")
    assert shop.post("/evaluate/check", body).json()["valid"] is False


def test_an_unknown_site_is_remarked_on_and_counts_as_not_told(shop: Caller) -> None:
    body = shop.body(siteId=GONE, siteUrl="https://nope.example")
    told = shop.post("/evaluate/check", body).json()
    assert (told["valid"], told["complaints"]) == (True, [])
    assert "siteUrl is not known; the default site was used." in told["remarks"]
    assert "siteUrl" in [one["field"] for one in told["improvements"]]


def test_a_key_or_an_order_that_is_taken_and_an_unknown_token_are_complained_of(
    shop: Caller,
) -> None:
    body = shop.body()
    assert shop.evaluate(body).status_code == 200
    assert shop.post("/evaluate/check", body).json()["valid"] is True, "a repeat is answered"
    other = body | {"transaction": {**body["transaction"], "amount": 4591}}
    assert [one["field"] for one in shop.post("/evaluate/check", other).json()["complaints"]] == [
        "IdempotencyKey"
    ]
    taken = shop.post("/evaluate/check", other | {"idempotencyKey": "another"}).json()
    assert [one["field"] for one in taken["complaints"]] == ["OrderId"]
    unknown = shop.body(paymentMethod__token=True, paymentMethod__cardNumber=UNKNOWN)
    assert shop.post("/evaluate/check", unknown).json()["valid"] is False


def test_a_source_without_an_edition_ends_without_a_comma(shop: Caller) -> None:
    source = shop.post("/evaluate/check", shop.body()).json()["decline"]["source"]
    assert source == source.strip(", ")


def test_a_slip_in_a_name_is_told_and_one_that_would_charge_at_once_is_refused(
    door: Door, shop: Caller
) -> None:
    body = shop.body(
        isMIT=GONE,
        isMiT2=True,
        isReccuring=True,
        transaction__responsCode="51",
        payer__eMial="a@b.example",
    )
    told = shop.post("/evaluate/check", body).json()
    assert [one["field"] for one in told["complaints"]] == ["IsMIT"]
    assert "'isMiT2' is not known; did you mean isMIT?" in told["complaints"][0]["text"]
    told_of = " ".join(told["remarks"])
    for name, meant in (
        ("isReccuring", "isRecurring"),
        ("transaction.responsCode", "responseCode"),
        ("payer.eMial", "email"),
    ):
        assert f"There is no field {name!r}, so it was not read. Did you mean {meant}?" in told_of
    with door.nothing_written():
        refused = fields_of(shop.evaluate(body))
    assert set(refused) == {
        "IsMIT",
        "IsMiT2",
        "IsReccuring",
        "Transaction.ResponsCode",
        "Payer.EMial",
    }
    assert refused["Payer.EMial"] == [
        "There is no field 'payer.eMial', so it was not read. Did you mean email?"
    ]
    assert shop.evaluate(shop.body(isMiT2=True)).json()["status"] == "SUBMITTED", (
        "what is said is not asked about"
    )
    good = shop.post("/evaluate/check", shop.body()).json()
    assert not [remark for remark in good["remarks"] if "no field" in remark]


def test_a_code_source_that_nobody_knows_is_named_with_those_that_are_known(shop: Caller) -> None:
    def remarks(source: str, code: str) -> str:
        body = shop.body(transaction__responseCodeSource=source, transaction__responseCode=code)
        return " ".join(shop.post("/evaluate/check", body).json()["remarks"])

    assert "'payflow' is not known, so the code was read by its description alone" in remarks(
        "payflow", "R-17"
    )
    known = "adyen, braintree, cartes_bancaires, checkout, nmi, shopify, stripe; amex, "
    assert f"as the schemes' 05. Known: {known}" in remarks("payflow", "05")
    assert "not known" not in remarks("NMI", "202") + remarks("visa", "51") + remarks(
        "stripe", "insufficient_funds"
    )


def test_a_slip_in_the_wish_to_hold_takes_no_money(door: Door, shop: Caller) -> None:
    at_once = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}
    with door.nothing_written():
        for name in ("transactonType", "transaction_type", "TransactionTyp"):
            refused = fields_of(shop.evaluate(**at_once, **{name: "AUTHORIZATION"}))
            assert "did you mean transactionType?" in refused["TransactionType"][0]
    others = {"transactionId": "psp-1", "limit": 3, "submitted": True, "transactionTime": "now"}
    assert shop.evaluate(shop.body(**at_once) | others).json()["status"] == "APPROVED"


def test_a_sync_payment_that_is_not_tried_at_once_says_when(shop: Caller) -> None:
    answer = shop.evaluate(expiryDateUtc=GONE, transaction__responseCode="202").json()
    assert (answer["status"], answer["success"]) == ("DECLINED", False)
    assert answer["nextAttemptAt"]
    assert [one["status"] for one in shop.order(answer["orderId"])["attempts"]] == ["PLANNED"]
