"""Each kind of route as the story of kills needs it: its stand-in, its methods, and its book."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from tests.flows.test_adyen_story import OfAdyen
from tests.flows.test_braintree_story import OfBraintree
from tests.flows.test_nmi_story import OfNmi
from tests.flows.test_stripe_story import OfStripe
from tests.kills.vendor_story import Route, stored

from recoup.gateways.cards.kinds import Connection
from recoup.gateways.cards.port import StatementLine
from recoup.lab.processors import bridge
from recoup.lab.processors.adyen.account import MERCHANT
from recoup.lab.processors.adyen.server import KEY as ADYEN_KEY
from recoup.lab.processors.adyen.server import SECRET as ADYEN_SECRET
from recoup.lab.processors.braintree.server import ACCOUNTS, PRIVATE, PUBLIC
from recoup.lab.processors.bridge import BridgeStandIn
from recoup.lab.processors.faults import Faults
from recoup.lab.processors.nmi.server import KEY as NMI_KEY
from recoup.lab.processors.nmi.server import SECRET as NMI_SECRET
from recoup.lab.processors.serving import Posted
from recoup.lab.processors.stripe.server import KEY as STRIPE_KEY
from recoup.lab.processors.stripe.server import SECRET as STRIPE_SECRET
from recoup.rules.network.magic import script_card

_FAULTS: Final = ("lost", "never", "saved_500")


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
        found = [one["id"] for one in self.standin.book.all(kind) if one.get(name) == value and self._took(one)]
        assert len(found) == 1
        return str(found[0])

    def _took(self, one: dict[str, Any]) -> bool:
        return True


class StripeRoute(_Vendor):
    kind = "stripe"

    def __init__(self) -> None:
        self.story = OfStripe()

    def connection(self) -> Connection:
        return Connection("stripe", self.standin.url, STRIPE_KEY, STRIPE_SECRET, acceptor="acct_1")

    def dispute(self, attempt_id: str) -> None:
        charges = self.standin.book.all("charge")
        (id,) = [c["id"] for c in charges if c["metadata"]["recoup_id"] == attempt_id and c["status"] == "succeeded"]
        self.standin.account.dispute(id)

    def win(self) -> None:
        for case in list(self.standin.book.all("dispute")):
            assert case["status"] == "under_review"
            won = self.standin.book.put(case | {"status": "won"})
            self.standin.account._move("adjustment", won["amount"], 0, won["currency"], won["id"])
            self.standin.account._tell("charge.dispute.closed", won)


class AdyenRoute(_Vendor):
    kind, methods, answer = "adyen", "stored", "holder"

    def __init__(self) -> None:
        self.story = OfAdyen()

    def connection(self) -> Connection:
        return Connection("adyen", self.standin.url, ADYEN_KEY, ADYEN_SECRET, MERCHANT, "acct_1")

    def dispute(self, attempt_id: str) -> None:
        self.standin.account.dispute(self._one("payment", "reference", attempt_id))

    def win(self) -> None:
        for case in list(self.standin.book.all("dispute")):
            assert case["state"] == "defended"
            self.standin.account.win(case["id"])


class BraintreeRoute(_Vendor):
    kind = "braintree"

    def __init__(self) -> None:
        self.story = OfBraintree()

    def connection(self) -> Connection:
        accounts = " ".join(f"{currency}={id}" for id, currency in ACCOUNTS.items())
        return Connection("braintree", self.standin.address, f"{PUBLIC}:{PRIVATE}", "", accounts, "acct_1")

    def dispute(self, attempt_id: str) -> None:
        self.standin.account.dispute(self._one("transaction", "orderId", attempt_id))

    def win(self) -> None:
        for case in list(self.standin.book.all("dispute")):
            assert case["status"] == "DISPUTED"
            self.standin.account.win_dispute(case["id"])


class NmiRoute(_Vendor):
    """Its disputes are the acquirer's: nothing of them comes by NMI."""

    kind, methods, disputes, on = "nmi", "vault", False, "transact.php"

    def __init__(self) -> None:
        self.story = OfNmi()

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
    kind, kinds = "bridge", _FAULTS

    async def start(self, folder: Path, faults: Faults) -> None:
        self.standin = await _Bridge(faults).start()
        self.cases, self._posted = dict[str, dict[str, Any]](), list[Posted]()

    def notices(self) -> list[Posted]:
        found, self._posted = self._posted, []
        return found

    def dispute(self, attempt_id: str) -> None:
        charge = self.standin.charges[attempt_id]
        self.cases[attempt_id] = {
            "caseId": f"case-{attempt_id}",
            "merchantId": charge["merchantId"],
            "chargeId": attempt_id,
            "stage": "first",
            "amount": charge["captured"] - charge["refunded"],
            "currency": charge["currency"],
        }
        self._tell(attempt_id, "open")

    def win(self) -> None:
        assert len(self.standin.answered) == len(self.cases)
        for attempt_id in self.cases:
            self._tell(attempt_id, "won")

    def _tell(self, attempt_id: str, status: str) -> None:
        notice = self.cases[attempt_id] | {"noticeId": f"{status}-{attempt_id}", "status": status}
        self._posted.append(Posted(json.dumps(notice).encode(), {}))

    def connection(self) -> Connection:
        return Connection("bridge", self.standin.url, bridge.SECRET, acceptor="acct_1", world="sandbox")

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
            StatementLine(UUID(id), f"ref-{id[-6:]}", "charge", one["captured"], one["currency"], at)
            for id, one in self.standin.charges.items()
        ]
        back = [
            StatementLine(UUID(one["id"]), "done", "refund", one["amount"], one["currency"], at)
            for one in self.standin.refunds
        ]
        moved = [
            StatementLine(None, case["caseId"], type, sign * case["amount"], case["currency"], at)
            for case in self.cases.values()
            for type, sign in (("dispute", -1), ("dispute_won", 1))
        ]
        return took + back + moved


ROUTES: Final = {one.kind: one for one in (BridgeRoute, StripeRoute, AdyenRoute, BraintreeRoute, NmiRoute)}
