"""The Adyen connector before its stand-in. What follows a charge is decided by notices, so they are
read along."""

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.processors.gateways.credential import Credential, Stored
from recoup.processors.gateways.kinds import Connection
from recoup.processors.gateways.outcome import Outcome, as_requested
from recoup.processors.gateways.port import Charge, ModificationMessage, Processor
from recoup_lab.conformance.check import hold
from recoup_lab.conformance.subject import OTHER, Scenario
from recoup_lab.conformance.vendor import VendorSubject
from recoup_lab.processors.adyen.account import MERCHANT
from recoup_lab.processors.adyen.server import KEY, SECRET, StandIn, batch, signature, token_notice
from recoup_lab.processors.serving import Posted

_HOLDERS: Final[Mapping[Scenario, str]] = {
    "approved": "visa",
    "declined": "NOT_ENOUGH_BALANCE",
    "sca": "CHALLENGE",
    "blocked": "FRAUD",
    "gone": "visa",
    "advice": "mc_advice03",
    "advice_of_visa": "visa_advice03",
    "no_codes": "no_codes",
    "lost_card": "BLOCK_CARD",
}
_SHOPPER: Final = "shopper-of-the-checks"
_ROLLED: Final = "00" * 32  # the key after this one
_FOREIGN: Final = "ff" * 32


class AdyenSubject(VendorSubject[StandIn]):
    kind = "adyen"
    server = StandIn
    paths = MappingProxyType(
        {"charge": "POST /v72/payments", "first": "POST /v72/payments", "modify": "/refunds"}
    )
    amounts = MappingProxyType(
        {
            "USD": (4590, 4590),
            "JPY": (500, 500),
            "BHD": (12345, 12345),
            "ISK": (500, 50000),
            "CLP": (500, 50000),
            "CVE": (50000, 500),
            "IDR": (50000, 500),
        }
    )
    golden: Mapping[Scenario, Mapping[str, Any]] = MappingProxyType(
        {
            "declined": {
                "state": "declined",
                "scheme_code": "51",
                "advice_code": None,
                "processor_code": "adyen:12",
                "processor_advice": None,
                "reached_network": True,
                "fault": None,
                "network_attempts": 1,
            },
            "lost_card": {
                "state": "declined",
                "scheme_code": "41",
                "advice_code": None,
                "processor_code": "adyen:5",
            },
            "advice": {"scheme_code": "05", "advice_code": "03", "processor_code": "adyen:2"},
            "blocked": {"scheme_code": None, "processor_code": "adyen:20", "risk": "100"},
        }
    )

    unlike = MappingProxyType({
        48: "its signature has no time: each notice is read once, by its id",
    })  # fmt: skip

    async def _serve(self) -> None:
        await super()._serve()
        self.secrets = (KEY, SECRET, _SHOPPER)
        self.standin.account.multicapture = True

    def _make(self, url: str) -> Processor:
        from recoup_connectors.adyen.connector import Adyen

        keys = (SECRET, _ROLLED)
        return Adyen(
            key=KEY,
            account=MERCHANT,
            url=url,
            notice_secrets=keys,
            clocks=self.clocks,
            multicapture=True,
        )

    def credential(self, scenario: Scenario) -> Credential:
        stored = self.standin.account.store(_HOLDERS[scenario], _SHOPPER)
        if scenario == "gone":
            self.standin.account.disable(stored["id"])
        self.secrets += (stored["id"],)
        return Stored(
            "adyen",
            stored["id"],
            _SHOPPER,
            "mastercard" if stored["brand"] == "mc" else stored["brand"],
        )

    def taken(self) -> int:
        return sum(one["result"] == "Authorised" for one in self.standin.book.all("payment"))

    def wire_amounts(self) -> list[int]:
        return [one["amount"]["value"] for one in self.standin.book.all("payment")][::-1]

    async def modify(self, message: ModificationMessage) -> Outcome:
        return self._decided(message, await super().modify(message))

    async def inquire(self, message: Charge | ModificationMessage, **more: Any) -> Outcome:
        found = await super().inquire(message, **more)
        return self._decided(message, found) if isinstance(message, ModificationMessage) else found

    def _decided(self, message: ModificationMessage, answer: Outcome) -> Outcome:
        """Received is no result: the newest notice of it is."""
        self.standin.send_notices()
        for posted in (
            self.standin.posted if answer.state == "unknown" and not answer.contradicts else []
        ):
            for one in self.read(posted.headers, posted.body):
                if one.message_id == message.key and one.outcome is not None:
                    answer = as_requested(one.outcome, message.units, message.currency)
        return answer

    def fail_last_refund(self) -> None:
        self.standin.account.fail_refund(next(self.standin.book.all("modification"))["id"])

    async def booked(self) -> tuple[int, int]:
        self.standin.account.close_batch()
        lines = await self.lines()
        hold("fee" in {line.type for line in lines}, "the fee has no line")
        return sum(line.units for line in lines), sum(
            one["net"] for one in self.standin.book.all("line")
        )

    def notice(self, about: UUID | None, **more: Any) -> bytes:
        item = {
            "eventCode": "AUTHORISATION",
            "success": "true",
            "pspReference": more.get("id", "P000000000000001"),
            "merchantReference": str(about) if about else "somebody-elses",
            "merchantAccountCode": more.get("account", MERCHANT),
            "amount": {"value": 4590, "currency": "USD"},
            "eventDate": (more.get("at") or self.clocks.wall()).isoformat(),
        }
        plain = {
            "live": str(more.get("live", False)).lower(),
            "notificationItems": [{"NotificationRequestItem": item}],
        }
        return json.dumps(plain).encode()

    def signed(
        self, body: bytes, *, secret: str | None = None, at: datetime | None = None
    ) -> dict[str, str]:
        return {}

    def posted(
        self, body: bytes, *, secret: str | None = None, at: datetime | None = None
    ) -> Posted:
        """Signed item by item; what has none is signed as a whole, as notices of stored cards
        are."""
        key = {None: SECRET, OTHER: _FOREIGN}.get(secret, secret or "")
        try:
            plain = json.loads(body)
            items = [one["NotificationRequestItem"] for one in plain["notificationItems"]]
        except (ValueError, TypeError, KeyError):
            return Posted(body, {"hmacsignature": token_notice({}, key).headers["hmacsignature"]})
        for one in items:
            one["additionalData"] = {"hmacSignature": signature(one, key)}
        return Posted(json.dumps(plain).encode() + b" " * (len(body) - len(body.rstrip())), {})

    def rolled(self, body: bytes) -> list[Posted]:
        return [self.posted(body), self.posted(body, secret=_ROLLED)]

    def changed(self, posted: Posted) -> Posted:
        return Posted(posted.body.replace(b"4590", b"4591"), posted.headers)

    def no_notices(self) -> list[Posted]:
        """A batch whose second item is signed by nobody, or is none."""
        good, other = (json.loads(self.posted(self.notice(new_id())).body) for _ in range(2))
        (second,) = other["notificationItems"]
        second["NotificationRequestItem"]["success"] = "false"
        mixed = good | {"notificationItems": good["notificationItems"] + [second]}
        bad = good | {"notificationItems": good["notificationItems"] + [{"bad": 1}]}
        none = batch([], SECRET)
        return [
            *super().no_notices(),
            none,
            *(Posted(json.dumps(one).encode(), {}) for one in (mixed, bad)),
        ]

    def live_connection(self) -> Connection:
        url = "https://a-b-checkout-live.adyenpayments.com"
        return Connection("x", url, "k" * 20, account=MERCHANT, world="sandbox")
