"""The calls of the load: whole HTTP requests as clients send them, a number in each place that must
differ."""

import json
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from recoup.kernel.time import iso

MARK: Final = "100000000000000"  # fifteen digits, as long as what takes their place
CHOICE: Final = "9999999999999999"  # as long as a card number


def evaluate_body(mid: UUID, site_id: UUID, token: UUID, now: datetime) -> dict[str, Any]:
    """A managed MIT with all that the contract's example B has."""
    return {
        "isDeclined": True,
        "isMIT": True,
        "isRecurring": True,
        "expiryDateUtc": iso(now + timedelta(days=21)),
        "mid": str(mid),
        "siteId": str(site_id),
        "siteUrl": "https://bench.example.test",
        "orderId": f"SUB-{MARK}",
        "idempotencyKey": f"key-{MARK}",
        "orderSource": "ecommerce",
        "subscription": {
            "subscriptionId": f"sub-{MARK}",
            "interval": "monthly",
            "price": "45.90",
            "currency": "USD",
            "paymentNumber": "4",
            "totalPayments": "12",
        },
        "threeDSecure": {
            "threeDsVersion": "2.1.0",
            "EcommerceIndicator": "05",
            "authenticationValue": "AAABBBCCCDDDEEEFFFGGGHH0Ig0=",
            "directoryServerTransactionId": "f25084f0-5b16-4c0a-ae5d-b24808a95e4b",
            "xid": None,
            "authenticationResponseStatus": "Y",
            "directoryResponseStatus": "Y",
            "enrolled": "Y",
        },
        "transaction": _transaction(now, "51", "Insufficient funds", "DECLINED"),
        "payer": _payer(),
        "billingInformation": _address(),
        "shippingInformation": _address(),
        "paymentMethod": {
            "holderName": "Ana Roe",
            "cardType": "CREDIT",
            "cardBrand": "VISA",
            "cardCountry": "US",
            "expirationMonth": 9,
            "expirationYear": 2031,
            "cardNumber": str(token),
            "Token": True,
        },
    }


def transmit_body(mid: UUID, now: datetime) -> dict[str, Any]:
    """A copy of an approved payment, as the contract's example."""
    return {
        "isDeclined": False,
        "orderId": f"SO-{MARK}",
        "orderSource": "ecommerce",
        "isMIT": False,
        "mid": str(mid),
        "transaction": _transaction(now, "100", "Approved", "APPROVED"),
        "payer": _payer(),
        "billingInformation": _address(),
        "paymentMethod": {
            "holderName": "Ana Roe",
            "cardType": "CREDIT",
            "cardBrand": "VISA",
            "cardCountry": "US",
            "expirationMonth": 9,
            "expirationYear": 2031,
            "cardBinNumber": "411111",
            "cardLast4Digits": "1111",
        },
    }


def tokenize_body() -> dict[str, Any]:
    card = {
        "first_name": "Ana",
        "last_name": "Roe",
        "number": CHOICE,
        "verification_value": "999",
        "month": "09",
        "year": "2031",
    }
    return {"payment_method": {"email": f"ana{MARK}@example.test", "credit_card": card}}


def charge_body() -> dict[str, Any]:
    return {
        "merchant_order_id": f"order-{MARK}",
        "amount": "49.90",
        "currency": "USDT",
        "channel": "mock",
        "subject": "Pro plan",
    }


def post(path: str, body: dict[str, Any], bearer: str | None) -> str:
    text = json.dumps(body)
    about = f"content-type: application/json\r\ncontent-length: {len(text)}\r\n"
    return f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{_bearer(bearer)}{about}\r\n{text}"


def get(path: str, bearer: str) -> str:
    return (
        f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{_bearer(bearer)}accept: "
        f"application/json\r\n\r\n"
    )


def _bearer(bearer: str | None) -> str:
    return f"authorization: Bearer {bearer}\r\n" if bearer else ""


def _transaction(now: datetime, code: str, text: str, status: str) -> dict[str, Any]:
    return {
        "id": f"psp-{MARK}",
        "timestampUtc": iso(now - timedelta(minutes=5)),
        "timezoneUtcOffset": -5,
        "amount": 4590,
        "currency": "USD",
        "responseCode": code,
        "responseCodeSource": "nmi",
        "responseDescription": text,
        "responseStatus": status,
        "avsResultCode": "NA",
        "cvvResultCode": "NA",
        "cavvResultCode": "NA",
        "cardNotPresent": True,
        "dynamicDescriptor": "EXAMPLESHOES",
        "processorName": "Example Acquirer",
    }


def _payer() -> dict[str, Any]:
    return {"id": f"cust-{MARK}", "email": f"ana{MARK}@example.test", "phone": "+1 555 010 2030"}


def _address() -> dict[str, Any]:
    return {
        "firstName": "Ana",
        "lastName": "Roe",
        "country": "United States",
        "countryCode": "US",
        "addressLine1": "12 Elm St",
        "city": "Austin",
        "state": "TX",
        "zipcode": "73301",
    }
