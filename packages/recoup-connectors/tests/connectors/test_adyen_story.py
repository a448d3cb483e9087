"""The story by Adyen, whose refunds end by its notices only; each comes twice."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.rings import deep
from tests.vendor_story import Vendor, tell
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.notices.flows.receive import take
from recoup.processors.gateways.credential import Stored
from recoup_connectors.adyen.connector import Adyen
from recoup_lab.processors.adyen.account import MERCHANT
from recoup_lab.processors.adyen.server import KEY, SECRET, StandIn
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.serving import Posted


class OfAdyen(Vendor):
    name = "adyen"
    calls = 2
    standin: StandIn

    async def start(self, folder: Path, faults: Faults) -> None:
        self.standin = await StandIn(folder / "adyen.sqlite", faults=faults).start()
        self._waiting = list[Posted]()

    def connector(self) -> Any:
        return Adyen(key=KEY, account=MERCHANT, url=self.standin.url, notice_secrets=(SECRET,))

    def method(self, *, declines: bool) -> Stored:
        made = self.standin.account.store("NOT_ENOUGH_BALANCE" if declines else "visa", "shopper-1")
        return Stored("adyen", made["id"], "shopper-1", "visa")

    def taken(self) -> Counter[str]:
        taken = Counter[str]()
        for one in self.standin.book.all("payment"):
            if one["result"] == "Authorised":
                taken[one["reference"]] += one["captured"]
        return taken

    def given_back(self) -> list[tuple[str, int]]:
        made = [
            one
            for one in self.standin.book.all("modification")
            if one["verb"] == "refunds" and one["done"]
        ]
        return [(one["reference"], one["amount"]["value"]) for one in made]

    def settle(self) -> None:
        self.standin.account.close_batch()

    async def pass_on(self, shop: Shop) -> None:
        """What is to be sent again is."""
        self.standin.send_notices()
        self._waiting += self.standin.posted * 2
        self.standin.posted.clear()
        again = list[Posted]()
        for one in self._waiting:
            try:
                await take(shop.world, shop.orders, self.name, one.headers, one.body)
            except Problem as problem:
                if problem.code != "unavailable":
                    raise
                again.append(one)
        self._waiting = again


@pytest.mark.prove("connectors")
@deep("connectors")
def test_the_vendors_book_and_ours_agree_to_the_unit(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Adyen, "settled_after", timedelta(seconds=0.5))
    vendor, run_due = OfAdyen(), Shop.run_due

    async def with_notices(shop: Shop, *given: Any, **more: Any) -> Any:
        done = await run_due(shop, *given, **more)
        await vendor.pass_on(shop)
        return done

    monkeypatch.setattr(Shop, "run_due", with_notices)
    tell(vendor, server, monkeypatch, tmp_path)
