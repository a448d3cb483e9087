"""What somebody does at a vendor beside us, in each vendor's own way, and its notices as they go
out."""

from abc import abstractmethod
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from connectors.test_adyen_story import OfAdyen
from connectors.test_braintree_story import OfBraintree
from connectors.test_nmi_story import OfNmi
from connectors.test_stripe_story import OfStripe

from recoup.bank.rules.matching import KINDS
from recoup_connectors.adyen.connector import Adyen
from recoup_connectors.nmi.connector import Nmi
from recoup_connectors.stripe.connector import Stripe
from recoup_lab.processors.adyen.account import MERCHANT
from recoup_lab.processors.adyen.server import KEY as ADYEN_KEY
from recoup_lab.processors.adyen.server import SECRET as ADYEN_SECRET
from recoup_lab.processors.nmi.server import KEY as NMI_KEY
from recoup_lab.processors.nmi.server import SECRET as NMI_SECRET
from recoup_lab.processors.serving import Posted
from recoup_lab.processors.stripe.server import KEY as STRIPE_KEY
from recoup_lab.processors.stripe.server import SECRET as STRIPE_SECRET

FEES_RETURN = "fee_returned" in KINDS["processor"]


class AtVendor(Protocol):
    """`reference`: of the charge, as its answer named it. Amounts in cents of USD."""

    name: str
    standin: Any

    @abstractmethod
    def refund(self, reference: str, units: int, key: str = "") -> str:
        """Its id."""

    def fail(self, refund: str) -> None:
        """Days later the money comes back."""
        self.standin.account.fail_refund(refund)

    @abstractmethod
    def void(self, reference: str) -> None: ...

    @abstractmethod
    def capture(self, reference: str, units: int) -> None: ...

    def capture_fails(self, reference: str) -> None:
        raise NotImplementedError

    def disputed(self, reference: str) -> None:
        self.standin.account.dispute(reference)

    def costs(self) -> None:
        """A fee of the account, a part of it given back, and a payout,
        where the vendor has such."""

    @abstractmethod
    def balance(self) -> int:
        """What the vendor holds for us."""

    def collect(self) -> None:
        """Keeps what goes out with our own calls, too."""
        self.standin.send_notices = self._collect
        self._posted = list[Posted]()

    def _collect(self, *, times: int = 1) -> None:
        self._posted += self.standin.notices() * times

    def notices(self) -> list[Posted]:
        """Those since it was last asked, oldest first."""
        self._collect()
        found, self._posted = self._posted, []
        return [self.standin.signed_anew(one) for one in found]


class AtStripe(AtVendor, OfStripe):
    def connector(self) -> Any:
        return Stripe(key=STRIPE_KEY, url=self.standin.url, notice_secrets=(STRIPE_SECRET,))

    def refund(self, reference: str, units: int, key: str = "") -> str:
        metadata = {"metadata": {"recoup_id": key}} if key else {}
        made = self.standin.account.refund(
            {"payment_intent": reference, "amount": str(units)} | metadata
        )
        return str(made["id"])

    def void(self, reference: str) -> None:
        self.standin.account.cancel(reference)

    def capture(self, reference: str, units: int) -> None:
        self.standin.account.capture(reference, {"amount_to_capture": str(units)})

    def disputed(self, reference: str) -> None:
        intent = self.standin.book.get("payment_intent", reference)
        self.standin.account.dispute(intent["latest_charge"])

    def costs(self) -> None:
        account = self.standin.account
        account._move("stripe_fee", -500, 0, "usd", "", "fee")
        if FEES_RETURN:
            account._move("stripe_fee", 30, 0, "usd", "", "fee")
        self._paid_out = sum(one["net"] for one in self.standin.book.all("balance_transaction"))
        account._move("payout", -self._paid_out, 0, "usd", "po_standin00000001")

    def balance(self) -> int:
        return self._paid_out


class AtAdyen(AtVendor, OfAdyen):
    def connector(self) -> Any:
        return Adyen(
            key=ADYEN_KEY, account=MERCHANT, url=self.standin.url, notice_secrets=(ADYEN_SECRET,)
        )

    def _modify(self, reference: str, verb: str, units: int, key: str = "") -> str:
        amount = {"value": units, "currency": "USD"}
        form = {"merchantAccount": MERCHANT, "reference": key or "customer asked", "amount": amount}
        return str(self.standin.account.modify(reference, verb, form)["pspReference"])

    def refund(self, reference: str, units: int, key: str = "") -> str:
        return self._modify(reference, "refunds", units, key)

    def void(self, reference: str) -> None:
        self._modify(reference, "cancels", 0)

    def capture(self, reference: str, units: int) -> None:
        self._modify(reference, "captures", units)

    def capture_fails(self, reference: str) -> None:
        account = self.standin.account
        payment = account._need("payment", reference, "167", "unknown")
        amount = payment["amount"] | {"value": payment["captured"]}
        made = account._new(
            "modification",
            payment=reference,
            verb="captures",
            reference="",
            amount=amount,
            done=False,
        )
        account.book.put(payment | {"captured": 0})
        account._line("SettledReversed", payment, -payment["captured"], 0, by=made)
        account._notify(
            "CAPTURE_FAILED", payment["reference"], amount, psp=made["id"], about=reference
        )

    def costs(self) -> None:
        self._of_account("Fee", -500, "Transaction Fees November 2026")
        if FEES_RETURN:
            self._of_account("InvoiceDeduction", 30, "Invoice 1 Discounts and additional costs")
        self._paid_out = sum(one["net"] for one in self.standin.book.all("line"))
        self._of_account("MerchantPayout", -self._paid_out, "TX1 batch 1, StandInECOM")

    def _of_account(self, type: str, net: int, text: str) -> None:
        values = {
            "gross": 0,
            "cost": 0,
            "net": net,
            "currency": "USD",
            "by": text,
            "own": "",
            "batch": None,
        }
        self.standin.account._new("line", type=type, payment="", reference="", **values)

    def balance(self) -> int:
        return self._paid_out


class AtBraintree(AtVendor, OfBraintree):
    def refund(self, reference: str, units: int, key: str = "") -> str:
        self.standin.account.advance()
        form = {"amount": f"{units / 100:.2f}", "orderId": key or None}
        return str(self.standin.account.refund({"transactionId": reference, "refund": form})["id"])

    def void(self, reference: str) -> None:
        self.standin.account.reverse({"transactionId": reference})

    def capture(self, reference: str, units: int) -> None:
        form = {"amount": f"{units / 100:.2f}"}
        self.standin.account.capture({"transactionId": reference, "transaction": form})

    def capture_fails(self, reference: str) -> None:
        account = self.standin.account
        one = account._to(
            account.need("transaction", reference), "SETTLEMENT_DECLINED", "SettlementDeclinedEvent"
        )
        account.notices.append(("transaction_settlement_declined", one))

    def balance(self) -> int:
        moved = self.standin.book.all("movement")
        return sum(int((Decimal(one["amount"]) - Decimal(one["fee"])) * 100) for one in moved)


class AtNmi(AtVendor, OfNmi):
    def connector(self) -> Any:
        return Nmi(url=self.standin.address, key=NMI_KEY, notice_secrets=(NMI_SECRET,))

    def refund(self, reference: str, units: int, key: str = "") -> str:
        self.standin.account.advance()
        form = {"transactionid": reference, "amount": f"{units / 100:.2f}"} | (
            {"orderid": key} if key else {}
        )
        return str(self.standin.account.refund(form)[0]["id"])

    def void(self, reference: str) -> None:
        self.standin.account.void({"transactionid": reference})

    def capture(self, reference: str, units: int) -> None:
        self.standin.account.capture({"transactionid": reference, "amount": f"{units / 100:.2f}"})

    def disputed(self, reference: str) -> None:
        """The acquirer tells of it, not NMI."""

    def balance(self) -> int:
        return sum(
            int(Decimal(one["gross"]) * 100)
            for one in self.standin.moved()
            if one["kind"] == "settle"
        )


VENDORS: tuple[type[Any], ...] = (AtStripe, AtAdyen, AtBraintree, AtNmi)


async def reference_of(shop: Any, order_id: UUID) -> str:
    query = "SELECT reference FROM attempts WHERE order_id = $1 AND state = 'approved'"
    return str(await shop.value(query, order_id))
