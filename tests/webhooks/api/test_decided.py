"""What the contract's §17.1 decided about /evaluate, /transmit, lists and webhooks, through the
API."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests import rescue_shapes as shapes
from tests.door import (
    APPROVES,
    FUNDS,
    GONE,
    HARD,
    Caller,
    Door,
    changed,
    tokenize_body,
    transmit_body,
)
from tests.rescue_shapes import check_refused, fields_of, typed
from tests.rings import each

from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.magic import CODE_CARDS, DECLINE_CARD, amount_for, script_card
from recoup.orders.rules.faces import STATUS_NAMES


def in_days(shop: Caller, days: float) -> str:
    return (shop.door.run(shop.shop.now()) + timedelta(days=days)).isoformat()


# expiry (C5)
# --------------------------------------------------------------------------------------------------


@each(
    ("days", "warned"),
    [(1, True), (13.9, True), (14, False), (21, False), (30, False), (30.03, False)],
)
def test_expiry_within_its_bounds(shop: Caller, days: float, warned: bool) -> None:
    answer = shop.evaluate(expiryDateUtc=in_days(shop, days)).json()
    assert answer["status"] == "SUBMITTED"
    warning = answer["customProperties"].get("warning", "")
    assert ("14 days" in warning) is warned


def test_a_warning_is_for_recurring_payments_only(shop: Caller) -> None:
    answer = shop.evaluate(expiryDateUtc=in_days(shop, 3), isRecurring=False).json()
    assert answer["customProperties"] == {}


@pytest.mark.parametrize("days", [-1, 0, 0.5, 0.95])
def test_an_expiry_that_is_too_soon_names_the_bound(door: Door, shop: Caller, days: float) -> None:
    body = shop.body(expiryDateUtc=in_days(shop, days))
    with door.nothing_written():
        fields = fields_of(shop.evaluate(body))
    assert "at least a day" in fields["ExpiryDateUtc"][0]


def test_an_expiry_that_is_too_late_names_the_latest_date(door: Door, shop: Caller) -> None:
    body = shop.body(expiryDateUtc=in_days(shop, 31))
    with door.nothing_written():
        [text] = fields_of(shop.evaluate(body))["ExpiryDateUtc"]
    latest = datetime.fromisoformat(
        text.split("at most ")[1].split()[0].rstrip(".").replace("Z", "+00:00")
    )
    now = door.run(shop.shop.now())
    assert timedelta(days=30) - timedelta(minutes=1) < latest - now <= timedelta(days=30, hours=1)
    assert (
        shop.evaluate(expiryDateUtc=(latest - timedelta(seconds=5)).isoformat()).json()["status"]
        == "SUBMITTED"
    )


@each(
    "text",
    [
        "",
        "soon",
        "2026-13-40",
        "21",
        "0001-01-01",
        "9999-12-31T23:59:59Z",
        "1e9",
        "Mon, 02 Mar 2026 09:15:31 +99999999999999999999",
    ],
)
def test_an_expiry_that_is_no_date_says_the_words_that_clients_know(
    door: Door, shop: Caller, text: str
) -> None:
    body = shop.body(expiryDateUtc=text)
    with door.nothing_written():
        assert (
            fields_of(shop.evaluate(body))["ExpiryDateUtc"][0]
            == "The field ExpiryDateUtc is invalid."
        )


def test_bounds_follow_the_merchants_own_clock(shop: Caller) -> None:
    shop.advance(days=40)
    answer = shop.evaluate(expiryDateUtc=in_days(shop, 21))
    assert answer.json()["status"] == "SUBMITTED"
    told = answer.headers["x-recoup-business-time"]
    assert abs(datetime.fromisoformat(told) - shop.door.run(shop.shop.now())) < timedelta(minutes=1)
    assert "ExpiryDateUtc" in fields_of(shop.evaluate(expiryDateUtc=in_days(shop, -20)))


# modes
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "expiry", "status"),
    [
        ("by_expiry", True, "SUBMITTED"),
        ("by_expiry", False, "DECLINED"),
        ("managed", True, "SUBMITTED"),
        ("sync", True, "DECLINED"),
        ("sync", False, "DECLINED"),
    ],
)
def test_the_merchants_mode(shop: Caller, mode: str, expiry: bool, status: str) -> None:
    shop.set(mit_mode=mode)
    more = {} if expiry else {"expiryDateUtc": GONE}
    answer = shop.evaluate(paymentMethod__cardNumber=FUNDS, **more).json()
    assert answer["status"] == status
    assert answer["success"] is (status == "SUBMITTED")
    order = shop.order(answer["orderId"])
    days = (
        datetime.fromisoformat(order["expiryDate"]) - datetime.fromisoformat(order["placedDate"])
    ).days
    assert days in (20, 21)


def test_managed_without_an_expiry_is_refused(shop: Caller) -> None:
    shop.set(mit_mode="managed")
    [text] = fields_of(shop.evaluate(expiryDateUtc=GONE))["ExpiryDateUtc"]
    assert text.startswith("The ExpiryDateUtc field is required.")


def test_a_sync_mit_that_is_approved_at_once(shop: Caller) -> None:
    for card in APPROVE_CARDS:
        answer = typed(
            shop.evaluate(expiryDateUtc=GONE, paymentMethod__cardNumber=card), shapes.Evaluated
        )
        assert (answer.success, answer.status, answer.reason) == (True, "APPROVED", None), card


def test_a_sync_mit_goes_on_in_the_background_and_is_asked_with_the_same_order_id(
    shop: Caller,
) -> None:
    """`DECLINED` meanwhile, `APPROVED` once a later try went through; DECLINED when it expires."""
    card = script_card("visa", "51", 1)
    body = shop.body(expiryDateUtc=GONE, paymentMethod__cardNumber=card)
    first = shop.evaluate(body).json()
    assert (first["status"], first["reason"]) == ("DECLINED", None)
    assert first["result"].startswith("Not over")
    assert first["final"] is False
    shop.advance(days=21)
    again = shop.evaluate(body | {"idempotencyKey": str(uuid.uuid4())}).json()
    assert (again["status"], again["orderId"]) == ("APPROVED", first["orderId"])
    body = shop.body(expiryDateUtc=GONE, paymentMethod__cardNumber=FUNDS)
    order_id = shop.evaluate(body).json()["orderId"]
    shop.advance(days=22)
    end = shop.evaluate(body | {"idempotencyKey": str(uuid.uuid4())}).json()
    assert (end["status"], end["success"], end["orderId"], end["reason"]) == (
        "DECLINED",
        False,
        order_id,
        "expired",
    )
    assert shop.post("/outcome", {"orderSessionKey": order_id}).json()["status"] == "EXPIRED"


def test_a_managed_mit_stays_submitted_at_its_end_on_evaluate_only(shop: Caller) -> None:
    body = shop.body(paymentMethod__cardNumber=FUNDS)
    order_id = shop.evaluate(body).json()["orderId"]
    shop.advance(days=22)
    again = shop.evaluate(body | {"idempotencyKey": str(uuid.uuid4())}).json()
    assert (again["status"], again["success"], again["orderId"]) == ("SUBMITTED", True, order_id)
    assert shop.post("/outcome", {"orderSessionKey": order_id}).json()["status"] == "EXPIRED"
    order = shop.order(order_id)
    assert (order["status"], order["statusName"], order["reason"]) == (2, "CANCELLED", "expired")


# what is required
# ---------------------------------------------------------------------------------------------

REQUIRED = {
    "orderId": "OrderId",
    "isDeclined": "IsDeclined",
    "idempotencyKey": "IdempotencyKey",
    "transaction.id": "Transaction.Id",
    "transaction.responseCode": "Transaction.ResponseCode",
    "transaction.responseCodeSource": "Transaction.ResponseCodeSource",
    "transaction.avsResultCode": "Transaction.AvsResultCode",
    "transaction.cvvResultCode": "Transaction.CvvResultCode",
    "transaction.cavvResultCode": "Transaction.CavvResultCode",
    "transaction.amount": "Transaction.Amount",
    "transaction.currency": "Transaction.Currency",
    "paymentMethod.cardNumber": "PaymentMethod.CardNumber",
}


def test_exactly_these_fields_are_required(door: Door, shop: Caller) -> None:
    with door.nothing_written():
        assert set(fields_of(shop.evaluate({"isMIT": True}))) == set(REQUIRED.values())
        assert set(fields_of(shop.evaluate({}))) == set(REQUIRED.values())
    least = {
        "isDeclined": True,
        "isMIT": True,
        "orderId": "least",
        "idempotencyKey": "least",
        "paymentMethod": {"cardNumber": shop.token_for(APPROVES), "Token": True},
        "transaction": {
            "id": "1",
            "amount": 100,
            "currency": "USD",
            "responseCode": "91",
            "responseCodeSource": "nmi",
            "avsResultCode": "NA",
            "cvvResultCode": "NA",
            "cavvResultCode": "NA",
        },
    }
    assert shop.evaluate(least).json()["status"] == "APPROVED"


TEXTS = sorted(REQUIRED.keys() - {"isDeclined", "transaction.amount"})


@each(
    ("field", "absent"),
    [(f, a) for f in sorted(REQUIRED) for a in (GONE, None)]
    + [(f, a) for f in TEXTS for a in ("", "  ")],
)
def test_each_required_field(shop: Caller, field: str, absent: object) -> None:
    fields = fields_of(shop.evaluate(**{field.replace(".", "__"): absent}))
    assert list(fields) == [REQUIRED[field]]
    last = REQUIRED[field].rpartition(".")[2]
    wanted = (
        "Merchant's orderId is required" if field == "orderId" else f"The {last} field is required."
    )
    assert fields[REQUIRED[field]] == [wanted]


def test_an_approved_payment_is_no_rescue(shop: Caller) -> None:
    assert "/transmit" in fields_of(shop.evaluate(isDeclined=False))["IsDeclined"][0]


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(1, "USD"), (100_000_000, "USD"), (150_000_000, "IDR"), (26_000_000_000, "VND")],
)
def test_amounts_up_to_the_bounds(shop: Caller, amount: int, currency: str) -> None:
    """1.5 million rupiah, some 92 dollars, were over the bound."""
    order = shop.order(shop.admit(transaction__amount=amount, transaction__currency=currency))
    assert order["amount"] == amount


@each(
    "amount",
    [
        0,
        -1,
        100_000_001,
        45.9,
        "45.90",
        "4_590",
        "+4590",
        "0x10",
        "٤٥",
        "9" * 25,
        True,
        [4590],
        10**18,
    ],
)
def test_amounts_beyond_are_refused(door: Door, shop: Caller, amount: object) -> None:
    body = shop.body(transaction__amount=amount)
    with door.nothing_written():
        assert list(fields_of(shop.evaluate(body))) == ["Transaction.Amount"]


def test_numbers_as_text_are_taken_as_the_vendor_does(shop: Caller) -> None:
    body = shop.body(
        transaction__amount="4590",
        paymentMethod__expirationMonth="09",
        transaction__timezoneUtcOffset="-5",
        orderItems=[{"sku": "box", "amount": "4590", "quantity": "1"}],
    )
    order_id = shop.evaluate(body).json()["orderId"]
    assert shop.order(order_id)["amount"] == 4590
    again = changed(body, {"transaction__amount": 4590})
    assert shop.evaluate(again).json()["orderId"] == order_id, "the same number is the same content"


def test_order_sources(shop: Caller) -> None:
    sent = {
        "ecommerce": "ecommerce",
        "moto": "callcenter",
        "call_center": "callcenter",
        "Phone": "callcenter",
        "callcenter": "callcenter",
        "installment": "installment",
        "terminal": "terminal",
        "Site1": "Site1",
        "": "ecommerce",
    }
    for told, kept in sent.items():
        assert shop.order(shop.admit(orderSource=told))["orderSource"] == kept
    assert shop.order(shop.admit(orderSource=GONE))["orderSource"] == "ecommerce"


# CIT and switches
# ---------------------------------------------------------------------------------------------


@each(("source", "words"), [("ecommerce", "CIT (web)"), ("moto", "CIT (call centre)")])
@each("is_mit", [False, GONE, None])
def test_cit_that_is_switched_off_is_403_with_the_reason(
    door: Door, shop: Caller, source: str, words: str, is_mit: object
) -> None:
    body = shop.body(
        isMIT=is_mit,
        orderSource=source,
        expiryDateUtc=GONE,
        customerIp="203.0.113.24",
        paymentMethod__verificationValue="917",
    )
    shop.set(cit_web=False, cit_callcenter=False)
    with door.nothing_written():
        answer = check_refused(shop.evaluate(body), 403, "kind_switched_off")
    assert words in answer["result"]
    assert "operator" in answer["result"]
    shop.set(cit_web=True, cit_callcenter=True)


def test_mit_switched_off_for_the_merchant_or_the_site(door: Door, shop: Caller) -> None:
    shop.set(mit=False)
    body = shop.body()
    with door.nothing_written():
        assert (
            "MIT orders" in check_refused(shop.evaluate(body), 403, "kind_switched_off")["result"]
        )
    shop.set(mit=True)
    door.sql("UPDATE sites SET mit = false WHERE merchant_id = $1", shop.shop.merchant_id)
    shop.set(name="Brightleaf")
    with door.nothing_written():
        assert (
            "the site Leaf"
            in check_refused(shop.evaluate(body), 403, "kind_switched_off")["result"]
        )
    door.sql("UPDATE sites SET mit = true WHERE merchant_id = $1", shop.shop.merchant_id)
    shop.set(name="Brightleaf Tea")
    assert shop.evaluate(body).json()["status"] == "SUBMITTED"


# sites
# --------------------------------------------------------------------------------------------------


@pytest.fixture
def sites(door: Door, shop: Caller) -> dict[str, str]:
    """Besides the default site Leaf one that is known by its descriptor."""
    second = uuid.uuid4()
    door.sql(
        "INSERT INTO sites (merchant_id, site_id, url, name, descriptor, created_at)"
        " VALUES ($1, $2, 'https://www.mugs.example.test/shop', 'Mugs', 'MUGS*CLUB', now())",
        shop.shop.merchant_id,
        second,
    )
    shop.set(name="Brightleaf & Mugs")
    return {"leaf": str(shop.shop.site_id), "mugs": str(second)}


@each(
    ("sent", "chosen", "warned"),
    [
        ({"siteId": "mugs"}, "mugs", False),
        ({"siteUrl": "https://mugs.example.test"}, "mugs", False),
        ({"siteUrl": "WWW.MUGS.example.test/other?x=1"}, "mugs", False),
        (
            {
                "siteUrl": "https://unknown.example.test",
                "transaction.dynamicDescriptor": "mugs*club",
            },
            "mugs",
            True,
        ),
        (
            {"siteUrl": "https://unknown.example.test", "transaction.descriptor": "MUGS*CLUB"},
            "mugs",
            True,
        ),
        ({"siteUrl": "https://unknown.example.test"}, "leaf", True),
        (
            {
                "siteUrl": "http://[",
            },
            "leaf",
            True,
        ),
        ({}, "leaf", False),
        ({"transaction.dynamicDescriptor": "MUGS*CLUB"}, "mugs", False),
        ({"siteId": "mugs", "siteUrl": "https://unknown.example.test"}, "mugs", False),
    ],
)
def test_which_site_it_is_for(
    shop: Caller, sites: dict[str, str], sent: dict[str, str], chosen: str, warned: bool
) -> None:
    told: dict[str, Any] = {"siteId": GONE, "transaction.dynamicDescriptor": GONE} | sent
    if told["siteId"] is not GONE:
        told["siteId"] = sites[told["siteId"]]
    answer = shop.evaluate(**told).json()
    assert ("siteUrl" in answer["customProperties"].get("warning", "")) is warned
    assert shop.order(answer["orderId"])["siteId"] == sites[chosen]


def test_an_unknown_site_id_is_400(door: Door, shop: Caller, other: Caller) -> None:
    for site_id in (str(uuid.uuid4()), str(other.shop.site_id), "no-guid"):
        body = shop.body(siteId=site_id)
        with door.nothing_written():
            assert list(fields_of(shop.evaluate(body))) == ["SiteId"]


def test_the_mid_must_be_the_credentials_own(door: Door, shop: Caller, other: Caller) -> None:
    assert shop.evaluate(mid=shop.mid.upper()).json()["status"] == "SUBMITTED"
    assert shop.evaluate(mid=GONE).json()["status"] == "SUBMITTED"
    body = shop.body(mid=other.mid)
    with door.nothing_written():
        assert list(fields_of(shop.evaluate(body))) == ["Mid"]
        assert list(fields_of(shop.post("/transmit", transmit_body(shop, mid=other.mid)))) == [
            "Mid"
        ]


def test_both_names_of_the_descriptor_are_read(shop: Caller) -> None:
    assert (
        shop.order(
            shop.admit(transaction__dynamicDescriptor=GONE, transaction__descriptor="OLD*NAME")
        )["descriptor"]
        == "OLD*NAME"
    )
    assert (
        shop.order(shop.admit(transaction__dynamicDescriptor=GONE))["descriptor"]
        == "BRIGHTLEAF*TEA"
    )


# response codes
# -----------------------------------------------------------------------------------------------

NMI = {
    "200": "05",
    "201": "05",
    "202": "51",
    "203": "61",
    "204": "57",
    "221": "15",
    "222": "14",
    "223": "54",
    "224": "54",
    "225": "N7",
    "226": "55",
    "240": "01",
    "250": "04",
    "251": "41",
    "252": "43",
    "253": "59",
    "261": "R3",
    "262": "R1",
    "430": "94",
    "400": "96",
    "420": "96",
    "421": "96",
    "440": "96",
}
ENDS = {"204", "221", "222", "250", "251", "252", "261", "262"}


def _read(door: Door, order_id: str) -> dict[str, Any]:
    """How the decline that came in was understood."""
    [row] = door.sql(
        "SELECT s.scheme_code, s.klass, o.stage FROM current_orders o "
        "LEFT JOIN network_sends s USING (order_id)"
        " WHERE o.order_id = $1",
        uuid.UUID(order_id),
    )
    return dict(row)


@pytest.mark.parametrize("code", NMI)
def test_the_codes_of_the_source_nmi(door: Door, shop: Caller, code: str) -> None:
    """Each behaves as the scheme's code that it stands for; hard ones end the order within a
    second."""
    mine = shop.admit(transaction__responseCode=code, transaction__responseCodeSource="nmi")
    scheme = shop.admit(transaction__responseCode=NMI[code], transaction__responseCodeSource="visa")
    as_number = shop.admit(
        transaction__responseCode=int(code), transaction__responseCodeSource="NMI"
    )
    shop.advance(seconds=1)
    read = [_read(door, order_id) for order_id in (mine, scheme, as_number)]
    assert read[0]["klass"] == read[1]["klass"] == read[2]["klass"]
    assert read[0]["stage"] == read[1]["stage"] == ("declined" if code in ENDS else "processing")


@each(
    ("code", "klass"),
    [
        ("220", "data"),
        ("263", "data"),
        ("264", "soft"),
        ("410", "configuration"),
        ("411", "configuration"),
        ("460", "configuration"),
        ("461", "configuration"),
        ("9999", "soft"),
        ("00", "soft"),
        ("100", "soft"),
        ("ZZ", "soft"),
        ("5", "soft"),
    ],
)
def test_codes_that_are_no_scheme_code(door: Door, shop: Caller, code: str, klass: str) -> None:
    order_id = shop.admit(transaction__responseCode=code, transaction__responseDescription=GONE)
    shop.advance(seconds=1)
    assert _read(door, order_id)["klass"] == klass


def test_a_two_character_code_is_the_schemes_whatever_the_source(door: Door, shop: Caller) -> None:
    order_ids = [
        shop.admit(transaction__responseCode="41", transaction__responseCodeSource=source)
        for source in ("nmi", "visa", "someone", "stripe")
    ]
    shop.advance(seconds=1)
    assert {shop.order(order_id)["reason"] for order_id in order_ids} == {"declined"}


@pytest.mark.parametrize("kind", ["AUTHORIZATION", "Authorization"])
def test_an_authorisation_waits_for_its_capture(door: Door, shop: Caller, kind: str) -> None:
    assert shop.evaluate(transactionType="Purchase").json()["status"] == "SUBMITTED"
    order_id = shop.admit(transactionType=kind)
    days = 0
    while shop.order(order_id)["statusName"] in ("DRAFT", "PROCESSING") and days < 20:
        shop.advance(days=1)
        days += 1
    assert shop.order(order_id)["statusName"] == "CAPTUREREQUIRED"
    shop.advance(days=7)
    assert (shop.order(order_id)["statusName"], shop.order(order_id)["reason"]) == (
        "CANCELLED",
        "capture_window",
    )
    assert (
        "AUTHORIZATION or PURCHASE"
        in fields_of(shop.evaluate(transactionType="HOLD"))["TransactionType"][0]
    )


# magic cards
# --------------------------------------------------------------------------------------------------


def test_the_declining_card_declines_every_send_with_05(door: Door, shop: Caller) -> None:
    order_id = shop.admit(paymentMethod__cardNumber=DECLINE_CARD)
    shop.advance(days=22)
    codes = door.sql(
        "SELECT DISTINCT scheme_code FROM attempts WHERE order_id = $1 AND state <> 'planned'",
        uuid.UUID(order_id),
    )
    assert [row["scheme_code"] for row in codes] == ["05"]
    assert shop.order(order_id)["reason"] == "expired"


def test_a_magic_amount_counts_only_on_its_card(shop: Caller) -> None:
    """A lost card (41) by the amount: at once on the code card, not at all on an approving one."""
    amount = amount_for("41")
    more = {"expiryDateUtc": GONE, "transaction__amount": amount, "transaction__responseCode": "91"}
    assert (
        shop.evaluate(**more, paymentMethod__cardNumber=CODE_CARDS["visa"]).json()["reason"]
        == "declined"
    )
    assert (
        shop.evaluate(**more, paymentMethod__cardNumber=PHONE_CARD).json()["status"] == "APPROVED"
    )


def test_a_hard_answer_to_a_send_ends_the_order_at_once(shop: Caller) -> None:
    answer = shop.evaluate(
        expiryDateUtc=GONE, paymentMethod__cardNumber=HARD, transaction__responseCode="91"
    ).json()
    assert (answer["status"], answer["reason"], answer["success"]) == (
        "DECLINED",
        "declined",
        False,
    )


# the list
# --------------------------------------------------------------------------------------------------


def test_the_list_of_orders_and_its_paging(shop: Caller) -> None:
    made = [shop.admit(transaction__amount=amount) for amount in (300, 100, 200)]
    assert shop.post(f"/orders/{made[0]}/cancel").content == b"{}"
    page = typed(shop.get("/orders"), shapes.Orders)
    assert (
        page.orders.totalItemCount,
        page.orders.pageSize,
        page.orders.pageNumber,
        page.success,
    ) == (3, 10, 1, True)
    assert page.statuses == {str(code): name for code, name in STATUS_NAMES.items()}
    assert page.statuses["8"] == "Chargeback"
    assert [str(order.id) for order in page.orders.data] == made[::-1]
    first = typed(
        shop.get("/orders?pageSize=2&pageNumber=1&orderBy=amount&sort=asc"), shapes.Orders
    ).orders
    assert [order.amount for order in first.data] == [100, 200]
    assert (
        first.pageCount,
        first.isFirstPage,
        first.isLastPage,
        first.hasNextPage,
        first.hasPreviousPage,
    ) == (
        2,
        True,
        False,
        True,
        False,
    )
    assert (first.firstItemOnPage, first.lastItemOnPage) == (1, 2)
    second = typed(
        shop.get("/orders?PageSize=2&PAGENUMBER=2&orderby=Amount&sort=ASC"), shapes.Orders
    ).orders
    assert ([o.amount for o in second.data], second.isLastPage, second.firstItemOnPage) == (
        [300],
        True,
        3,
    )
    beyond = typed(shop.get("/orders?pageNumber=9"), shapes.Orders).orders
    assert (beyond.data, beyond.firstItemOnPage, beyond.lastItemOnPage, beyond.totalItemCount) == (
        [],
        0,
        0,
        3,
    )
    assert [str(o.id) for o in typed(shop.get("/orders?status=2"), shapes.Orders).orders.data] == [
        made[0]
    ]
    assert typed(shop.get("/orders?status=2&status=0"), shapes.Orders).orders.totalItemCount == 3
    assert typed(shop.get(f"/orders?mid={shop.mid}"), shapes.Orders).orders.totalItemCount == 3


def test_from_is_included_and_to_is_not(shop: Caller) -> None:
    order = shop.order(shop.admit())
    placed = order["placedDate"]
    later = (datetime.fromisoformat(placed) + timedelta(milliseconds=1)).isoformat()
    assert (
        shop.get("/orders", params={"from": placed, "to": later}).json()["orders"]["totalItemCount"]
        == 1
    )
    assert shop.get("/orders", params={"from": later}).json()["orders"]["totalItemCount"] == 0
    assert shop.get("/orders", params={"to": placed}).json()["orders"]["totalItemCount"] == 0


@pytest.mark.parametrize("field", ["orderId", "payer.email", "transaction.id"])
def test_the_free_text_finds_an_order(shop: Caller, field: str) -> None:
    body = shop.body()
    order_id = shop.evaluate(body).json()["orderId"]
    shop.admit()
    text: Any = body
    for name in field.split("."):
        text = text[name]
    found = shop.get("/orders", params={"query": text}).json()["orders"]
    assert [order["id"] for order in found["data"]] == [order_id]
    assert shop.get("/orders", params={"query": "ana roe"}).json()["orders"]["totalItemCount"] == 2


@each(
    ("query", "field"),
    [
        ("pageSize=0", "PageSize"),
        ("pageSize=201", "PageSize"),
        ("pageSize=a", "PageSize"),
        ("pageNumber=-1", "PageNumber"),
        ("pageNumber=99999999999999999999", "PageNumber"),
        ("pageSize=000000001999999", "PageSize"),
        ("status=9", "Status"),
        ("status=x", "Status"),
        ("from=yesterday", "From"),
        ("to=2026-99-99", "To"),
        ("orderBy=name", "OrderBy"),
        ("sort=up", "Sort"),
        ("mid=00000000-0000-0000-0000-000000000000", "Mid"),
        ("query=" + "x" * 257, "Query"),
        ("query=a%00b", "Query"),
        ("from=Mon,%2002%20Mar%202026%2009:15:31%20%2B99999999999999999999", "From"),
        ("&".join(f"a{n}=1" for n in range(501)), "Query"),
    ],
)
def test_a_list_that_cannot_be_asked_for_says_why(shop: Caller, query: str, field: str) -> None:
    assert list(fields_of(shop.get(f"/orders?{query}"))) == [field]


# transmit
# --------------------------------------------------------------------------------------------------


def test_a_transmission_is_updated_by_its_key(door: Door, shop: Caller) -> None:
    transmit_id = shop.post("/transmit", transmit_body(shop)).json()["transmitId"]
    by_post = shop.post(
        "/transmit", {"transmitId": transmit_id, "refund": {"amount": 4590, "reason": "asked"}}
    )
    assert typed(by_post, shapes.Transmitted).transmitId == uuid.UUID(transmit_id)
    by_patch = shop.call(
        "PATCH", f"/transmit/{transmit_id}", json={"chargeback": {"amount": 100, "id": "cb-1"}}
    )
    assert typed(by_patch, shapes.Transmitted).transmitId == uuid.UUID(transmit_id)
    [row] = door.sql(
        "SELECT outcome::text FROM transmissions WHERE transmit_id = $1", uuid.UUID(transmit_id)
    )
    assert "refund" in row["outcome"]
    assert "cb-1" in row["outcome"]


def test_an_approval_told_by_transmit_ends_the_rescue_before_its_next_send(shop: Caller) -> None:
    body = shop.body()
    order_id = shop.evaluate(body).json()["orderId"]
    shop.advance(minutes=1)
    told = transmit_body(shop, orderId=body["orderId"], isMIT=True)
    assert shop.post("/transmit", told).json()["success"] is True
    order = shop.order(order_id)
    assert (order["statusName"], order["reason"]) == ("CANCELLED", "paid_elsewhere")
    assert shop.evaluate(body | {"idempotencyKey": "again"}).json()["status"] == "CANCELLED"


@pytest.mark.parametrize("declined", [True, False])
def test_copies_of_approved_and_declined_payments_are_taken(shop: Caller, declined: bool) -> None:
    body = transmit_body(shop, isDeclined=declined, paymentMethod=GONE, transaction__amount=0)
    assert shop.post("/transmit", body).json()["success"] is True


# tokenize
# --------------------------------------------------------------------------------------------------


def test_tokenize_takes_a_bearer_or_an_environment_key(
    door: Door, shop: Caller, other: Caller
) -> None:
    body, key = tokenize_body(APPROVES), shop.shop.keys.tokenization_key
    path = "/v1/tokenize"
    bad = {"authorization": "Bearer nonsense"}
    for params, headers in (
        ({"environment": key, "mid": shop.mid}, {}),
        ({"environment": key}, {}),
        ({"Environment": key, "MID": shop.mid.upper()}, {}),
        ({}, shop.headers),
        ({"mid": shop.mid}, shop.headers),
        ({"environment": key}, bad),
        ({"environment": "tk_test_unknown"}, shop.headers),
    ):
        answer = door.call("POST", path, params=params, headers=headers, json=body)
        assert answer.status_code == 200, (params, answer.text)
        shapes.check_tokenized(answer)
    for params, headers in (
        ({}, {}),
        ({"environment": "tk_test_unknown"}, {}),
        ({}, bad),
        ({"environment": ""}, {}),
        ({"environment": "tk_test_unknown"}, bad),
    ):
        with door.nothing_written():
            check_refused(
                door.call("POST", path, params=params, headers=headers, json=body),
                401,
                "unauthenticated",
            )
    with door.nothing_written():
        nul = {"environment": "a\0b"}
        assert list(fields_of(door.call("POST", path, params=nul, json=body))) == ["Query"]
        foreign = {"environment": key, "mid": other.mid}
        assert list(fields_of(door.call("POST", path, params=foreign, json=body))) == ["Mid"]


def test_a_token_is_the_merchants_own(door: Door, shop: Caller, other: Caller) -> None:
    """One that came by the environment key serves the merchant's /evaluate, and no one else's."""
    answer = door.call(
        "POST",
        "/v1/tokenize",
        params={"environment": shop.shop.keys.tokenization_key},
        json=tokenize_body(APPROVES),
    )
    token = answer.json()["transaction"]["payment_method"]["token"]
    assert shop.evaluate(paymentMethod__cardNumber=token).json()["status"] == "SUBMITTED"
    body = other.body(paymentMethod__cardNumber=token)
    with door.nothing_written():
        assert list(fields_of(other.evaluate(body))) == ["PaymentMethod.CardNumber"]


def test_the_older_shape_of_tokenize(shop: Caller) -> None:
    card = {
        "firstName": "Ana",
        "lastName": "Roe",
        "number": APPROVES,
        "verificationValue": "999",
        "month": "9",
        "year": "31",
    }
    answer = shop.post("/tokenize", {"payment": {"Method": {"creditCard": card}}})
    assert answer.status_code == 200
    shapes.check_tokenized(answer)


@pytest.mark.parametrize("absent", ["number", "month", "year"])
def test_what_a_card_needs(shop: Caller, absent: str) -> None:
    body = tokenize_body(APPROVES, **{f"payment_method__credit_card__{absent}": ""})
    assert list(fields_of(shop.post("/tokenize", body))) == [
        f"PaymentMethod.CreditCard.{absent.capitalize()}"
    ]
