"""The story by Braintree."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.rings import deep
from tests.vendor_story import Vendor, tell

from recoup.db.server import ServerAddress
from recoup.processors.gateways.credential import Stored
from recoup_connectors.braintree.api import KeyPair
from recoup_connectors.braintree.connector import Braintree
from recoup_lab.processors.braintree.server import ACCOUNTS, PRIVATE, PUBLIC, StandIn
from recoup_lab.processors.faults import Faults


class OfBraintree(Vendor):
    name = "braintree"
    calls = 2
    standin: StandIn

    async def start(self, folder: Path, faults: Faults) -> None:
        self.standin = await StandIn(folder / "braintree.sqlite", faults=faults).start()

    def connector(self) -> Any:
        accounts = {currency: id for id, currency in ACCOUNTS.items()}
        return Braintree(url=self.standin.address, keys=KeyPair(PUBLIC, PRIVATE), accounts=accounts)

    def method(self, *, declines: bool) -> Stored:
        made = self.standin.account.make_method(
            "insufficient_funds" if declines else "visa", "customer"
        )
        return Stored("braintree", made["id"], "customer", "visa")

    def taken(self) -> Counter[str]:
        taken = Counter[str]()
        for one in self.standin.book.all("transaction"):
            if one["status"] in ("SUBMITTED_FOR_SETTLEMENT", "SETTLED"):
                taken[one["orderId"].rpartition(".")[2]] += _units(one)
        return taken

    def given_back(self) -> list[tuple[str, int]]:
        return [(one["orderId"], _units(one)) for one in self.standin.book.all("refund")]

    def settle(self) -> None:
        self.standin.account.advance()


def _units(one: dict[str, Any]) -> int:
    return int(Decimal(one["amount"]["value"]) * 100)


@deep("connectors")
def test_the_vendors_book_and_ours_agree_to_the_unit(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Braintree, "settled_after", timedelta(seconds=0.5))
    tell(OfBraintree(), server, monkeypatch, tmp_path)
