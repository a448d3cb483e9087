"""The story by Stripe."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.rings import deep
from tests.vendor_story import Vendor, tell

from recoup.db.server import ServerAddress
from recoup.processors.gateways.credential import Stored
from recoup_connectors.stripe import charges
from recoup_connectors.stripe.connector import Stripe
from recoup_connectors.stripe.outcomes import UNCAPTURED
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.stripe.server import KEY, StandIn


class OfStripe(Vendor):
    name = "stripe"
    standin: StandIn

    async def start(self, folder: Path, faults: Faults) -> None:
        self.standin = await StandIn(folder / "stripe.sqlite", faults=faults).start()
        self._customer = self.standin.account.make_customer({})["id"]

    def connector(self) -> Any:
        return Stripe(key=KEY, url=self.standin.url)

    def method(self, *, declines: bool) -> Stored:
        name = "pm_card_visa_chargeDeclinedInsufficientFunds" if declines else "pm_card_visa"
        made = self.standin.account.attach(name, {"customer": self._customer})
        return Stored("stripe", made["id"], self._customer, "visa")

    def taken(self) -> Counter[str]:
        taken = Counter[str]()
        for one in self.standin.book.all("charge"):
            if one["status"] == "succeeded":
                taken[one["metadata"]["recoup_id"]] += one["amount_captured"]
        return taken

    def given_back(self) -> list[tuple[str, int]]:
        book = self.standin.book
        moves = {
            one["source"]: one["reporting_category"] for one in book.all("balance_transaction")
        }
        refunds = [one for one in book.all("refund") if moves.get(one["id"]) != UNCAPTURED]
        return [(one["metadata"]["recoup_id"], one["amount"]) for one in refunds]

    def settle(self) -> None:
        """It books at once."""


@deep("connectors")
def test_the_vendors_book_and_ours_agree_to_the_unit(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(charges, "CANCEL_AFTER", timedelta(seconds=0.5))
    monkeypatch.setattr(Stripe, "settled_after", timedelta(seconds=0.5))
    tell(OfStripe(), server, monkeypatch, tmp_path)
