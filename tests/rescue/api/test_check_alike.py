"""/evaluate/check and /evaluate decide by one function: for whatever body both take they say the
same."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.door import GONE, UNKNOWN, Caller

from recoup.networks.magic import script_card
from recoup.networks.tables import PROCESSOR_CODES
from recoup.rescue.flows.due import start

VENDORS = ["adyen", "braintree", "checkout", "nmi", "shopify", "stripe"]
LISTED = sorted(
    {
        (row.source, row.code)
        for row in PROCESSOR_CODES
        if row.source in VENDORS and "-" not in row.code
    }
)
SOURCES = [*VENDORS, "visa", "mastercard", "amex", "network", "Example Gateway", ""]
NETWORK = [
    "05",
    "5",
    "12",
    "14",
    "041",
    "41.0",
    "43",
    "51",
    "54",
    "57",
    "59",
    "65",
    "79",
    "83",
    "91",
    "R1",
    "N7",
    "00",
]
WORDS = [
    "",
    "Insufficient funds",
    "Do not honor",
    "CARD REPORTED LOST",
    "Account closed",
    "See the bank",
    "51 - Funds",
]


METHODS = [
    "visa",
    "mastercard",
    "discover",
    "stored visa",
    "stored mastercard",
    "stored amex",
    "unknown",
    "no token",
]
FEW: Any = settings(
    max_examples=30,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def method(name: str, serial: int) -> dict[str, Any]:
    """A card of its own for each serial."""
    stored, _, scheme = name.rpartition(" ")
    if stored == "stored":
        code = "116_00_007" if scheme == "amex" else f"51_00_{serial:05}"
        return {"processor": "sandbox", "id": f"pm_card_{scheme}_{code}"}
    if stored == "no":
        return {"cardNumber": UNKNOWN, "token": True}
    if name == "unknown":
        return {"processor": "sandbox", "id": "pm_card_nobody"}
    number = script_card(scheme, "51", 0, serial=serial)
    return {
        "holderName": "Ana Roe",
        "cardNumber": number,
        "expirationMonth": 9,
        "expirationYear": 2031,
    }


said = st.one_of(
    st.tuples(st.sampled_from(SOURCES), st.sampled_from(NETWORK)),
    st.sampled_from(LISTED),
    st.tuples(st.sampled_from(SOURCES), st.sampled_from([code for _, code in LISTED])),
    st.tuples(st.sampled_from(SOURCES), st.text("ABC019_ -:é", max_size=12)),
)
bodies = st.fixed_dictionaries(
    {
        "said": said,
        "advice": st.sampled_from([GONE, "01", "02", "03", "3", "21", "24", "40", "77", "ZZ"]),
        "text": st.one_of(st.sampled_from(WORDS), st.text("aeklmorst -.:;5é", max_size=20)),
        "method": st.sampled_from(METHODS),
        "brand": st.sampled_from([GONE, "VISA", "MASTERCARD", "Unheard of"]),
        "amount": st.sampled_from([4590, 1, -1]),
        "at": st.sampled_from([GONE, "2026-11-01T00:00:00Z", "2024-01-31T23:59:59Z"]),
        "country": st.sampled_from(["US", "IN", "DE"]),
    }
)


def drawn(shop: Caller, one: dict[str, Any], serial: int) -> dict[str, Any]:
    (source, code), at = one["said"], one["at"]
    return shop.body(
        paymentMethod=method(one["method"], serial)
        | ({} if one["brand"] is GONE else {"cardBrand": one["brand"]}),
        subscription__subscriptionId=f"sub-{serial}",
        transaction__responseCodeSource=source,
        transaction__responseCode=code,
        transaction__adviceCode=one["advice"],
        transaction__responseDescription=one["text"],
        transaction__amount=one["amount"],
        billingInformation__countryCode=one["country"],
        **({} if at is GONE else {"transaction__timestampUtc": at}),
    )


def decided(shop: Caller, order_id: str) -> dict[str, Any]:
    """How the order's first decision read its decline."""
    shop.door.run(start(shop.door.orders, shop.shop.key(UUID(order_id))))
    rows = shop.door.sql(
        "SELECT features FROM decisions WHERE order_id = $1 ORDER BY at, decision_id",
        UUID(order_id),
    )
    read: dict[str, Any] = json.loads(rows[0]["features"])["reading"]
    return {name: read[name] for name in ("code", "meaning", "klass", "retry", "min_wait_hours")}


def checked(told: dict[str, Any]) -> dict[str, Any]:
    named = ("code", "meaning", "kind", "retry", "waitHours")
    return dict(
        zip(
            ("code", "meaning", "klass", "retry", "min_wait_hours"),
            map(told.get, named),
            strict=True,
        )
    )


def test_whatever_is_drawn_is_decided_alike(shop: Caller) -> None:
    serials = iter(range(1, 1_000))

    @FEW
    @given(one=bodies)
    def alike(one: dict[str, Any]) -> None:
        body = drawn(shop, one, next(serials))
        told = shop.post("/evaluate/check", body).json()
        answer = shop.evaluate(body)
        assert told["valid"] is (answer.status_code == 200), (told["complaints"], answer.text)
        if answer.status_code == 200:
            assert checked(told["decline"]) == decided(shop, answer.json()["orderId"])

    alike()


@pytest.mark.parametrize("advice", ["03", "21"])
def test_the_network_s_advice_to_a_stored_method_without_a_brand(shop: Caller, advice: str) -> None:
    stored = {"processor": "sandbox", "id": "pm_card_mastercard"}
    body = shop.body(paymentMethod=stored, **of_adyen("51"), transaction__adviceCode=advice)
    told = shop.post("/evaluate/check", body).json()
    assert (told["valid"], told["decline"]["retry"]) == (True, "never")
    order_id = shop.evaluate(body).json()["orderId"]
    assert decided(shop, order_id) == checked(told["decline"])
    assert shop.order(order_id)["attempts"] == []


def of_adyen(code: str, text: str = "") -> dict[str, Any]:
    return {
        "transaction__responseCodeSource": "adyen",
        "transaction__responseCode": code,
        "transaction__responseDescription": text,
    }


# What Adyen means by a number; the network means something else by the most of them.
ADYEN = {
    "2": ("soft", "yes"),
    "3": ("soft", "yes"),
    "5": ("hard", "never"),
    "6": ("data", "after_data_change"),
    "8": ("hard", "never"),
    "12": ("funds", "yes"),
    "20": ("fraud", "after_contact"),
    "26": ("hard", "never"),
    "31": ("fraud", "after_contact"),
    "38": ("sca", "after_authentication"),
    "46": ("hard", "never"),
    "50": ("hard", "never"),
}


def test_a_number_with_source_adyen_is_adyen_s(shop: Caller) -> None:
    visa = {
        "holderName": "Ana Roe",
        "cardNumber": script_card("visa", "51", 0),
        "expirationMonth": 9,
        "expirationYear": 2031,
    }
    found = {}
    for code in ADYEN:
        bare = shop.post("/evaluate/check", shop.body(paymentMethod=visa, **of_adyen(code))).json()[
            "decline"
        ]
        named = shop.body(
            paymentMethod=visa,
            **of_adyen(f"adyen:{code}") | {"transaction__responseCodeSource": "visa"},
        )
        assert shop.post("/evaluate/check", named).json()["decline"] == bare
        found[code] = (bare["kind"], bare["retry"])
    assert found == ADYEN
