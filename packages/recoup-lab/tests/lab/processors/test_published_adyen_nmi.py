"""Each stand-in refuses what its vendor refuses, in the vendor's shape; what the vendor documents
it takes."""

import asyncio
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import aiohttp
from lab.processors.subject_ground import play

from recoup.networks.magic import script_card
from recoup.processors.gateways.credential import Stored
from recoup_connectors.nmi.connector import authenticated
from recoup_lab.conformance.nmi import NmiSubject
from recoup_lab.processors.adyen.account import MERCHANT
from recoup_lab.processors.adyen.server import KEY as ADYEN_KEY
from recoup_lab.processors.adyen.server import StandIn as Adyen
from recoup_lab.processors.nmi.server import KEY as NMI_KEY

PAYMENT: Final[dict[str, Any]] = {
    "merchantAccount": MERCHANT,
    "amount": {"value": 100, "currency": "EUR"},
    "reference": "r",
    "paymentMethod": {"type": "scheme", "storedPaymentMethodId": "S000000000000001"},
    "shopperReference": "shopper-1",
    "shopperInteraction": "ContAuth",
    "recurringProcessingModel": "Subscription",
    "returnUrl": "https://shop.example/",
}
BROWSER: Final = {"acceptHeader": "*/*", "userAgent": "Mozilla/5.0"}
WHOLE: Final = {
    "language": "de-DE",
    "colorDepth": 24,
    "screenHeight": 900,
    "screenWidth": 1440,
    "timeZoneOffset": -60,
    "javaEnabled": False,
}
# What is changed in a payment that Adyen takes, and status and code of its answer.
REFUSED: Final[tuple[tuple[dict[str, Any], int, str], ...]] = (
    ({"recoup": "1"}, 400, "702"),
    ({"amount": {"value": 100, "currency": "EUR", "decimals": 2}}, 400, "702"),
    ({"amount": {"value": 0, "currency": "EUR"}}, 422, "137"),
    ({"amount": {"value": 9, "currency": "XTS"}}, 422, "138"),
    ({"amount": {"value": "9", "currency": "EUR"}}, 400, "702"),
    ({"amount": None}, 422, "100"),
    ({"reference": ""}, 422, "130"),
    ({"reference": "r" * 81}, 422, "702"),
    ({"returnUrl": None}, 422, "14_030"),
    ({"merchantAccount": None}, 403, "901"),
    ({"merchantAccount": "Other"}, 403, "901"),
    ({"shopperReference": "ab"}, 422, "702"),
    ({"shopperInteraction": "Recurring"}, 422, "702"),
    ({"recurringProcessingModel": "Installment"}, 422, "702"),
    ({"recurringProcessingModel": None}, 422, "158"),
    ({"captureDelayHours": "0"}, 400, "702"),
    ({"captureDelayHours": True}, 400, "702"),
    ({"browserInfo": BROWSER}, 422, "702"),
    ({"mpiData": {"cavv": "no base64!"}}, 422, "702"),
    ({"mpiData": {"authenticationResponse": "C"}}, 422, "702"),
    ({"channel": "Fax"}, 422, "702"),
    ({"additionalData": {"manualCapture": True}}, 422, "702"),
    ({"additionalData": {"scaExemption": "none"}}, 422, "702"),
    ({"additionalData": {"recoup": "1"}}, 422, "702"),
    ({"shopperStatement": "Zoë"}, 422, "702"),
    ({"paymentMethod": {"type": "scheme", "storedPaymentMethodId": "S" * 65}}, 422, "702"),
    ({"paymentMethod": {"type": "visa"}}, 422, "702"),
    ({"paymentMethod": []}, 400, "702"),
)
TAKEN: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"browserInfo": BROWSER | WHOLE, "channel": "Web"},
    {"amount": {"value": 1001, "currency": "KWD"}},
    {"captureDelayHours": 0},
    {"shopperStatement": "RC*SHOP"},
    {"additionalData": {"autoRescue": "false"}},
)


def test_the_stand_in_refuses_what_adyen_refuses(tmp_path: Path) -> None:
    async def whole() -> None:
        standin = await Adyen(tmp_path / "adyen.sqlite").start()
        standin.account.store("visa", "shopper-1")
        wrong = []
        async with aiohttp.ClientSession(headers={"x-api-key": ADYEN_KEY}) as session:
            for change, status, code in [*REFUSED, *((one, 200, "") for one in TAKEN)]:
                async with session.post(
                    f"{standin.url}/v72/payments", json=PAYMENT | change
                ) as answer:
                    said = await answer.json()
                    good = (
                        said.get("resultCode") == "Authorised"
                        if status == 200
                        else said["errorCode"] == code
                    )
                    if answer.status != status or not good:
                        wrong.append((change, answer.status, said))
        await standin.stop()
        assert wrong == []

    asyncio.run(whole())


SALE: Final = {
    "security_key": NMI_KEY,
    "type": "sale",
    "customer_vault_id": "100000001",
    "amount": "45.90",
    "currency": "USD",
}
PROOF: Final = {"cardholder_auth": "verified", "cavv": "AAAB", "three_ds_version": "2.2.0"}
REFUSED_FORMS: Final[tuple[dict[str, str], ...]] = (
    {"recoup": "1"},
    {"eci": "05"},
    {"amount": "1.001", "currency": "KWD"},
    {"amount": "500", "currency": "JPY"},
    {"amount": "0.00"},
    {"amount": "-1.00"},
    {"amount": ""},
    {"currency": "XQQ"},
    {"currency": "usd"},
    {"billing_method": "unscheduled"},
    {"initiated_by": "bank"},
    {"stored_credential_indicator": "kept"},
    {"sca_exemption": "mit"},
    {"dup_seconds": "7862401"},
    {"initial_transaction_id": "900000000000001"},
    PROOF | {"cardholder_auth": "05"},
    PROOF | {"cavv": ""},
    {"three_ds_version": "2.2.0"},
    PROOF | {"cavv": "?"},
    PROOF | {"directory_server_id": "ds-1"},
    {"type": "charge"},
    {"type": "void"},
    {"customer_vault_id": ""},
)
TAKEN_FORMS: Final[tuple[dict[str, str], ...]] = (
    {},
    {"amount": "1.10", "currency": "KWD"},
    {"amount": "500.00", "currency": "JPY"},
    PROOF | {"amount": "7.00"},
    {"amount": "8.00", "merchant_defined_field_20": "x", "descriptor": "RC*SHOP"},
)


async def posted(session: aiohttp.ClientSession, url: str, form: dict[str, str]) -> dict[str, str]:
    async with session.post(f"{url}/transact.php", data=form) as answer:
        assert answer.status == 200
        return dict(parse_qsl(await answer.text(), keep_blank_values=True))


def test_the_stand_in_refuses_what_nmi_refuses() -> None:
    async def story(on: NmiSubject) -> None:
        on.standin.account.make_vault("visa")
        async with aiohttp.ClientSession() as session:
            answers = [
                await posted(session, on.url, SALE | one) for one in [*REFUSED_FORMS, *TAKEN_FORMS]
            ]
            wanted = [("3", "300")] * len(REFUSED_FORMS) + [("1", "100")] * len(TAKEN_FORMS)
            pairs = zip([*REFUSED_FORMS, *TAKEN_FORMS], answers, wanted, strict=True)
            assert [(a, b) for a, b, c in pairs if (b["response"], b["response_code"]) != c] == []
        on.standin.refused.clear()  # they were to be

    play(NmiSubject, story)


def test_a_method_is_stored_from_outside_and_charged() -> None:
    """As with curl: `customer_vault=add_customer`."""

    async def story(on: NmiSubject) -> None:
        add = {"security_key": NMI_KEY, "customer_vault": "add_customer", "ccexp": "0931"}
        number = script_card("mastercard", "51", 0)
        card = add | {"ccnumber": number}
        async with aiohttp.ClientSession() as session:

            async def kept(**more: str) -> dict[str, str]:
                return await posted(session, on.url, card | more)

            made = await kept()
            assert (made["response"], made["responsetext"]) == ("1", "Customer Added")
            declined = await kept(first_name="insufficient_funds", customer_vault_id="shop-7")
            assert declined["customer_vault_id"] == "shop-7"
            for wrong in (
                {"ccnumber": f"{int(number) + 1}"},
                {"ccexp": "1331"},
                {"customer_vault_id": "shop-7"},
            ):
                assert (await kept(**wrong))["response"] == "3"
            assert (await posted(session, on.url, add))["responsetext"].startswith(
                "Required Field ccnumber"
            )
        on.standin.refused.clear()
        stored = [
            Stored("nmi", one["customer_vault_id"], None, "mastercard") for one in (made, declined)
        ]
        connector: Any = on.connector
        found = await connector.describe(stored[0])
        assert (found.scheme, found.last4, found.exp_month, found.exp_year) == (
            "mastercard",
            number[-4:],
            9,
            2031,
        )
        said = [await on.send(on.charge(credential=one)) for one in stored]
        assert [(one.state, one.own_code) for one in said] == [
            ("approved", None),
            ("declined", "nmi:202"),
        ]
        assert not any(number in str(one) for one in on.standin.book.all("vault"))

    play(NmiSubject, story)


def test_an_authentication_goes_out_whole_or_not_at_all() -> None:
    given = {
        "threeDsVersion": "2.2.0",
        "authenticationValue": "AAABBBCCCDDDEEEFFFGGGHH0Ig0=",
        "ecommerceIndicator": "05",
        "directoryServerTransactionId": "8de2c7c1-e1ef-4e5f-96f6-e10a2f7ec21a",
    }
    changes: list[tuple[dict[str, str], str | None]] = [
        ({}, "verified"),
        ({"ecommerceIndicator": "02"}, "verified"),
        ({"ecommerceIndicator": "06"}, "attempted"),
        ({"ecommerceIndicator": "1"}, "attempted"),
        ({"ecommerceIndicator": "07"}, None),
        ({"ecommerceIndicator": "", "authenticationResponseStatus": "A"}, "attempted"),
        ({"authenticationValue": "x"}, None),
        ({"threeDsVersion": ""}, None),
    ]

    for change, became in changes:
        said = authenticated(given | change)
        assert (said.get("cardholder_auth"), bool(said)) == (became, became is not None), change
        assert "eci" not in said, "it is said by cardholder_auth"
