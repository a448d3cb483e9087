"""A CRM that bills subscriptions for its merchants.

Its habits: `appKey` in lower case; a trailing slash; `mid: null`; numbers as text and texts as
numbers; days of expiry, written as an RFC 1123 date; a copy of every payment to /transmit;
`orderSessionKey` as the order's id everywhere; sends an order that it is not sure of again. Source:
contract §3, §5.1, §16.5, §18.1 (KN, NJ, SP).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.rescue.api.clients.transport import Card, Credentials, Heard, call


@dataclass
class SubscriptionPlatform:
    port: int
    known: Credentials
    token: str = ""

    def _call(self, method: str, path: str, body: Any = None) -> Heard:
        headers = {"Authorization": f"bearer {self.token}", "Accept": "*/*"}
        if body is not None:
            headers["Content-Type"] = "application/json; charset=UTF-8"
        return call(self.port, method, f"/v1/{path}/", headers, body)

    def authenticate(self) -> bool:
        heard = self._call(
            "POST",
            "oauth2/token",
            {"appKey": self.known.app_key, "appSecret": self.known.app_secret},
        )
        self.token = heard.body["accessToken"]
        return bool(heard.body["success"])

    def tokenize(self, card: Card) -> str:
        older = {
            "payment": {
                "Method": {
                    "creditCard": {
                        "firstName": "Ana",
                        "lastName": "Roe",
                        "number": card.number,
                        "month": f"{card.month:02d}",
                        "year": str(card.year),
                        "verificationValue": card.code,
                    }
                }
            },
            "mid": self.known.mid,
            "environment": self.known.environment,
        }
        token: str = self._call("POST", "tokenize", older).body["transaction"]["payment_method"][
            "token"
        ]
        return token

    def transmit(self, order_id: str, units: int, *, declined: bool) -> Heard:
        return self._call(
            "POST",
            "transmit",
            self._told(order_id, units, declined=declined)
            | {
                "paymentMethod": {
                    "cardBinNumber": "400000",
                    "cardLast4Digits": "3184",
                    "cardBrand": "VISA",
                },
            },
        )

    def evaluate(
        self, token: str, order_id: str, units: int, key: str, expires: datetime | None
    ) -> Heard:
        body = self._told(order_id, units, declined=True) | {
            "IdempotencyKey": key,
            "siteUrl": "",
            "customerIp": "203.0.113.24",
            "isRecurring": True,
            "subscription": {
                "subscriptionId": "77",
                "interval": "monthly",
                "price": "45.90",
                "currency": "USD",
                "paymentNumber": "4",
                "totalPayments": "",
            },
            "paymentMethod": {
                "cardNumber": token,
                "token": True,
                "expirationMonth": "9",
                "expirationYear": "31",
            },
        }
        if expires is not None:
            body["ExpiryDateUTC"] = format_datetime(expires, usegmt=True)
        return self._call("POST", "evaluate", body)

    def _told(self, order_id: str, units: int, *, declined: bool) -> dict[str, Any]:
        return {
            "isDeclined": declined,
            "isMIT": True,
            "mid": None,
            "orderId": order_id,
            "orderSource": "Site1",
            "transaction": {
                "id": f"{order_id}-1",
                "timezoneUtcOffset": "-300",
                "amount": units,
                "currency": "USD",
                "responseCode": 202 if declined else 100,
                "responseCodeSource": "nmi",
                "avsResultCode": "NA",
                "cvvResultCode": "NA",
                "cavvResultCode": "NA",
                "dynamicDescriptor": "",
            },
            "payer": {"id": 71, "email": "ana@example.test", "birthdate": None},
            "billingInformation": {
                "firstName": "Ana",
                "lastName": "Roe",
                "countryCode": "US",
                "zipcode": 73301,
            },
        }

    def sync(self, key: str) -> str:
        status: str = self._call("POST", "outcome", {"orderSessionKey": key}).body["status"]
        return status

    def order(self, key: str) -> Any:
        return self._call("GET", f"orders/{key}").body

    def refund(self, key: str, text: str) -> Heard:
        return self._call(
            "POST",
            f"orders/{key}/refund",
            {"amountToRefund": text, "isPartialRefund": True, "mid": None, "transactionId": None},
        )

    def cancel(self, key: str) -> Heard:
        return self._call("POST", f"orders/{key}/cancel")


def days_from(now: datetime, days: int) -> datetime:
    return now + timedelta(days=days)
