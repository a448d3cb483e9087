"""Account of the stand-in: one method a type of transaction, over the book. What was submitted
settles `settles_after` seconds later."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from recoup_lab.processors.book import Book
from recoup_lab.processors.nmi.cards import CARDS, Answer

Plain = dict[str, Any]
_CONSENT: Final = (
    "initiated_by",
    "stored_credential_indicator",
    "billing_method",
    "sca_exemption",
    "initial_transaction_id",
)
_BRANDS: Final = (
    ("4", "visa"),
    ("5", "mastercard"),
    ("2", "mastercard"),
    ("3", "amex"),
    ("6", "discover"),
)
_SMALL: Final = Decimal(1)


class Refused(Exception):
    """`code`, `text`: of an answer 3."""

    def __init__(self, text: str, code: str = "300") -> None:
        super().__init__(text)
        self.text, self.code = text, code


class Account:
    """`clock`: seconds since 1970."""

    def __init__(self, book: Book, clock: Callable[[], float], *, settles_after: float) -> None:
        self.book, self._clock, self.settles_after = book, clock, settles_after
        self.events: list[
            tuple[str, Plain]
        ] = []  # type and transaction, of the calls since somebody took them

    def stamp(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y%m%d%H%M%S")

    def _new(self, kind: str, first: int, **values: Any) -> Plain:
        id = str(first + self.book.count(kind) + 1)
        while kind == "vault" and self.book.get(kind, id):  # somebody chose it
            id = str(int(id) + 1)
        return self.book.put({"id": id, "object": kind, "created": int(self._clock())} | values)

    def make_vault(
        self, name: str, last4: str = "1111", expires: str = "1234", brand: str = "", id: str = ""
    ) -> Plain:
        """`name`: as its charges are answered."""
        own = {"id": id} if id else {}
        known = brand or CARDS[name].brand
        return self._new(
            "vault", 100_000_000, answer=name, brand=known, last4=last4, expires=expires, **own
        )

    def delete_vault(self, id: str) -> None:
        vault = self.book.get("vault", id) or {"id": id}
        self.book.put(vault | {"object": "deleted"})

    def keep_customer(self, form: Plain) -> tuple[Plain, str]:
        """The card of a form, of which no more than its last digits is kept. `first_name`: as its
        charges are answered, where one of `CARDS` is called so."""
        call, id, number = (
            form["customer_vault"],
            form.get("customer_vault_id", ""),
            form.get("ccnumber", ""),
        )
        known = self.book.get("vault", id) if id else None
        if call != "add_customer" and known is None:
            raise Refused("Invalid Customer Vault Id REFID:12")
        if call == "delete_customer":
            self.delete_vault(id)
            return known or {}, "Customer Deleted"
        if call == "add_customer" and known is not None:
            raise Refused("Duplicate Customer Vault Id REFID:13")
        if number and not (
            number.isascii()
            and number.isdecimal()
            and 12 <= len(number) <= 19
            and _has_luhn(number)
        ):
            raise Refused("Invalid Credit Card Number REFID:14")
        if number and not form.get("ccexp"):
            raise Refused("The ccexp field is required REFID:15")
        name = form.get("first_name") or form.get("firstname") or ""
        brand = next((one for begin, one in _BRANDS if number.startswith(begin)), "visa")
        values = {
            "last4": number[-4:] or "1111",
            "expires": form.get("ccexp", "1234").replace("/", ""),
            "brand": brand,
        }
        if known is not None:
            return self.book.put(known | (values if number else {})), "Customer Update Successful"
        return self.make_vault(name if name in CARDS else "visa", id=id, **values), "Customer Added"

    def advance(self) -> None:
        """Settles what is due."""
        for one in self.book.all("transaction"):
            if one["condition"] == "pendingsettlement" and self._clock() >= one["due"]:
                moved = one["actions"][-1]["amount"]
                self._act(one, "settle", moved, "complete")

    def _act(
        self, one: Plain, type: str, amount: str, condition: str, answer: Answer | None = None
    ) -> Plain:
        answer = answer or Answer()
        action = {
            "action_type": type,
            "success": "1" if answer.response == "1" else "0",
            "amount": amount,
            "date": self.stamp(),
            "response_code": answer.code,
            "response_text": answer.text,
        }
        one["actions"].append(action)
        one |= {"condition": condition, "due": self._clock() + self.settles_after}
        return self.book.put(one)

    def _open(self, form: Plain, currency: str, brand: str = "visa") -> Plain:
        return self._new(
            "transaction",
            10_000_000_000,
            order_id=form.get("orderid", ""),
            description=form.get("order_description", ""),
            vault=form.get("customer_vault_id", ""),
            currency=currency,
            brand=brand,
            condition="in_progress",
            of=form.get("transactionid", ""),
            consent={name: form.get(name) for name in _CONSENT},
            actions=[],
            due=0.0,
        )

    def sell(self, form: Plain) -> tuple[Plain, Answer]:
        vault = self.book.get("vault", form.get("customer_vault_id", ""))
        if vault is None:
            raise Refused("Invalid Customer Vault ID specified REFID:1")
        amount, currency = Decimal(form["amount"]), form.get("currency", "USD")
        answer = CARDS[vault["answer"]]
        if amount < _SMALL:
            answer = Answer(answer.brand, "2", "200", "DECLINE")
        if self._twin(form, vault):
            raise Refused("Duplicate transaction REFID:2")
        hold = form["type"] == "auth"
        one = self._open(form, currency, answer.brand)
        kept = "pending" if hold else "pendingsettlement"
        self._act(
            one, form["type"], str(amount), kept if answer.response == "1" else "failed", answer
        )
        self.events.append(
            (
                f"transaction.{form['type']}.{'success' if answer.response == '1' else 'failure'}",
                one,
            )
        )
        return one, answer

    def _twin(self, form: Plain, vault: Plain) -> bool:
        """Approved just before with the same card and amount, whatever its order."""
        seconds = int(form.get("dup_seconds") or 0)
        for one in self.book.all("transaction"):
            near = self._clock() - one["created"] < seconds and one["condition"] not in (
                "failed",
                "canceled",
            )
            if (
                near
                and one["vault"] == vault["id"]
                and one["actions"][0]["amount"] == form["amount"]
            ):
                return True
        return False

    def _need(self, form: Plain) -> Plain:
        one = self.book.get("transaction", form.get("transactionid", ""))
        if one is None:
            raise Refused("Transaction not found REFID:3")
        return one

    def capture(self, form: Plain) -> tuple[Plain, Answer]:
        one, amount = self._need(form), Decimal(form["amount"])
        if one["condition"] != "pending":
            raise Refused("Only transactions pending capture can be captured REFID:4")
        if amount > Decimal(one["actions"][0]["amount"]):
            raise Refused("The specified amount exceeds the authorized amount REFID:5")
        return self._answered(
            "capture", self._act(one, "capture", str(amount), "pendingsettlement")
        )

    def _answered(self, type: str, one: Plain) -> tuple[Plain, Answer]:
        self.events.append((f"transaction.{type}.success", one))
        return one, Answer()

    def void(self, form: Plain) -> tuple[Plain, Answer]:
        one = self._need(form)
        if one["condition"] not in ("pending", "pendingsettlement"):
            raise Refused("Only transactions pending settlement can be voided REFID:6")
        return self._answered(
            "void", self._act(one, "void", one["actions"][-1]["amount"], "canceled")
        )

    def refund(self, form: Plain) -> tuple[Plain, Answer]:
        one = self._need(form)
        if one["condition"] != "complete":
            raise Refused("Refund requests require a settled transaction REFID:7")
        paid = Decimal(one["actions"][-1]["amount"])
        amount = Decimal(form.get("amount") or paid)
        back = [
            r
            for r in self.book.all("transaction")
            if r["of"] == one["id"] and r["condition"] != "failed"
        ]
        if amount > paid - sum(Decimal(r["actions"][0]["amount"]) for r in back):
            raise Refused("Refund amount may not exceed the transaction balance REFID:8")
        made = self._open({"orderid": one["order_id"]} | form, one["currency"], one["brand"])
        return self._answered("refund", self._act(made, "refund", str(amount), "pendingsettlement"))

    def fail_refund(self, id: str) -> None:
        """Days later: it did not arrive."""
        one = self.book.get("transaction", id)
        assert one is not None
        failed = one | {"condition": "failed"}
        self.book.put(failed)
        self.events.append(("transaction.refund.failure", failed))


def _has_luhn(number: str) -> bool:
    doubled = sum(sum(divmod(2 * int(one), 10)) for one in number[-2::-2])
    return (doubled + sum(int(one) for one in number[-1::-2])) % 10 == 0
