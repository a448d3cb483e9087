"""What the stand-in's account does: one method a type of transaction, over the book. What was submitted settles
`settles_after` seconds later."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from recoup.lab.processors.book import Book
from recoup.lab.processors.nmi.cards import CARDS, Answer

Plain = dict[str, Any]
_WORDS: Final = {
    "initiated_by": ("customer", "merchant"), "stored_credential_indicator": ("stored", "used"),
    "billing_method": ("recurring", "installment"),
    "sca_exemption": ("na", "low_value", "tra_exemption", "trusted_merchant", "secure_corporate_payment",
                      "merchant_initiated_transaction", "recurring_payment", "sca_delegation"),
}  # fmt: skip
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
        self.events: list[tuple[str, Plain]] = []  # type and transaction, of the calls since somebody took them

    def stamp(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y%m%d%H%M%S")

    def _new(self, kind: str, first: int, **values: Any) -> Plain:
        id = str(first + self.book.count(kind) + 1)
        return self.book.put({"id": id, "object": kind, "created": int(self._clock())} | values)

    def make_vault(self, name: str) -> Plain:
        return self._new("vault", 100_000_000, answer=name, brand=CARDS[name].brand)

    def delete_vault(self, id: str) -> None:
        vault = self.book.get("vault", id) or {"id": id}
        self.book.put(vault | {"object": "deleted"})

    def advance(self) -> None:
        """What is due settles."""
        for one in self.book.all("transaction"):
            if one["condition"] == "pendingsettlement" and self._clock() >= one["due"]:
                moved = one["actions"][-1]["amount"]
                self._act(one, "settle", moved, "complete")

    def _act(self, one: Plain, type: str, amount: str, condition: str, answer: Answer | None = None) -> Plain:
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
            vault=form.get("customer_vault_id", ""),
            currency=currency,
            brand=brand,
            condition="in_progress",
            of=form.get("transactionid", ""),
            consent={name: form.get(name) for name in (*_WORDS, "initial_transaction_id")},
            actions=[],
            due=0.0,
        )

    def sell(self, form: Plain) -> tuple[Plain, Answer]:
        vault = self.book.get("vault", form.get("customer_vault_id", ""))
        if vault is None:
            raise Refused("Invalid Customer Vault ID specified REFID:1")
        amount, currency = _amount(form), form.get("currency", "USD")
        _check_consent(form)
        answer = CARDS[vault["answer"]]
        if amount < _SMALL:
            answer = Answer(answer.brand, "2", "200", "DECLINE")
        if self._twin(form, vault):
            raise Refused("Duplicate transaction REFID:2")
        hold = form["type"] == "auth"
        one = self._open(form, currency, answer.brand)
        kept = "pending" if hold else "pendingsettlement"
        self._act(one, form["type"], str(amount), kept if answer.response == "1" else "failed", answer)
        self.events.append((f"transaction.{form['type']}.{'success' if answer.response == '1' else 'failure'}", one))
        return one, answer

    def _twin(self, form: Plain, vault: Plain) -> bool:
        """Approved just before with the same card and amount, whatever its order."""
        seconds = int(form.get("dup_seconds") or 0)
        for one in self.book.all("transaction"):
            near = self._clock() - one["created"] < seconds and one["condition"] not in ("failed", "canceled")
            if near and one["vault"] == vault["id"] and one["actions"][0]["amount"] == form["amount"]:
                return True
        return False

    def _need(self, form: Plain) -> Plain:
        one = self.book.get("transaction", form.get("transactionid", ""))
        if one is None:
            raise Refused("Transaction not found REFID:3")
        return one

    def capture(self, form: Plain) -> tuple[Plain, Answer]:
        one, amount = self._need(form), _amount(form)
        if one["condition"] != "pending":
            raise Refused("Only transactions pending capture can be captured REFID:4")
        if amount > Decimal(one["actions"][0]["amount"]):
            raise Refused("The specified amount exceeds the authorized amount REFID:5")
        return self._act(one, "capture", str(amount), "pendingsettlement"), Answer()

    def void(self, form: Plain) -> tuple[Plain, Answer]:
        one = self._need(form)
        if one["condition"] not in ("pending", "pendingsettlement"):
            raise Refused("Only transactions pending settlement can be voided REFID:6")
        return self._act(one, "void", one["actions"][-1]["amount"], "canceled"), Answer()

    def refund(self, form: Plain) -> tuple[Plain, Answer]:
        one, amount = self._need(form), _amount(form)
        if one["condition"] != "complete":
            raise Refused("Refund requests require a settled transaction REFID:7")
        paid = Decimal(one["actions"][-1]["amount"])
        back = [r for r in self.book.all("transaction") if r["of"] == one["id"] and r["condition"] != "failed"]
        if amount > paid - sum(Decimal(r["actions"][0]["amount"]) for r in back):
            raise Refused("Refund amount may not exceed the transaction balance REFID:8")
        made = self._open(form, one["currency"], one["brand"])
        self._act(made, "refund", str(amount), "pendingsettlement")
        self.events.append(("transaction.refund.success", made))
        return made, Answer()

    def fail_refund(self, id: str) -> None:
        """Days later: it did not arrive."""
        one = self.book.get("transaction", id)
        assert one is not None
        failed = one | {"condition": "failed"}
        self.book.put(failed)
        self.events.append(("transaction.refund.failure", failed))


def _check_consent(form: Plain) -> None:
    for name, words in _WORDS.items():
        if form.get(name) is not None and form[name] not in words:
            raise Refused(f"Invalid {name} REFID:10")
    first = form.get("initial_transaction_id")
    if first is not None and not (first.isdecimal() and len(first) <= 12):
        raise Refused("Invalid initial_transaction_id REFID:11")


def _amount(form: Plain) -> Decimal:
    try:
        amount = Decimal(form.get("amount", ""))
    except InvalidOperation:
        raise Refused("Invalid amount REFID:9") from None
    if not amount.is_finite() or amount <= 0:
        raise Refused("Invalid amount REFID:9")
    return amount
