"""GET /orders with each of its filters, and what one order tells (contract §8, §9, §17.1 U4)."""

import uuid
from dataclasses import dataclass

import pytest
from tests.door import FUNDS, GONE, UNKNOWN, Caller, Door
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each

from recoup.networks.reasons import REASONS
from recoup.rescue.flows.outcome import outcome_of

AT_ONCE = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}


@dataclass
class Stock:
    """A merchant's orders by name."""

    caller: Caller
    site: str
    ids: dict[str, str]
    externals: dict[str, str]

    def found(self, query: str) -> set[str]:
        page = self.caller.get(f"/orders?pageSize=50&{query}").json()["orders"]
        names = {order_id: name for name, order_id in self.ids.items()}
        assert page["totalItemCount"] == len(page["data"])
        return {names[order["id"]] for order in page["data"]}


@pytest.fixture(scope="module")
def stock(door: Door) -> Stock:
    shop = door.shop()
    site = shop.post(
        "/sites", {"url": "https://hats.example", "name": "Hats", "descriptor": "EXAMPLEHATS"}
    ).json()
    made = {
        "yen": shop.admit(transaction__currency="JPY", transaction__amount=900),
        "hats": shop.admit(siteId=site["id"], transaction__dynamicDescriptor=GONE),
        "terminal": shop.admit(orderSource="terminal", transaction__amount=20_000),
    }
    shop.advance(hours=1)
    made["late"] = shop.admit(paymentMethod__cardNumber=FUNDS, orderSource="phone")
    made["paid"] = shop.admit(**AT_ONCE)
    made["refunded"] = shop.admit(**AT_ONCE)
    shop.refund(made["refunded"], {"amountToRefund": 1})
    return Stock(
        shop,
        site["id"],
        made,
        {name: shop.order(one)["externalOrderId"] for name, one in made.items()},
    )


EVERYTHING = {"yen", "hats", "terminal", "late", "paid", "refunded"}


def test_each_filter_narrows(stock: Stock) -> None:
    order = stock.caller.order(stock.ids["late"])
    placed, site = order["placedDate"], stock.site
    worked_on = stock.caller.order(stock.ids["paid"])["createdDate"]
    expected = {
        "": EVERYTHING,
        "currency=JPY": {"yen"},
        "currency=jpy": {"yen"},
        "currency=EUR": set(),
        f"siteId={site}": {"hats"},
        f"siteId={UNKNOWN}": set(),
        "descriptor=EXAMPLEHATS": {"hats"},
        "descriptor=examplehats": {"hats"},
        "descriptor=EXAMPLE": set(),
        "orderSource=terminal": {"terminal"},
        "orderSource=callcenter": {"late"},
        "orderSource=moto": {"late"},
        "amountFrom=10000": {"terminal"},
        "amountTo=1000": {"yen"},
        "amountFrom=4590&amountTo=4590": {"hats", "late", "paid", "refunded"},
        "amountFrom=0": EVERYTHING,
        "hasRefund=true": {"refunded"},
        "hasRefund=false": EVERYTHING - {"refunded"},
        "HASREFUND=1": {"refunded"},
        "isMIT=true": EVERYTHING,
        "isMIT=false": set(),
        "ismit=TRUE": EVERYTHING,
        f"from={placed}": {"late", "paid", "refunded"},
        f"to={placed}": {"yen", "hats", "terminal"},
        f"createdFrom={worked_on}&status=7": {"paid", "refunded"},
        "createdTo=2001-01-01T00:00:00Z": set(),
        "status=7&hasRefund=true&currency=USD&isMIT=true": {"refunded"},
        "status=0&status=7&amountTo=5000&hasRefund=false&amountFrom=4590": {"late", "paid"},
        "reason=expired": set(),
        "declineCode=91": {"paid", "refunded"},
        "declineCode=05": set(),
        "cardBrand=Visa": EVERYTHING,
        "cardBrand=AMEX": set(),
        f"cardBin={FUNDS[:6]}": EVERYTHING,
        "cardBin=999999": set(),
    }
    for query, names in expected.items():
        assert stock.found(query) == names, query


def test_what_is_cancelled_is_told_apart_by_its_reason(door: Door) -> None:
    shop = door.shop()
    mine, late = shop.admit(), shop.admit(paymentMethod__cardNumber=FUNDS)
    shop.post(f"/orders/{mine}/cancel")
    shop.advance(days=60)
    found = {
        reason: [
            one["id"]
            for one in shop.get(f"/orders?status=2&reason={reason}").json()["orders"]["data"]
        ]
        for reason in ("merchant_cancelled", "expired", "paid_elsewhere")
    }
    assert found == {"merchant_cancelled": [mine], "expired": [late], "paid_elsewhere": []}
    both = shop.get("/orders?reason=expired&reason=merchant_cancelled").json()["orders"]
    assert both["totalItemCount"] == 2


def test_orders_are_named_by_either_id(stock: Stock) -> None:
    ids, externals = stock.ids, stock.externals
    assert stock.found(f"id={ids['yen']}&id={ids['paid'].upper()}&id={UNKNOWN}") == {"yen", "paid"}
    assert stock.found(
        f"externalOrderId={externals['hats']}&EXTERNALORDERID={externals['late']}"
    ) == {"hats", "late"}
    assert stock.found(f"id={ids['yen']}&externalOrderId={externals['hats']}") == {"yen", "hats"}
    assert stock.found(f"id={ids['yen']}&id={ids['paid']}&currency=JPY") == {"yen"}
    assert stock.found(f"id={UNKNOWN}") == set()


def test_two_hundred_may_be_named_and_no_more(stock: Stock) -> None:
    some = [f"id={uuid.uuid4()}" for _ in range(199)]
    named = [f"externalOrderId=X-{n}" for n in range(200)]
    assert stock.found("&".join([*some, f"id={stock.ids['yen']}", *named])) == {"yen"}
    for name, over in (
        ("Id", some + ["id=" + str(uuid.uuid4())] * 1 + [f"id={UNKNOWN}"]),
        ("ExternalOrderId", [*named, "externalOrderId=one"]),
    ):
        told = fields_of(stock.caller.get("/orders?" + "&".join(over)))
        assert list(told) == [name]
        assert "200" in told[name][0]


@each(
    ("query", "field"),
    [
        ("currency=XXX", "Currency"),
        ("siteId=x", "SiteId"),
        ("id=x", "Id"),
        ("isMIT=perhaps", "IsMIT"),
        ("hasRefund=2", "HasRefund"),
        ("amountFrom=-1", "AmountFrom"),
        ("amountTo=1.5", "AmountTo"),
        ("amountTo=99999999999999999999", "AmountTo"),
        ("createdFrom=soon", "CreatedFrom"),
        ("createdTo=x", "CreatedTo"),
        ("descriptor=" + "x" * 65, "Descriptor"),
        ("orderSource=" + "x" * 65, "OrderSource"),
        ("status=9", "Status"),
        ("reason=nope", "Reason"),
        ("cardBrand=x", "CardBrand"),
        ("cardBin=4242", "CardBin"),
        ("declineCode=" + "x" * 65, "DeclineCode"),
        ("orderBy=name", "OrderBy"),
        ("sort=up", "Sort"),
        ("pageSize=201", "PageSize"),
        ("mid=" + UNKNOWN, "Mid"),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(shop: Caller, query: str, field: str) -> None:
    assert list(fields_of(shop.get(f"/orders?{query}"))) == [field]


def test_another_merchants_orders_are_not_found_by_their_ids(stock: Stock, other: Caller) -> None:
    query = "&".join(
        [f"id={one}" for one in stock.ids.values()]
        + [f"externalOrderId={e}" for e in stock.externals.values()]
    )
    assert other.get(f"/orders?{query}").json()["orders"]["totalItemCount"] == 0
    assert other.get(f"/orders?siteId={stock.site}").json()["orders"]["totalItemCount"] == 0


# one order
# --------------------------------------------------------------------------------------------------


def test_an_order_tells_the_agreement_and_the_authentication_as_sent(shop: Caller) -> None:
    sent = {
        "isRecurring": True,
        "subscription": {"subscriptionId": "sub-1", "interval": "monthly", "price": "45.90"},
        "threeDSecure": {"threeDsVersion": "2.2.0", "ecommerceIndicator": "05"},
    }
    order = shop.order(shop.admit(**sent))
    assert order["isRecurring"] is True
    for name in ("subscription", "threeDSecure"):
        assert {key: value for key, value in order[name].items() if value is not None} == sent[name]
    plain = shop.order(shop.admit(isRecurring=GONE, subscription=GONE, threeDSecure=GONE))
    assert (plain["isRecurring"], plain["subscription"], plain["threeDSecure"]) == (
        None,
        None,
        None,
    )


def test_an_order_tells_its_lines_refunds_and_attempts(shop: Caller) -> None:
    items = [
        {"sku": "TEA", "name": "Green tea", "amount": 3000, "quantity": 3},
        {"name": "Cup", "amount": 1590},
    ]
    order_id = shop.admit(**AT_ONCE, orderItems=items)
    shop.refund(order_id, {"amountToRefund": 12, "refundMessage": "Broken cup"})
    order = shop.order(order_id)
    assert order["items"] == [
        {"line": 1, "sku": "TEA", "name": "Green tea", "amount": 3000, "quantity": 3},
        {"line": 2, "sku": None, "name": "Cup", "amount": 1590, "quantity": None},
    ]
    [refund] = order["refunds"]
    assert (refund["number"], refund["amount"], refund["message"]) == (1, 1200, "Broken cup")
    assert refund["status"] == "PENDING"
    shop.advance(minutes=1)
    assert shop.order(order_id)["refunds"][0]["status"] == "COMPLETED"
    [attempt] = order["attempts"]
    assert (attempt["number"], attempt["status"], attempt["cure"]) == (1, "APPROVED", None)
    assert attempt["sentAt"] is not None
    assert attempt["checks"]["avsResultCode"] in ("Y", "Z", "A", "U")
    assert len(attempt["checks"]["authCode"]) == 6
    assert len(attempt["networkTransactionId"]) == 15


def test_an_attempts_code_is_told_in_words(shop: Caller) -> None:
    order_id = shop.admit(paymentMethod__cardNumber=FUNDS)
    shop.advance(days=8)
    order = shop.order(order_id)
    sent = [one for one in order["attempts"] if one["sentAt"]]
    assert sent
    for one in sent:
        assert (one["status"], one["responseCode"]) == ("DECLINED", "51")
        assert (one["responseText"], one["cure"]) == REASONS["insufficient_funds"]
    planned = order["attempts"][-1]
    assert (planned["status"], planned["dueAt"]) == ("PLANNED", order["nextAttemptAt"])


@pytest.mark.parametrize(
    "how", ["", "&sort=asc", "&orderBy=amount", "&orderBy=processedOn", "&isMIT=true&status=4"]
)
def test_all_orders_are_read_once_each_while_more_arrive(shop: Caller, how: str) -> None:
    first = [shop.admit(transaction__amount=1_000 + number % 3) for number in range(7)]
    shop.advance(seconds=1)
    found, after = [], ""
    for _ in range(20):
        page = shop.get(f"/orders?pageSize=2{how}" + (f"&after={after}" if after else "")).json()[
            "orders"
        ]
        found += [order["id"] for order in page["data"]]
        assert page["hasNextPage"] is (page["next"] is not None) is not page["isLastPage"]
        assert page["hasPreviousPage"] is bool(after)
        if page["next"] is None:
            break
        after = page["next"]
        if len(found) < 6:
            shop.admit(transaction__amount=5_000)
    assert len(found) == len(set(found))
    assert set(first) <= set(found)


@each(
    "query",
    [
        "after=x",
        "after=n1.2",
        "orderBy=amount&after=n1.0190f3c12b7a7c3e9d415e6f7a8b9c0d",
        "after=p1.0190f3c12b7a7c3e9d415e6f7a8b9c0d",
    ],
)
def test_a_place_that_is_none_is_refused(shop: Caller, query: str) -> None:
    assert "After" in fields_of(shop.get(f"/orders?{query}"))


def test_a_place_and_a_page_number_are_not_taken_together(shop: Caller) -> None:
    assert "PageNumber" in fields_of(
        shop.get("/orders?pageNumber=2&after=n1.0190f3c12b7a7c3e9d415e6f7a8b9c0d")
    )


def test_lists_stay_short(shop: Caller) -> None:
    shop.admit()
    [row] = shop.get("/orders").json()["orders"]["data"]
    assert not {"items", "refunds", "attempts"} & set(row)


@each(
    ("query", "told"),
    [
        ("statuses=4", "'statuses' is not known. Did you mean status?"),
        ("externalOrder=a", "Did you mean externalOrderId?"),
        ("created_from=2026-03-01", "Did you mean createdFrom?"),
        ("pagesize=2&page_size=3", "'page_size' is not known. Did you mean pageSize?"),
        ("pageNumbr=2", "'pageNumbr' is not known. Did you mean pageNumber?"),
        (
            "q\u00fc=1&zzzz=1",
            "'zzzz' is not known. Known are query, status, id, externalOrderId, referenceNumber, "
            "from,",
        ),
    ],
)
def test_a_filter_that_is_not_known_is_refused_with_the_nearest_one(
    shop: Caller, query: str, told: str
) -> None:
    wrong = fields_of(shop.get(f"/orders?{query}"))
    assert list(wrong) == ["Query"]
    assert told in " ".join(wrong["Query"])


def test_a_currency_that_is_none_is_told_as_it_was_sent(shop: Caller) -> None:
    wrong = fields_of(shop.get("/orders?currency=dollar"))
    assert wrong == {"Currency": ["The currency 'dollar' is not an ISO 4217 code like USD."]}


def test_an_own_order_id_in_the_path_is_told_how_to_find_the_order(shop: Caller) -> None:
    external = shop.order(shop.admit())["externalOrderId"]
    for which in (external, UNKNOWN):
        assert (
            "?externalOrderId="
            in check_refused(shop.get(f"/orders/{which}"), 404, "not_found")["result"]
        )


def test_an_order_is_found_by_the_reference_number_that_it_shows(
    door: Door, shop: Caller, other: Caller
) -> None:
    order_ids = [shop.admit() for _ in range(3)]
    numbers = [shop.order(order_id)["referenceNumber"] for order_id in order_ids]
    for asked in (
        f"referenceNumber={numbers[0]}",
        f"referenceNumber={numbers[0].lower()}",
        f"query={numbers[0]}",
    ):
        assert [
            one["id"] for one in shop.get(f"/orders?{asked}").json()["orders"]["data"]
        ] == order_ids[:1]
        assert other.get(f"/orders?{asked}").json()["orders"]["totalItemCount"] == 0
    both = shop.get(f"/orders?referenceNumber={numbers[0]}&referenceNumber={numbers[2]}").json()[
        "orders"
    ]["data"]
    assert {one["id"] for one in both} == {order_ids[0], order_ids[2]}
    assert list(fields_of(shop.get("/orders?referenceNumber=4BD3"))) == ["ReferenceNumber"]
    found = door.run(outcome_of(door.world, numbers[1]))
    assert found["orderId"] == order_ids[1]


def test_an_external_id_of_eight_digits_is_found_before_a_reference_number(
    door: Door, shop: Caller
) -> None:
    first = shop.admit()
    second = shop.admit(orderId=shop.order(first)["referenceNumber"])
    assert (
        door.run(outcome_of(door.world, shop.order(first)["referenceNumber"]))["orderId"] == second
    )
    found = shop.get(f"/orders?query={shop.order(first)['referenceNumber']}").json()["orders"][
        "data"
    ]
    assert [one["id"] for one in found] == [second]
