"""The Stripe connector before its stand-in."""

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from recoup.processors.gateways.credential import Credential, Stored
from recoup.processors.gateways.kinds import Connection
from recoup.processors.gateways.port import Processor
from recoup_lab.conformance.check import hold
from recoup_lab.conformance.subject import Scenario
from recoup_lab.conformance.vendor import VendorSubject
from recoup_lab.processors.stripe.server import KEY, SECRET, StandIn, signature

_METHODS: Final[Mapping[Scenario, str]] = {
    "approved": "visa",
    "declined": "visa_chargeDeclinedInsufficientFunds",
    "sca": "authenticationRequired",
    "blocked": "radarBlock",
    "gone": "visa",
    "advice": "mastercard_advice03",
    "advice_of_visa": "visa_advice03",
    "no_codes": "noCodes",
    "lost_card": "visa_chargeDeclinedLostCard",
}


class StripeSubject(VendorSubject[StandIn]):
    kind = "stripe"
    server = StandIn
    paths = MappingProxyType(
        {"charge": "/confirm", "first": "POST /v1/payment_intents", "modify": "POST /v1/refunds"}
    )
    amounts = MappingProxyType(
        {
            "USD": (4590, 4590),
            "JPY": (500, 500),
            "BHD": (12340, 12340),
            "ISK": (500, 50000),
            "UGX": (500, 50000),
            "MGA": (50000, 500),
            "HUF": (100000, 100000),
        }
    )
    golden: Mapping[Scenario, Mapping[str, Any]] = MappingProxyType(
        {
            "declined": {
                "state": "declined",
                "scheme_code": "51",
                "advice_code": None,
                "cvv": "pass",
                "reached_network": True,
                "processor_code": "stripe:insufficient_funds",
                "processor_advice": "stripe:advice_code:try_again_later",
                "fault": None,
            },
            "lost_card": {
                "state": "declined",
                "scheme_code": "41",
                "advice_code": None,
                "processor_code": "stripe:lost_card",
                "processor_advice": "stripe:advice_code:do_not_try_again",
            },
            "advice": {
                "scheme_code": "05",
                "advice_code": "03",
                "processor_code": "stripe:generic_decline",
            },
            "sca": {
                "scheme_code": "1A",
                "processor_code": "stripe:authentication_required",
                "sca_wanted": True,
            },
        }
    )

    async def _serve(self) -> None:
        await super()._serve()
        self._customer = self.standin.account.make_customer({})["id"]
        self.secrets = (KEY, SECRET, self._customer)

    def _make(self, url: str) -> Processor:
        from recoup_connectors.stripe.connector import Stripe

        return Stripe(key=KEY, url=url, notice_secrets=(SECRET,), clocks=self.clocks)

    def credential(self, scenario: Scenario) -> Credential:
        method = self.standin.account.attach(
            f"pm_card_{_METHODS[scenario]}", {"customer": self._customer}
        )
        if scenario == "gone":
            self.standin.account.detach(method["id"])
        self.secrets += (method["id"],)
        return Stored("stripe", method["id"], self._customer, method["card"]["brand"])

    def taken(self) -> int:
        return sum(one["status"] == "succeeded" for one in self.standin.book.all("charge"))

    def left_open(self) -> int:
        return sum(
            one["status"] == "requires_action" for one in self.standin.book.all("payment_intent")
        )

    def wire_amounts(self) -> list[int]:
        return [one["amount"] for one in self.standin.book.all("charge")][::-1]

    def fail_last_refund(self) -> None:
        self.standin.account.fail_refund(next(self.standin.book.all("refund"))["id"])

    async def booked(self) -> tuple[int, int]:
        lines = await self.lines()
        hold("fee" in {line.type for line in lines}, "the fee has no line")
        return sum(line.units for line in lines), sum(
            o["net"] for o in self.standin.book.all("balance_transaction")
        )

    def notice(self, about: UUID | None, **more: Any) -> bytes:
        at: datetime = more.get("at") or self.clocks.wall()
        plain = {
            "id": more.get("id", "evt_1"),
            "object": "event",
            "type": "payment_intent.succeeded",
            "created": int(at.timestamp()),
            "livemode": more.get("live", False),
            "account": more.get("account"),
            "request": {"id": "req_1", "idempotency_key": None},
            "data": {
                "object": {
                    "id": "pi_1",
                    "object": "payment_intent",
                    "metadata": {"recoup_id": str(about)} if about else {},
                }
            },
        }
        return json.dumps(plain).encode()

    def signed(
        self, body: bytes, *, secret: str | None = None, at: datetime | None = None
    ) -> dict[str, str]:
        moment = int((at or self.clocks.wall()).timestamp())
        return {"stripe-signature": signature(body, secret or SECRET, moment)}

    def live_connection(self) -> Connection:
        return Connection("x", key="rk_live_0123456789", world="sandbox")
