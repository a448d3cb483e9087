"""A payment library's gateway: one object a merchant, cards in, a response object out.

Its habits: signs in once and keeps the token while `expires` lies ahead; tokenizes with the bearer
and no query, months and years as numbers; sends `timestamp`, the offset as text, `zipCode`,
`transactionType: Purchase`, `NA` for what it does not know, `Source` and `ExtraData`; keeps
`orderId#currency` as the authorization; refunds by decimal text; takes only an empty object for a
cancelled order. Source: contract §2, §4, §5, §9–§11, §16.6, §18 (AM).
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.rescue.api.clients.transport import Card, Credentials, Heard, call

SUCCESSES = {"APPROVED", "CHALLENGE", "SUBMITTED", "SUCCESS", "PROCESSING", "CAPTUREREQUIRED"}


@dataclass
class Response:
    success: bool
    message: str
    authorization: str
    params: Any


@dataclass
class GatewayLibrary:
    port: int
    known: Credentials
    token: str = ""
    expires: int = 0
    signed_in: int = field(default=0)

    def purchase(self, units: int, card: Card, order_id: str, **options: Any) -> Response:
        return self._evaluate("Purchase", units, card, order_id, options)

    def authorize(self, units: int, card: Card, order_id: str, **options: Any) -> Response:
        return self._evaluate("Authorization", units, card, order_id, options)

    def capture(self, units: int, authorization: str, key: str) -> Response:
        order_id, currency = authorization.split("#")
        body = {"idempotencyKey": key, "orderId": order_id, "amount": units, "currency": currency}
        return self._commit("POST", "capture", body)

    def refund(self, units: int, authorization: str) -> Response:
        order_id = authorization.split("#")[0]
        body = {"amountToRefund": f"{units // 100}.{units % 100:02d}"}
        return self._commit("POST", f"orders/{order_id}/refund", body)

    def void(self, authorization: str) -> Response:
        return self._commit("POST", f"orders/{authorization.split('#')[0]}/cancel", {})

    def inquire(self, authorization: str) -> Response:
        return self._commit("GET", f"orders/{authorization.split('#')[0]}", None)

    def store(self, card: Card) -> str:
        first, _, last = card.name.partition(" ")
        body = {
            "payment_method": {
                "credit_card": {
                    "first_name": first,
                    "last_name": last,
                    "number": card.number,
                    "month": card.month,
                    "year": card.year,
                    "verification_value": card.code,
                }
            }
        }
        token: str = self._commit("POST", "tokenize", body).params["transaction"]["payment_method"][
            "token"
        ]
        return token

    def _evaluate(
        self, kind: str, units: int, card: Card, order_id: str, options: dict[str, Any]
    ) -> Response:
        token = options.get("token")
        body = {
            "siteId": self.known.site_id,
            "mid": self.known.mid,
            "isDeclined": True,
            "orderId": order_id,
            "idempotencyKey": options.get("key", order_id),
            "senseKey": None,
            "Source": "Library",
            "ExtraData": "",
            "transactionType": kind,
            "isMIT": options.get("mit", False),
            "isRecurring": options.get("mit", False),
            "transaction": {
                "id": order_id,
                "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "timezoneUtcOffset": "-5",
                "amount": units,
                "currency": "USD",
                "responseCode": "100",
                "responseCodeSource": "nmi",
                "avsResultCode": "200",
                "cvvResultCode": "111",
                "cavvResultCode": "111",
                "cardNotPresent": False,
            },
            "paymentMethod": {
                "holderName": card.name,
                "cardType": "CREDIT",
                "cardBrand": "VISA",
                "cardCountry": "CA",
                "expirationMonth": card.month,
                "expirationYear": card.year,
                "cardBinNumber": card.number[:6],
                "cardLast4Digits": card.number[-4:],
                "cardNumber": token or card.number,
                "Token": bool(token),
            },
            "billingInformation": {
                "firstName": "Cure",
                "lastName": "Tester",
                "country": "CA",
                "countryCode": "CA",
                "addressLine1": "456 My Street",
                "state": "ON",
                "city": "Ottawa",
                "zipCode": "K1C2N6",
                "phone": "(555)555-5555",
            },
            "payer": {"email": "NA", "phone": options.get("phone", "+99.2001a/+99.2001b")},
        }
        if "expiry" in options:
            body["expiryDateUtc"] = options["expiry"]
        return self._commit("POST", "evaluate", body)

    def _headers(self) -> dict[str, str]:
        if not self.token or self.expires <= time.time() * 1000:
            body = {"AppKey": self.known.app_key, "AppSecret": self.known.app_secret}
            heard = call(
                self.port, "POST", "/v1/oauth2/token", {"Content-Type": "application/json"}, body
            ).body
            self.token, self.expires = heard["accessToken"], heard["expires"]
            self.signed_in += 1
        return {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}

    def _commit(self, method: str, path: str, body: Any) -> Response:
        heard = call(self.port, method, f"/v1/{path}", self._headers(), body)
        return Response(
            self._succeeded(path, heard),
            self._message(heard),
            self._authorization(heard),
            heard.body,
        )

    def _succeeded(self, path: str, heard: Heard) -> bool:
        body = heard.body
        if heard.status != 200 or body is None:
            return False
        if path.endswith("/cancel"):
            return bool(body == {})
        if path == "tokenize":
            return bool(body["transaction"]["payment_method"]["token"])
        status = body.get("statusName") or body.get("status")
        return status in SUCCESSES and ("success" not in body or bool(body["success"]))

    @staticmethod
    def _message(heard: Heard) -> str:
        body = heard.body or {}
        errors = body.get("errors")
        if errors:
            return str(errors[0]["item1"])
        if heard.status == 400:
            return "; ".join(
                f"{name} {texts[0]}" for name, texts in body.items() if name != "TraceId"
            )
        return str(
            body.get("title")
            or body.get("responseMessage")
            or body.get("statusName")
            or body.get("status")
        )

    @staticmethod
    def _authorization(heard: Heard) -> str:
        body = heard.body or {}
        order_id = body.get("orderId") or body.get("orderSessionKey") or body.get("id") or ""
        return f"{order_id}#USD" if order_id else ""
