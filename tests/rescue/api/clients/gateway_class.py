"""A shop system's own gateway class.

Its habits: `application/*+json`; a base address that ends in a slash, so that paths have two;
tokenizes from the checkout with `mid` and `environment` in the query and no credential; `{Token:
true, cardNumber}` alone as payment method; asks /outcome; reads `captureStatus`. A stale token it
changes after a 401. Source: contract §1, §4, §6, §7, §18.1 (FK).
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.rescue.api.clients.transport import Card, Credentials, Heard, call


@dataclass
class GatewayClass:
    port: int
    known: Credentials
    token: str = "stale"

    def _post(self, path: str, body: Any, *, again: bool = True) -> Heard:
        headers = {"Content-Type": "application/*+json", "Authorization": f"Bearer {self.token}"}
        heard = call(self.port, "POST", f"/v1//{path}", headers, body)
        if heard.status == 401 and again:
            self.authenticate()
            return self._post(path, body, again=False)
        return heard

    def authenticate(self) -> None:
        body = {"AppKey": self.known.app_key, "AppSecret": self.known.app_secret}
        heard = call(
            self.port, "POST", "/v1//oauth2/token", {"Content-Type": "application/*+json"}, body
        )
        self.token = heard.body["accessToken"]

    def tokenize(self, card: Card) -> str:
        first, _, last = card.name.partition(" ")
        method = {
            "credit_card": {
                "first_name": first,
                "last_name": last,
                "number": card.number,
                "verification_value": card.code,
                "month": f"{card.month:02d}",
                "year": str(card.year),
            }
        }
        query = urlencode({"mid": self.known.mid, "environment": self.known.environment})
        heard = call(
            self.port,
            "POST",
            f"/v1//tokenize?{query}",
            {"Content-Type": "application/*+json"},
            {"payment_method": method},
        )
        token: str = heard.body["transaction"]["payment_method"]["token"]
        return token

    def evaluate(self, token: str, order_id: str, units: int, **more: Any) -> Heard:
        body = {
            "isDeclined": True,
            "mid": self.known.mid,
            "orderId": order_id,
            "idempotencyKey": f"{order_id}-1",
            "siteId": self.known.site_id,
            "transaction": {
                "id": f"t-{order_id}",
                "timestampUtc": "Mon, 02 Mar 2026 09:15:31 GMT",
                "timezoneUtcOffset": 0,
                "amount": units,
                "currency": "usd",
                "responseCode": "51",
                "responseCodeSource": "nmi",
                "avsResultCode": "NA",
                "cvvResultCode": "NA",
                "cavvResultCode": "NA",
            },
            "payer": {"email": "ana@example.test"},
            "billingInformation": {"firstName": "Ana", "lastName": "Roe"},
            "paymentMethod": {"Token": True, "cardNumber": token},
        }
        return self._post("evaluate", body | more)

    def outcome(self, key: str) -> str:
        status: str = self._post("outcome", {"orderSessionKey": key}).body["status"]
        return status

    def capture(self, key: str, units: int) -> bool:
        body = {
            "idempotencyKey": f"{key}-capture",
            "orderId": key,
            "amount": units,
            "currency": "USD",
        }
        heard = self._post("capture", body)
        return heard.status == 200 and heard.body["captureStatus"] == "SUCCESS"

    def refund(self, key: str, units: int) -> bool:
        heard = self._post(
            f"orders/{key}/refund", {"amountToRefund": units / 100, "refundMessage": "asked for"}
        )
        return (
            heard.status == 200
            and bool(heard.body["success"])
            and heard.body["status"] == "SUCCESS"
        )

    def cancel(self, key: str) -> bool:
        return self._post(f"orders/{key}/cancel", {}).status == 200

    def order(self, key: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return call(self.port, "GET", f"/v1//orders/{key}", headers).body
