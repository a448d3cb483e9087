"""What the samples speak about, made through the APIs of a running installation: orders, cards,
endpoints."""

import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner, Result

from recoup.kit.edge.described import Operation
from recoup.main.cli import cli
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import script_card

CARD = {"expirationMonth": 9, "expirationYear": 2031}


@dataclass
class Things:
    """`kept` is the installation's bootstrap.json; `hooks` the address of somebody who answers 200.

    `ahead` are the days that the installation's clock is before ours.
    """

    kept: dict[str, Any]
    data_dir: Path
    hooks: str
    token: str = ""
    completed: str = ""
    settled: str = ""
    certified: str = ""
    ahead: int = 0

    def variables(self, operation: Operation) -> dict[str, str]:
        """Everything that a sample of this operation may name; what it speaks about is new, and in
        a fitting state."""
        kept = self.kept
        words = operation.path.strip("/").split("/")
        made = {
            "BASE": kept["base_url"],
            "APP_KEY": kept["app_key"],
            "APP_SECRET": kept["app_secret"],
            "MID": kept["mid"],
            "SITE_ID": kept["site_id"],
            "TOKENIZATION_KEY": kept["tokenization_key"],
            "STABLECOIN_KEY_ID": kept.get("stablecoin_key_id", ""),
            "STABLECOIN_SECRET": kept.get("stablecoin_secret", ""),
        }
        if words[0] == "api":
            return made | self.signed_things(words)
        tokens = self.post(
            "/v1/oauth2/token", {"AppKey": kept["app_key"], "AppSecret": kept["app_secret"]}
        )
        self.token = tokens["accessToken"]
        partner = {"AppKey": kept["partner_app_key"], "AppSecret": kept["partner_app_secret"]}
        made["PARTNER_TOKEN"] = self.post("/v1/oauth2/token", partner)["accessToken"]
        made |= {
            "TOKEN": self.token,
            "REFRESH_TOKEN": tokens["refreshToken"],
            "CARD_TOKEN": self.card(),
        }
        if operation.path.endswith("/policy/back"):  # there has to be one to go back from
            proof = made["PARTNER_TOKEN"] if "partner" in words else self.token
            self.set_policy(operation.path.removesuffix("/back"), proof)
        if "webhooks" in words:
            hooks = "/v1/partner/webhooks" if "partner" in words else "/v1/webhooks"
            proof = made["PARTNER_TOKEN"] if "partner" in words else self.token
            self.delete_endpoints(hooks, proof)
        if "onboarding" in words:
            return made | (self.application(words[-1]) if "{id}" in words else {})
        if "transmit" in words and "{id}" in words:
            made["TRANSMIT_ID"] = self.transmitted()
        elif "webhooks" in words and "{id}" in words:
            made["WEBHOOK_ID"] = self.post(hooks, {"url": self.hooks}, proof)["id"]
        elif "uploads" in words and "{id}" in words:
            made["UPLOAD_ID"] = self.uploaded()
        elif "imports" in words and "{id}" in words:
            made["IMPORT_ID"] = self.imported(100_000 if "stop" in words else 2)
        elif "backtests" in words:
            made["BACKTEST_ID"] = (
                self.post("/v1/backtests", {"decider": "retry-2"})["id"] if "{id}" in words else ""
            )
        elif "certificates" in words:
            made["CERTIFICATE_ID"] = self.certificate() if "{id}" in words else ""
        elif "settlements" in words:
            made["SETTLEMENT_ID"] = self.settlement()
        elif "sites" in words:
            self.retire_sites()
            site = {
                "url": f"https://{uuid.uuid4().hex[:8]}.example.com",
                "name": "A",
                "descriptor": "ALEAF",
            }
            made["SITE_ID"] = self.post("/v1/sites", site)["id"]
            if "{campaign}" in words:
                made["CAMPAIGN"] = self.post(
                    f"/v1/sites/{made['SITE_ID']}/campaigns", {"key": "spring"}
                )["id"]
        elif "disputes" in words:
            made |= self.disputed()
        else:
            made["ORDER_ID"] = self.order("refund" in words, "capture" in words)
        return made

    def disputed(self) -> dict[str, str]:
        """A paid order, its dispute and a file of evidence."""
        order_id = self.order(completed=True, held=False)
        self.recoup("sandbox", "dispute", order_id)
        headers = {"authorization": f"Bearer {self.token}"}
        shown = httpx.get(
            f"{self.kept['base_url']}/v1/orders/{order_id}", headers=headers, timeout=30
        ).json()
        dispute = str(shown["disputes"][0]["id"])
        file = {"name": "a.txt", "content": "ZGVsaXZlcmVk"}
        return {
            "ORDER_ID": order_id,
            "DISPUTE": dispute,
            "FILE": self.post(f"/v1/orders/{order_id}/disputes/{dispute}/files", file)["id"],
        }

    def application(self, doing: str) -> dict[str, str]:
        """A draft that lacks nothing, with its document; to be converted, one that was approved."""
        path, site = (
            "/v1/onboarding/application",
            {"url": "https://a.example.com", "name": "A", "descriptor": "ALEAF"},
        )
        made = self.post(
            path,
            {
                "legalName": "A Ltd",
                "country": "GB",
                "registrationNumber": "1",
                "businessCategory": "5499",
                "contact": {"name": "Ana", "email": "ana@example.com"},
                "kinds": ["mit"],
                "sites": [site],
                "volumes": {"currency": "GBP", "monthlyAmount": 1},
            },
        )["id"]
        pdf = {"kind": "registration", "name": "a.pdf", "content": "JVBERi0xLjcKJSVFT0YK"}
        document = self.post(f"{path}/{made}/documents", pdf)["id"]
        if doing == "convert":
            self.post(f"{path}/{made}/submit", {})
            self.recoup("applications", "approve", made)
        return {"APPLICATION_ID": made, "DOCUMENT": document}

    def uploaded(self) -> str:
        """A file whose rows may be waiting still: its one order is new."""
        row = {"orderId": f"S-{uuid.uuid4().hex[:12]}", "isDeclined": True}
        row |= {"transaction": {"amount": 4590, "currency": "USD", "responseCode": "51"}}
        return str(self.post("/v1/uploads", {"kind": "transmit", "rows": [row] * 2_000})["id"])

    def imported(self, rows: int) -> str:
        """A file; of many rows attempts are waiting still."""
        mark, cells = uuid.uuid4().hex[:12], "2026-01-03T06:00:00Z,4590,USD,false"
        lines = [
            "orderId,at,amount,currency,approved",
            *(f"S-{mark}-{n},{cells}" for n in range(rows)),
        ]
        headers = {"authorization": f"Bearer {self.token}", "content-type": "text/csv"}
        place = f"{self.kept['base_url']}/v1/imports"
        answer = httpx.post(place, content="\n".join(lines).encode(), headers=headers, timeout=60)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def order(self, completed: bool, held: bool) -> str:
        """An open one, a completed one, or one that waits for its capture."""
        if completed and self.completed:
            return self.completed
        number = uuid.uuid4().hex[:12]
        body: dict[str, Any] = {
            "isDeclined": True,
            "isMIT": not held,
            "orderId": f"S-{number}",
            "idempotencyKey": number,
            "transaction": {
                "id": number,
                "amount": 4590,
                "currency": "USD",
                "responseCode": "51",
                "responseCodeSource": "nmi",
                "avsResultCode": "NA",
                "cvvResultCode": "NA",
                "cavvResultCode": "NA",
            },
            "paymentMethod": {"cardNumber": script_card("visa", "51", 0)} | CARD,
        }
        if held:
            body |= {
                "transactionType": "AUTHORIZATION",
                "customerIp": "203.0.113.24",
                "payer": {"phone": "998888"},
            }
            body["paymentMethod"]["cardNumber"] = APPROVE_CARDS[1]
        else:
            days = 20 + self.ahead
            body["expiryDateUtc"] = time.strftime(
                "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86_400)
            )
        answer = self.post("/v1/evaluate", body)
        assert answer["status"] == ("CAPTUREREQUIRED" if held else "SUBMITTED"), answer
        if completed:
            self.completed = str(answer["orderId"])
            self.pay(self.completed)
        return str(answer["orderId"])

    def pay(self, order_id: str) -> None:
        """As the outside world pays it; a card payment must have been picked up before."""
        for left in range(50, -1, -1):
            ran = self.run("sandbox", "pay", order_id)
            if ran.exit_code == 0:
                return
            assert left, ran.exception
            time.sleep(0.1)

    def settlement(self) -> str:
        """The newest. The first time an order is paid, and two days of the merchant end: midnight
        may lie between."""
        if not self.settled:
            self.order(completed=True, held=False)
            self.recoup("terms", "settlement", "--period", "day", "--delay-days", "0")
            self.advance(2)
            headers = {"authorization": f"Bearer {self.token}"}
            answer = httpx.get(
                f"{self.kept['base_url']}/v1/settlements", headers=headers, timeout=30
            ).json()
            self.settled = str(answer["data"][0]["id"])
        return self.settled

    def certificate(self) -> str:
        """The newest. The first time an order is paid, and its month is over by some days."""
        if not self.certified:
            self.order(completed=True, held=False)
            self.advance(36)
            headers = {"authorization": f"Bearer {self.token}"}
            for _ in range(50):
                path = f"{self.kept['base_url']}/v1/reports/certificates"
                if found := httpx.get(path, headers=headers, timeout=30).json()["data"]:
                    self.certified = str(found[0]["id"])
                    break
                time.sleep(0.2)
        return self.certified

    def advance(self, days: int) -> None:
        self.recoup("clock", "advance", f"{days}d")
        self.ahead += days

    def recoup(self, *words: str) -> None:
        ran = self.run(*words)
        assert ran.exit_code == 0, ran.exception

    def run(self, *words: str) -> Result:
        """A verb, in this process: a new one would import everything each time."""
        return CliRunner().invoke(cli, [*words, "--data-dir", str(self.data_dir)])

    def retire_sites(self) -> None:
        """Those of earlier samples: an address belongs to one site."""
        headers = {"authorization": f"Bearer {self.token}"}
        for site in httpx.get(
            f"{self.kept['base_url']}/v1/sites", headers=headers, timeout=30
        ).json()["data"]:
            if site["id"] != self.kept["site_id"]:
                httpx.delete(
                    f"{self.kept['base_url']}/v1/sites/{site['id']}", headers=headers, timeout=30
                )

    def delete_endpoints(self, path: str, proof: str) -> None:
        """Those of earlier samples: a url belongs to one endpoint."""
        headers = {"authorization": f"Bearer {proof}"}
        for one in httpx.get(f"{self.kept['base_url']}{path}", headers=headers, timeout=30).json()[
            "data"
        ]:
            httpx.delete(f"{self.kept['base_url']}{path}/{one['id']}", headers=headers, timeout=30)

    def card(self) -> str:
        card = {
            "first_name": "Ana",
            "last_name": "Roe",
            "number": APPROVE_CARDS[0],
            "month": "09",
            "year": "2031",
        }
        made = self.post("/v1/tokenize", {"payment_method": {"credit_card": card}})
        return str(made["transaction"]["payment_method"]["token"])

    def transmitted(self) -> str:
        transaction = {
            "id": uuid.uuid4().hex,
            "amount": 4590,
            "currency": "USD",
            "responseCode": "100",
            "responseCodeSource": "nmi",
            "avsResultCode": "Y",
            "cvvResultCode": "M",
            "cavvResultCode": "NA",
        }
        body = {
            "isDeclined": False,
            "orderId": uuid.uuid4().hex,
            "isMIT": False,
            "transaction": transaction,
            "payer": {},
            "paymentMethod": {},
        }
        return str(self.post("/v1/transmit", body)["transmitId"])

    def set_policy(self, path: str, proof: str) -> None:
        body = {"policy": {"tries": {"soft": 2}}, "reason": "a sample"}
        headers = {"authorization": f"Bearer {proof}"}
        answer = httpx.put(self.kept["base_url"] + path, json=body, headers=headers, timeout=30)
        assert answer.is_success, answer.text

    def post(self, path: str, body: Any, proof: str = "") -> Any:
        headers = (
            {"authorization": f"Bearer {proof or self.token}"} if path != "/v1/oauth2/token" else {}
        )
        answer = httpx.post(self.kept["base_url"] + path, json=body, headers=headers, timeout=30)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()

    def signed_things(self, words: list[str]) -> dict[str, str]:
        if "subscriptions" in words and "{id}" in words:
            asked = {
                # the same body twice in a second is a replay
                "title": f"Pro plan {uuid.uuid4().hex[:8]}",
                "amount": "9.99",
                "currency": "USDT",
                "channel": "mock",
                "interval_unit": "month",
            }
            made = self.sign_and_post("/api/v1/subscriptions", asked)
            if "resume" in words:
                self.sign_and_post(f"/api/v1/subscriptions/{id_in(made)}/pause", {})
            return {"SUBSCRIPTION_ID": id_in(made)}
        if "orders" in words and "{id}" in words:
            return {"ORDER_ID": self.charge(paid="refund" in words)}
        if words[-1] == "payouts":
            self.charge(paid=True)
        return {}

    def charge(self, *, paid: bool) -> str:
        """On the test channel; paid as the page's button pays it."""
        asked = {
            "merchant_order_id": uuid.uuid4().hex,
            "amount": "49.90",
            "currency": "USDT",
            "channel": "mock",
        }
        order_id = str(self.sign_and_post("/api/v1/charges", asked)["order"]["id"])
        if paid:
            self.pay(order_id)
        return order_id

    def sign_and_post(self, path: str, asked: Any) -> Any:
        body, stamp = json.dumps(asked), str(int(time.time()))
        told = "\n".join(["POST", path, "", stamp, hashlib.sha256(body.encode()).hexdigest()])
        signature = hmac.new(
            self.kept["stablecoin_secret"].encode(), told.encode(), hashlib.sha256
        ).hexdigest()
        headers = {
            "X-Api-Key": self.kept["stablecoin_key_id"],
            "X-Timestamp": stamp,
            "X-Signature": signature,
        }
        answer = httpx.post(self.kept["base_url"] + path, content=body, headers=headers, timeout=30)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()


def id_in(answer: Any) -> str:
    """Of the one object in an answer, with an envelope or without."""
    return str(answer["id"] if "id" in answer else next(iter(answer.values()))["id"])
