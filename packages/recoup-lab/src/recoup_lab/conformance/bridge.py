"""The bridge's connector before a bridge of ours."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.networks.magic import script_card
from recoup.outside.inbound import DISPUTE_NOTICES, HEADER, is_signed, read_notice, signed
from recoup.processors.gateways.bridge import Bridge
from recoup.processors.gateways.connector import Notice
from recoup.processors.gateways.credential import Card, Credential
from recoup.processors.gateways.port import Processor
from recoup_lab.conformance.check import NotOfferedError
from recoup_lab.conformance.subject import Scenario, Subject
from recoup_lab.processors.bridge import SECRET, BridgeStandIn

PAN: Final = script_card("visa", "51", 0)
_PATHS: Final = {"charge": "/charges", "first": "/charges", "modify": "/reversals"}
_KEY: Final = b"the-key-of-the-route"


class BridgeSubject(Subject):
    secrets = (PAN, SECRET)
    amounts = MappingProxyType({"USD": (4590, 4590), "JPY": (500, 500), "BHD": (12345, 12345)})
    golden: Mapping[Scenario, Mapping[str, Any]] = MappingProxyType(
        {
            "declined": {
                "state": "declined",
                "scheme_code": "51",
                "advice_code": None,
                "processor_code": "2001",
                "processor_advice": "later",
                "cvv": "M",
            },
            "advice": {
                "scheme_code": "05",
                "advice_code": "03",
                "processor_code": None,
                "processor_advice": None,
            },
            "sca": {"scheme_code": "1A", "sca_wanted": True},
        }
    )

    async def _serve(self) -> None:
        self.standin = await BridgeStandIn(self.faults).start()

    async def _end(self) -> None:
        await self.standin.stop()

    @property
    def url(self) -> str:
        return self.standin.url

    def _make(self, url: str) -> Processor:
        return Bridge(
            url, secret=SECRET, acceptor_id="conformance", clocks=self.clocks, multicapture=True
        )

    def credential(self, scenario: Scenario) -> Credential:
        if scenario == "advice_of_visa":
            raise NotOfferedError("a bridge's advice is read by the card's network, in Recoup")
        return Card(PAN, 12, 2034, "visa")

    def forget(self) -> None:
        super().forget()
        self.standin.forget()

    def taken(self) -> int:
        return len(self.standin.charges)

    def calls(self) -> list[str]:
        return self.standin.calls

    def _path(self, of: str) -> str:
        return _PATHS[of]

    def wire_amounts(self) -> list[int]:
        return [charge["amount"] for charge in self.standin.charges.values()]

    def notice(self, about: UUID | None, **more: Any) -> bytes:
        if "account" in more or "live" in more:
            raise NotOfferedError("its key is of one route: another account has another key")
        plain = {
            "noticeId": more.get("id", "n-1"),
            "caseId": "case-1",
            "merchantId": new_id(),
            "chargeId": about or new_id(),
            "stage": "first",
            "status": "open",
            "amount": 100,
            "currency": "USD",
            "respondBy": more.get("at"),
        }
        return msgspec.json.encode(plain)

    def signed(
        self, body: bytes, *, secret: str | None = None, at: datetime | None = None
    ) -> dict[str, str]:
        return {HEADER: signed(secret.encode() if secret else _KEY, body, at or self.clocks.wall())}

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        """Reads notices as the door of a bridge's notices does."""
        if len(body) > DISPUTE_NOTICES.bytes_max:
            raise Problem("too_large", "The notice is too large.", cure="Send one notice a call.")
        if not is_signed(_KEY, headers.get(HEADER, ""), body, self.clocks.wall()):
            raise Problem(
                "unauthenticated", "The notice carries no valid signature.", cure="Sign it."
            )
        found = read_notice(body)
        at = found.respond_by or self.clocks.wall()
        return [
            Notice(
                found.notice_id, found.status, "dispute", found.case_id, at, True, found.charge_id
            )
        ]
