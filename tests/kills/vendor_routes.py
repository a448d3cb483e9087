"""Each kind of route as the story of kills needs it: its stand-in, its methods, and its book."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from connectors.test_adyen_story import OfAdyen
from connectors.test_braintree_story import OfBraintree
from connectors.test_nmi_story import OfNmi
from connectors.test_stripe_story import OfStripe
from tests.kills.vendor_story import Route, stored

from recoup.networks.magic import script_card
from recoup.processors.gateways.kinds import Connection
from recoup.processors.gateways.port import StatementLine
from recoup_lab.processors import bridge
from recoup_lab.processors.adyen.account import MERCHANT
from recoup_lab.processors.adyen.server import KEY as ADYEN_KEY
from recoup_lab.processors.adyen.server import SECRET as ADYEN_SECRET
from recoup_lab.processors.braintree.server import ACCOUNTS, PRIVATE, PUBLIC
from recoup_lab.processors.bridge import BridgeStandIn
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.nmi.server import KEY as NMI_KEY
from recoup_lab.processors.nmi.server import SECRET as NMI_SECRET
from recoup_lab.processors.serving import Posted
from recoup_lab.processors.stripe.server import KEY as STRIPE_KEY
from recoup_lab.processors.stripe.server import SECRET as STRIPE_SECRET

_FAULTS: Final = ("lost", "never", "saved_500")


class _Acquirer:
    """Tells of disputes by the installation's own key, and keeps what it told."""

    def __init__(self) -> None:
        self.cases, self.ended, self._posted = (
            dict[str, dict[str, Any]](),
            dict[str, str](),
            list[Posted](),
        )

    def told(self) -> list[Posted]:
        found, self._posted = self._posted, []
        return found

    def open(self, key: str, merchant_id: str, units: int, currency: str) -> None:
        self.cases[key] = {
            "caseId": f"case-{key}",
            "merchantId": merchant_id,
            "chargeId": key,
            "stage": "first",
            "amount": units,
            "currency": currency,
        }
        self._tell(key, "open")

    def end(self, key: str, *, won: bool) -> None:
        self.ended[key] = "won" if won else "lost"
        self._tell(key, self.ended[key])

    def _tell(self, key: str, status: str) -> None:
        notice = self.cases[key] | {"noticeId": f"{status}-{key}", "status": status}
        self._posted.append(Posted(json.dumps(notice).encode(), {}))

    def lines(self, at: datetime) -> list[StatementLine]:
        moved = [(one, "dispute", -one["amount"]) for one in self.cases.values()]
        moved += [
            (one, "dispute_won", one["amount"])
            for id, one in self.cases.items()
            if self.ended.get(id) == "won"
        ]
        return [
            StatementLine(None, one["caseId"], type, units, one["currency"], at)
            for one, type, units in moved
        ]


class _Vendor(Route):
    """By the story of its own, which knows the book."""

    story: Any
    kinds = _FAULTS
    declines = "insufficient_funds"
    methods = "payment_method"
    answer = "answer"

    async def start(self, folder: Path, faults: Faults) -> None:
        await self.story.start(folder, faults)
        self.standin = self.story.standin
        self._posted = list[Posted]()
        self.standin.send_notices = self._collect

    def _collect(self, *, times: int = 1) -> None:
        self._posted += self.standin.notices() * times

    def notices(self) -> list[Posted]:
        self._collect()
        found, self._posted = self._posted, []
        return found

    def credential(self, number: int) -> dict[str, Any]:
        method = self.story.method(declines=True)
        return stored(self.kind, method.id, method.customer)

    def approve_all(self) -> None:
        for one in list(self.standin.book.all(self.methods)):
            self.standin.book.put(one | {self.answer: "visa"})

    def taken(self) -> Counter[str]:
        found: Counter[str] = self.story.taken()
        return found

    def given_back(self) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = self.story.given_back()
        return found

    def settle(self) -> None:
        self.story.settle()

    def _one(self, kind: str, name: str, value: str) -> str:
        """The vendor's id of the charge that has our id there."""
        named = (one for one in self.standin.book.all(kind) if str(one.get(name)).endswith(value))
        found = [one["id"] for one in named if self._took(one)]
        assert len(found) == 1
        return str(found[0])

    def _took(self, one: dict[str, Any]) -> bool:
        return True


class StripeRoute(_Vendor):
    kind, several = "stripe", True

    def __init__(self) -> None:
        self.story = OfStripe()

    def connection(self) -> Connection:
        return Connection("stripe", self.standin.url, STRIPE_KEY, STRIPE_SECRET, acceptor="acct_1")

    def dispute(self, key: str) -> None:
        charges = self.standin.book.all("charge")
        (id,) = [
            c["id"]
            for c in charges
            if c["metadata"]["recoup_id"] == key and c["status"] == "succeeded"
        ]
        self.standin.account.dispute(id)

    def decide(self, key: str, *, won: bool) -> None:
        charges = {
            c["metadata"]["recoup_id"]: c["id"]
            for c in self.standin.book.all("charge")
            if c["paid"]
        }
        cases = self.standin.book.all("dispute")
        case = next(one for one in cases if one["charge"] == charges[key])
        assert case["status"] == "under_review"
        made = self.standin.book.put(case | {"status": "won" if won else "lost"})
        if won:
            self.standin.account._move(
                "adjustment", made["amount"], 0, made["currency"], made["id"]
            )
        self.standin.account._tell("charge.dispute.closed", made)


class AdyenRoute(_Vendor):
    kind, methods, answer = "adyen", "stored", "holder"
    several = True

    def __init__(self) -> None:
        self.story = OfAdyen()

    async def start(self, folder: Path, faults: Faults) -> None:
        await super().start(folder, faults)
        self.standin.account.multicapture = self.several

    def connection(self) -> Connection:
        address = self.standin.url
        return Connection(
            "adyen", address, ADYEN_KEY, ADYEN_SECRET, MERCHANT, "acct_1", multicapture=self.several
        )

    def dispute(self, key: str) -> None:
        self.standin.account.dispute(self._one("payment", "reference", key))

    def decide(self, key: str, *, won: bool) -> None:
        payment = self._one("payment", "reference", key)
        case = next(one for one in self.standin.book.all("dispute") if one["payment"] == payment)
        assert case["state"] == "defended"
        (self.standin.account.win if won else self.standin.account.lose)(case["id"])


class BraintreeRoute(_Vendor):
    kind = "braintree"

    def __init__(self) -> None:
        self.story = OfBraintree()

    def connection(self) -> Connection:
        accounts = " ".join(f"{currency}={id}" for id, currency in ACCOUNTS.items())
        return Connection(
            "braintree", self.standin.address, f"{PUBLIC}:{PRIVATE}", "", accounts, "acct_1"
        )

    def dispute(self, key: str) -> None:
        self.standin.account.dispute(self._one("transaction", "orderId", key))

    def decide(self, key: str, *, won: bool) -> None:
        charge = self._one("transaction", "orderId", key)
        case = next(
            one for one in self.standin.book.all("dispute") if one["transaction"]["id"] == charge
        )
        assert case["status"] == "DISPUTED"
        (self.standin.account.win_dispute if won else self.standin.account.lose_dispute)(case["id"])


class NmiRoute(_Vendor):
    """Its disputes are the acquirer's: nothing of them comes by NMI, and none is answered there."""

    kind, methods, on = "nmi", "vault", "transact.php"
    answers = False

    def __init__(self) -> None:
        self.story, self._acquirer = OfNmi(), _Acquirer()

    def told(self) -> list[Posted]:
        return self._acquirer.told()

    def dispute(self, key: str) -> None:
        self._acquirer.open(key, self.merchant_id, self.taken()[key], "USD")

    def decide(self, key: str, *, won: bool) -> None:
        self._acquirer.end(key, won=won)

    def more_lines(self) -> list[StatementLine]:
        return self._acquirer.lines(datetime.now(UTC))

    def connection(self) -> Connection:
        return Connection("nmi", self.standin.address, NMI_KEY, NMI_SECRET, acceptor="acct_1")


class _Bridge(BridgeStandIn):
    """An operator's, of cards that decline until they approve."""

    declines = True

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self.refunds, self.answered = list[dict[str, Any]](), set[str]()

    def _modified(self, message: dict[str, Any]) -> dict[str, Any]:
        said = super()._modified(message)
        if message["kind"] == "refund" and said["state"] == "approved":
            self.refunds.append(message)
        return said

    def _answer(self, path: str, message: dict[str, Any]) -> dict[str, Any]:
        if path == "dispute-answers":
            self.messages[message["id"]] = {"state": "approved"}
            self.answered.add(message["id"])
        return super()._answer(path, message)

    def _charged(self, message: dict[str, Any]) -> dict[str, Any]:
        return super()._charged(message | ({"agreement": "declined"} if self.declines else {}))


class BridgeRoute(Route):
    kind, kinds, several = "bridge", _FAULTS, True

    async def start(self, folder: Path, faults: Faults) -> None:
        self.standin, self._acquirer = await _Bridge(faults).start(), _Acquirer()

    def told(self) -> list[Posted]:
        return self._acquirer.told()

    def dispute(self, key: str) -> None:
        charge = self.standin.charges[key]
        left = charge["captured"] - charge["refunded"]
        self._acquirer.open(key, charge["merchantId"], left, charge["currency"])

    def decide(self, key: str, *, won: bool) -> None:
        self._acquirer.end(key, won=won)

    def connection(self) -> Connection:
        url = self.standin.url
        return Connection(
            "bridge", url, bridge.SECRET, acceptor="acct_1", world="sandbox", multicapture=True
        )

    def credential(self, number: int) -> dict[str, Any]:
        return {"pan": script_card("visa", "51", 0, serial=number)}

    def approve_all(self) -> None:
        self.standin.declines = False

    def taken(self) -> Counter[str]:
        return Counter({id: one["captured"] for id, one in self.standin.charges.items()})

    def given_back(self) -> list[tuple[str, int]]:
        return [(one["id"], one["amount"]) for one in self.standin.refunds]

    def our_lines(self) -> list[StatementLine]:
        at = datetime.now(UTC)
        took = [
            StatementLine(UUID(id), f"ref-{id[-6:]}", "charge", part, one["currency"], at)
            for id, one in self.standin.charges.items()
            for part in one["parts"]
        ]
        back = [
            StatementLine(UUID(one["id"]), "done", "refund", one["amount"], one["currency"], at)
            for one in self.standin.refunds
        ]
        return took + back + self._acquirer.lines(at)


ROUTES: Final = {
    one.kind: one for one in (BridgeRoute, StripeRoute, AdyenRoute, BraintreeRoute, NmiRoute)
}
