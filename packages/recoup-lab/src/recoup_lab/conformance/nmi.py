"""The NMI connector before its stand-in."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Literal
from uuid import UUID

from recoup.processors.gateways.credential import Credential, Stored
from recoup.processors.gateways.kinds import Connection
from recoup.processors.gateways.port import Processor
from recoup_lab.conformance.subject import OTHER, Scenario
from recoup_lab.conformance.vendor import VendorSubject
from recoup_lab.processors.nmi.server import KEY, SECRET, StandIn, event, signature

_METHODS: Final[Mapping[Scenario, str]] = {
    "approved": "visa",
    "declined": "retry_later",
    "gone": "visa",
    "no_codes": "declined",
    "lost_card": "lost_card",
}
_LIES: Final = frozenset({"other_amount", "other_currency", "part"})


class NmiSubject(VendorSubject[StandIn]):
    kind = "nmi"
    server = StandIn
    paths = MappingProxyType(
        {"charge": "transact.php", "first": "query.php", "modify": "transact.php refund"}
    )
    amounts = MappingProxyType(
        {
            "USD": (4590, "45.90"),
            "JPY": (500, "500.00"),
            "BHD": (12340, "12.34"),
            "ISK": (500, "500.00"),
            "HUF": (100000, "1000.00"),
        }
    )
    golden: Mapping[Scenario, Mapping[str, Any]] = MappingProxyType(
        {
            "declined": {
                "state": "declined",
                "scheme_code": None,
                "advice_code": None,
                "processor_code": "nmi:264",
                "processor_advice": "nmi:264",
                "cvv": "M",
                "avs": "Y",
                "reached_network": True,
                "fault": None,
            },
            "lost_card": {
                "scheme_code": None,
                "processor_code": "nmi:251",
                "processor_advice": None,
            },
            "no_codes": {
                "processor_code": "nmi:200",
                "processor_advice": None,
                "network_transaction_id": None,
            },
        }
    )
    unlike = MappingProxyType(
        {
            23: "none of its answers asks for the payer",
            27: "it gives no network's advice",
            29: "what its gateway stops is an error, which is proof that it was not sent",
            30: "its answers carry no network's id",
            35: "its question by order id reads the book itself",
            40: "a capture carries no id of ours there: a second one of the same amount "
            "is the first, and moves nothing",
            48: "its signature has a nonce and no time: a notice is read once, by its id",
            54: "a secret signs for one endpoint of one account: another has another secret",
        }
    )

    async def _serve(self) -> None:
        await super()._serve()
        self.secrets = (KEY, SECRET)

    def _make(self, url: str) -> Processor:
        from recoup_connectors.nmi.connector import Nmi

        return Nmi(url=url, key=KEY, notice_secrets=(SECRET,), clocks=self.clocks)

    def credential(self, scenario: Scenario) -> Credential:
        vault = self.standin.account.make_vault(_METHODS[scenario])
        if scenario == "gone":
            self.standin.account.delete_vault(vault["id"])
        self.secrets += (vault["id"],)
        return Stored("nmi", vault["id"], None, vault["brand"])

    def taken(self) -> int:
        return sum(
            one["actions"][0]["action_type"] in ("sale", "auth")
            and one["condition"] not in ("failed", "canceled")
            for one in self.standin.book.all("transaction")
        )

    def break_down(
        self, kind: str, *, of: Literal["charge", "modify", "first"] = "charge", seconds: float = 3
    ) -> None:
        """Amounts stand in the book alone: the lie is in the look before and after."""
        if kind in _LIES:
            self.faults.add(kind, "query.php", times=2)
            return
        super().break_down(kind, of=of, seconds=seconds)

    def wire_amounts(self) -> list[str]:
        return [one["actions"][0]["amount"] for one in self.standin.book.all("transaction")][::-1]

    def fail_last_refund(self) -> None:
        refunds = (
            one
            for one in self.standin.book.all("transaction")
            if one["actions"][0]["action_type"] == "refund"
        )
        self.standin.account.fail_refund(next(refunds)["id"])

    async def booked(self) -> tuple[int, int]:
        self.standin.account.advance()
        lines = await self.lines()
        net = Decimal(0)
        for one in self.standin.book.all("transaction"):
            amount = sum(
                Decimal(act["amount"]) for act in one["actions"] if act["action_type"] == "settle"
            )
            net += -amount if one["of"] else amount
        return sum(line.units for line in lines), int(net * 100)

    def notice(self, about: UUID | None, **more: Any) -> bytes:
        at: datetime = more.get("at") or self.clocks.wall()
        action = {
            "action_type": "sale",
            "amount": "1.00",
            "success": "1",
            "date": at.strftime("%Y%m%d%H%M%S"),
        }
        transaction = {"id": "10000000001", "condition": "complete", "actions": [action]}
        order = str(about) if about else "somebody-else"
        return event(
            more.get("id", "evt_1"), "transaction.sale.success", transaction | {"order_id": order}
        )

    def signed(
        self, body: bytes, *, secret: str | None = None, at: datetime | None = None
    ) -> dict[str, str]:
        return {"webhook-signature": signature(body, secret or SECRET)}

    def signed_by_both(self, body: bytes) -> dict[str, str]:
        good, other = signature(body), signature(body, OTHER)
        return {"webhook-signature": f"{other},{good.partition(',')[2]}"}

    def live_connection(self) -> Connection:
        from recoup_connectors.nmi.api import LIVE_URL

        return Connection("x", LIVE_URL, KEY, world="sandbox")
