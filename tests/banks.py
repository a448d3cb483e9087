"""Routes whose processors ask a customer to confirm on a page of their own, and the browser of such
a customer."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
from tests.worlds import Shop

from recoup.kernel.ids import new_id
from recoup.networks.magic import script_card
from recoup.orders.flows.hosted_link import PAYER_RETURN, named_by
from recoup.processors.gateways.bridge import Bridge
from recoup.processors.gateways.credential import Stored
from recoup.rescue.flows.challenge import ChallengePage, come_back, show
from recoup_connectors.adyen.connector import Adyen
from recoup_connectors.stripe.connector import Stripe
from recoup_lab.processors.adyen.account import MERCHANT
from recoup_lab.processors.adyen.server import KEY as ADYEN_KEY
from recoup_lab.processors.adyen.server import SECRET as ADYEN_SECRET
from recoup_lab.processors.adyen.server import StandIn as AdyenStandIn
from recoup_lab.processors.bridge import SECRET, BridgeStandIn
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.stripe.server import KEY as STRIPE_KEY
from recoup_lab.processors.stripe.server import StandIn as StripeStandIn


class Bank(ABC):
    """A stand-in with its connector. `wants`: members of a request whose card the bank wants
    confirmed; `taken`: what its book took, each charge."""

    name: str

    def __init__(self) -> None:
        self.faults = Faults(1)

    @abstractmethod
    async def start(self, folder: Path) -> Any: ...

    @abstractmethod
    async def stop(self) -> None: ...

    @abstractmethod
    def wants(self) -> dict[str, Any]: ...

    @abstractmethod
    def taken(self) -> list[int]: ...

    @abstractmethod
    def left_open(self) -> int:
        """Charges that somebody could still confirm."""

    def browsers(self) -> list[dict[str, Any] | None]:
        """What it was told of those that were to confirm, of a processor whose book shows that."""
        return []


class OfBridge(Bank):
    name = "bridge"

    async def start(self, folder: Path) -> Any:
        self.standin = await BridgeStandIn(self.faults).start()
        return Bridge(
            self.standin.url,
            secret=SECRET,
            acceptor_id="sandbox",
            name="bridge",
            authenticates=True,
        )

    async def stop(self) -> None:
        await self.standin.stop()

    def wants(self) -> dict[str, Any]:
        pan = script_card("visa", "51", 0)
        self.standin.guarded.add(pan)
        return {"pan": pan}

    def taken(self) -> list[int]:
        return [one["amount"] for one in self.standin.charges.values()]

    def left_open(self) -> int:
        return sum(one["state"] == "awaiting_payer" for one in self.standin.messages.values())


class OfStripe(Bank):
    name = "stripe"

    async def start(self, folder: Path) -> Any:
        self.standin = await StripeStandIn(folder / "stripe.sqlite", faults=self.faults).start()
        return Stripe(key=STRIPE_KEY, url=self.standin.url)

    async def stop(self) -> None:
        await self.standin.stop()

    def wants(self) -> dict[str, Any]:
        account = self.standin.account
        customer = f"cus_{new_id().hex}"  # nobody else's, whose book was another's before
        self.standin.book.put(account.make_customer({}) | {"id": customer})
        made = account.attach("pm_card_authenticationRequired", {"customer": customer})
        made["id"] = f"pm_{new_id().hex}"
        made["card"]["fingerprint"] = (
            f"fp_{made['id']}"  # a card of its own, for the networks' limits
        )
        self.standin.book.put(made)
        return {"pan": None, "method": Stored("stripe", made["id"], customer)}

    def taken(self) -> list[int]:
        return [
            one["amount_captured"]
            for one in self.standin.book.all("charge")
            if one["status"] == "succeeded"
        ]

    def left_open(self) -> int:
        done = ("succeeded", "canceled")
        given = [one for one in self.standin.book.all("payment_intent") if one.get("return_url")]
        open_ones = [
            one
            for one in self.standin.book.all("payment_intent")
            if one["status"] == "requires_action"
        ]
        return len(open_ones) + sum(one["status"] not in done for one in given)


class OfAdyen(Bank):
    name = "adyen"

    async def start(self, folder: Path) -> Any:
        self.standin = await AdyenStandIn(folder / "adyen.sqlite", faults=self.faults).start()
        return Adyen(
            key=ADYEN_KEY, account=MERCHANT, url=self.standin.url, notice_secrets=(ADYEN_SECRET,)
        )

    async def stop(self) -> None:
        await self.standin.stop()

    def wants(self) -> dict[str, Any]:
        shopper = f"shopper-{new_id().hex}"
        made = self.standin.account.store("AUTHENTICATION_REQUIRED", shopper)
        made["id"] = f"S{new_id().hex}"
        self.standin.book.put(made | {"alias": f"H{made['id']}"})
        return {"pan": None, "method": Stored("adyen", made["id"], shopper)}

    def taken(self) -> list[int]:
        return [one["captured"] for one in self.standin.book.all("payment") if one["captured"]]

    def left_open(self) -> int:
        return sum(
            one["state"] in ("waiting", "returned") for one in self.standin.book.all("redirect")
        )

    def browsers(self) -> list[dict[str, Any] | None]:
        return [one["form"].get("browserInfo") for one in self.standin.book.all("redirect")][::-1]


BANKS: tuple[type[Bank], ...] = (OfBridge, OfStripe, OfAdyen)


async def at_bank(page: ChallengePage, button: str) -> str:
    """The customer opens the bank's page and presses a button; where it sends them back to."""
    assert page.bank_url is not None
    async with httpx.AsyncClient() as browser:
        shown = await browser.get(page.bank_url)
        assert (shown.status_code, "Authenticate" in shown.text) == (200, True)
        sent = await browser.post(page.bank_url, data={"result": button})
        assert sent.status_code == 303
        return sent.headers["location"]


async def back(shop: Shop, url: str, **forged: str) -> ChallengePage:
    """They come back by that address. `forged`: what somebody wrote into it."""
    parts = urlsplit(url)
    assert parts.path.startswith("/checkout/return/")
    named = named_by(shop.world, PAYER_RETURN, parts.path.rpartition("/")[2])
    assert named is not None
    query = dict(parse_qsl(parts.query)) | forged
    order_id: UUID = await come_back(shop.world, shop.orders, *named, query, "test")
    return await show(shop.world, shop.merchant_id, order_id)
