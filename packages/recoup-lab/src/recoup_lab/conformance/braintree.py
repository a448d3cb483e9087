"""The Braintree connector before its stand-in."""

import base64
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from recoup.processors.gateways.connector import Notice
from recoup.processors.gateways.credential import Credential, Stored
from recoup.processors.gateways.kinds import Connection
from recoup.processors.gateways.port import Processor
from recoup_lab.conformance.check import hold
from recoup_lab.conformance.subject import OTHER, Scenario
from recoup_lab.conformance.vendor import VendorSubject
from recoup_lab.processors.braintree.server import (
    ACCOUNTS,
    PRIVATE,
    PUBLIC,
    StandIn,
    notification,
    posted,
    signature,
)

_METHODS: Final[Mapping[Scenario, str]] = {
    "approved": "visa",
    "declined": "insufficient_funds",
    "sca": "authentication",
    "blocked": "risk",
    "gone": "visa",
    "advice": "mastercard_advice03",
    "advice_of_visa": "visa_advice03",
    "no_codes": "no_codes",
    "lost_card": "lost_card",
}


class BraintreeSubject(VendorSubject[StandIn]):
    kind = "braintree"
    server = StandIn
    paths = MappingProxyType(
        {"charge": "PaymentMethod", "first": "PaymentMethod", "modify": "refundTransaction"}
    )
    amounts = MappingProxyType({
        "USD": (4590, "45.90"), "JPY": (500, "500"), "BHD": (12345, "12.345"), "ISK": (500, "500"),
        "HUF": (100000, "1000.00"),
    })  # fmt: skip
    golden: Mapping[Scenario, Mapping[str, Any]] = MappingProxyType(
        {
            "declined": {
                "state": "declined",
                "scheme_code": "51",
                "advice_code": None,
                "processor_code": "braintree:2001",
                "processor_advice": "braintree:advice_code:SOFT",
                "cvv": "MATCHES",
                "reached_network": True,
                "fault": None,
            },
            "lost_card": {
                "state": "declined",
                "scheme_code": "41",
                "advice_code": None,
                "processor_code": "braintree:2053",
                "processor_advice": "braintree:advice_code:HARD",
            },
            "advice": {
                "scheme_code": "05",
                "advice_code": "03",
                "processor_code": "braintree:2000",
            },
            "sca": {"scheme_code": "1A", "processor_code": "braintree:2099", "sca_wanted": True},
            "blocked": {
                "scheme_code": None,
                "processor_code": "braintree:RISK_THRESHOLD",
                "reached_network": False,
            },
        }
    )
    unlike = MappingProxyType(
        {
            35: "its search reads the book itself",
            48: "its signature has no time, and a notice is sent again for a day as it was: "
            "it is read once, by its id",
            54: "a key signs for one account of one mode: another has another key",
        }
    )

    async def _serve(self) -> None:
        await super()._serve()
        self.secrets = (PRIVATE, PUBLIC)

    def _make(self, url: str) -> Processor:
        from recoup_connectors.braintree.api import KeyPair
        from recoup_connectors.braintree.connector import Braintree

        accounts = {currency: id for id, currency in ACCOUNTS.items()}
        older = (KeyPair("older", OTHER),)
        return Braintree(
            url=url,
            keys=KeyPair(PUBLIC, PRIVATE),
            accounts=accounts,
            older_keys=older,
            clocks=self.clocks,
        )

    def credential(self, scenario: Scenario) -> Credential:
        method = self.standin.account.make_method(_METHODS[scenario], "customer-1")
        if scenario == "gone":
            self.standin.account.delete_method(method["id"])
        self.secrets += (method["id"],)
        return Stored(
            "braintree", method["id"], "customer-1", method["details"]["brandCode"].lower()
        )

    def taken(self) -> int:
        states = ("AUTHORIZED", "SUBMITTED_FOR_SETTLEMENT", "SETTLED")
        return sum(one["status"] in states for one in self.standin.book.all("transaction"))

    def wire_amounts(self) -> list[str]:
        return [one["amount"]["value"] for one in self.standin.book.all("transaction")][::-1]

    def fail_last_refund(self) -> None:
        self.standin.account.fail_refund(next(self.standin.book.all("refund"))["id"])

    async def booked(self) -> tuple[int, int]:
        self.standin.account.advance()
        lines = await self.lines()
        hold("fee" in {line.type for line in lines}, "the fee has no line")
        net = sum(
            Decimal(one["amount"]) - Decimal(one["fee"])
            for one in self.standin.book.all("movement")
        )
        return sum(line.units for line in lines), int(net * 100)

    def notice(self, about: UUID | None, **more: Any) -> bytes:
        at: datetime = more.get("at") or self.clocks.wall()
        transaction = {"legacyId": "tr1", "orderId": str(about) if about else "somebody-else"}
        return notification("transaction_settled", transaction, at.timestamp())

    def signed(
        self, body: bytes, *, secret: str | None = None, at: datetime | None = None
    ) -> dict[str, str]:
        payload = posted_payload(body)
        return {"signed": signature(payload, private=secret) if secret else signature(payload)}

    def signed_by_both(self, body: bytes) -> dict[str, str]:
        other = signature(posted_payload(body), private=OTHER, public="older")
        return {"signed": f"{other}&{self.signed(body)['signed']}"}

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        return super().read({}, posted(body, headers.get("signed", "nobody|0")).body)

    def live_connection(self) -> Connection:
        from recoup_connectors.braintree.api import LIVE_URL

        return Connection(
            "x", LIVE_URL, f"{PUBLIC}:{PRIVATE}", account="USD=acme_usd", world="sandbox"
        )


def posted_payload(xml: bytes) -> bytes:
    return base64.encodebytes(xml)
