"""The story by NMI."""

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
from recoup_connectors.nmi.connector import Nmi
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.nmi.server import KEY, StandIn


class OfNmi(Vendor):
    name = "nmi"
    on = "transact.php"
    calls = 3
    standin: StandIn

    async def start(self, folder: Path, faults: Faults) -> None:
        self.standin = await StandIn(folder / "nmi.sqlite", faults=faults).start()

    def connector(self) -> Any:
        return Nmi(url=self.standin.address, key=KEY)

    def method(self, *, declines: bool) -> Stored:
        made = self.standin.account.make_vault("insufficient_funds" if declines else "visa")
        return Stored("nmi", made["id"], None, "visa")

    def taken(self) -> Counter[str]:
        taken = Counter[str]()
        for one in self._all("sale", "auth"):
            last = next(
                act for act in reversed(one["actions"]) if act["action_type"] in ("sale", "capture")
            )
            taken[one["order_id"]] += int(Decimal(last["amount"]) * 100)
        return taken

    def given_back(self) -> list[tuple[str, int]]:
        return [(one["order_id"], _units(one)) for one in self._all("refund")]

    def _all(self, *types: str) -> list[dict[str, Any]]:
        listed = self.standin.book.all("transaction")
        moved = [one for one in listed if one["condition"] in ("pendingsettlement", "complete")]
        return [one for one in moved if one["actions"][0]["action_type"] in types]

    def settle(self) -> None:
        self.standin.account.advance()


def _units(one: dict[str, Any]) -> int:
    return int(Decimal(one["actions"][0]["amount"]) * 100)


@pytest.mark.prove("connectors")
@deep("connectors")
def test_the_vendors_book_and_ours_agree_to_the_unit(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Nmi, "settled_after", timedelta(seconds=0.5))
    tell(OfNmi(), server, monkeypatch, tmp_path)
