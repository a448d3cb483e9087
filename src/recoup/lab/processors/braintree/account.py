"""What the stand-in's account does: one method a mutation, over the book. A refusal is `Refused`, as the vendor classes
it. What was submitted for settlement settles, and is disbursed, `settles_after` seconds later."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from recoup.lab.processors.book import Book
from recoup.lab.processors.braintree.cards import CARDS, Answer

Plain = dict[str, Any]
DUPLICATE_SECONDS: Final = 30
FEE: Final = (Decimal("0.0259"), Decimal("0.49"))
_EXEMPTIONS: Final = ("LOW_VALUE", "SECURE_CORPORATE", "TRANSACTION_RISK_ANALYSIS", "TRUSTED_BENEFICIARY")
_INITIATORS: Final = (
    "ESTIMATED", "INSTALLMENT", "INSTALLMENT_FIRST", "MOTO", "RECURRING", "RECURRING_FIRST", "UNSCHEDULED",
)  # fmt: skip
_TYPES: Final = {
    "transaction": "Transaction", "refund": "Refund", "dispute": "Dispute", "payment_method": "PaymentMethod",
}  # fmt: skip
_MOVED: Final = ("SUBMITTED_FOR_SETTLEMENT", "SETTLED")


class Refused(Exception):
    """`error_class`, `code`: as the vendor's `errorClass` and `legacyCode`."""

    def __init__(self, error_class: str, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.error: Plain = {
            "message": message,
            "extensions": {"errorClass": error_class, "errorType": "user_error", "legacyCode": code},
        }


def _bad(code: str, message: str) -> Refused:
    return Refused("VALIDATION", message, code)


class Account:
    """`clock`: seconds since 1970. `merchant_accounts`: id -> currency."""

    def __init__(
        self, book: Book, clock: Callable[[], float], *, settles_after: float, merchant_accounts: dict[str, str]
    ) -> None:
        self.book, self._clock = book, clock
        self.settles_after, self.merchant_accounts = settles_after, merchant_accounts
        self.notices: list[tuple[str, Plain]] = []  # kind and subject, of the calls since somebody took them

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _new(self, kind: str, **values: Any) -> Plain:
        legacy = f"{kind[:2]}{self.book.count(kind) + 1:06d}"
        plain = {
            "id": global_id(kind, legacy),
            "legacyId": legacy,
            "object": kind,
            "__typename": _TYPES.get(kind, kind),
            "created": int(self._clock()),
            "createdAt": f"{self.now():%Y-%m-%dT%H:%M:%S.%fZ}",
        }
        return self.book.put(plain | values)

    def need(self, kind: str, id: str) -> Plain:
        found = self.book.get(kind, id)
        if found is None:
            raise Refused("NOT_FOUND", f"An object with this ID was not found: {kind}.")
        return found

    def make_method(self, name: str, customer: str = "") -> Plain:
        """A vaulted method that answers so."""
        legacy = f"cu{len(customer):06d}"
        details = {
            "__typename": "CreditCardDetails",
            "brandCode": CARDS[name].brand,
            "last4": "1111",
            "expirationMonth": "12",
            "expirationYear": "2034",
            "uniqueNumberIdentifier": f"un_{name}",
            "binData": {"debit": "NO", "prepaid": "NO", "countryOfIssuance": "USA"},
        }
        holder = {"id": customer, "legacyId": legacy} if customer else None
        return self._new("payment_method", usage="MULTI_USE", details=details, customer=holder, answer=name)

    def delete_method(self, id: str) -> None:
        self.book.put(self.need("payment_method", id) | {"object": "deleted"})

    def advance(self) -> None:
        """What is due settles."""
        for kind in ("transaction", "refund"):
            for one in self.book.all(kind):
                if one["status"] == "SUBMITTED_FOR_SETTLEMENT" and self._clock() >= one["due"]:
                    self._settle(one, kind)

    def _settle(self, one: Plain, kind: str) -> None:
        one["disbursementDetails"] = {"date": f"{self.now():%Y-%m-%d}", "amount": one["amount"]}
        self._to(one, "SETTLED", "SettledEvent")
        amount = Decimal(one["amount"]["value"])
        charged = kind == "transaction"
        places = amount.as_tuple().exponent
        fee = (amount * FEE[0] + FEE[1]).quantize(Decimal(1).scaleb(int(places))) if charged else Decimal(0)
        self.move("charge" if charged else "refund", amount if charged else -amount, fee, one)
        if charged:
            self.notices.append(("transaction_settled", one))

    def move(self, type: str, amount: Decimal, fee: Decimal, about: Plain) -> None:
        day = f"{self.now():%Y-%m-%d}"
        currency = (about.get("amount") or about["amountDisputed"])["currencyCode"]
        self._new(
            "movement",
            type=type,
            amount=str(amount),
            fee=str(fee),
            currency=currency,
            day=day,
            of=about["id"],
            reference=about["legacyId"],
        )

    def _to(self, one: Plain, status: str, event: str, **said: Any) -> Plain:
        one["status"] = status
        one["statusHistory"].insert(0, {"__typename": event, "status": status, **said})
        return self.book.put(one)

    def charge(self, form: Plain, *, capture: bool, keyed: bool) -> Plain:
        method = self.need("payment_method", str(form.get("paymentMethodId")))
        given = form["transaction"]
        amount = _amount(given.get("amount"))
        currency = self.merchant_accounts.get(given.get("merchantAccountId") or next(iter(self.merchant_accounts)))
        if currency is None:
            raise _bad("91513", "Merchant account ID is invalid.")
        exemption = (form.get("options") or {}).get("scaExemption")
        for said, words in ((exemption, _EXEMPTIONS), (given.get("paymentInitiator"), _INITIATORS)):
            if said is not None and said not in words:
                raise Refused("VALIDATION", f"Expected one of {words}.")
        answer = CARDS[method["answer"]]
        answer = _answer(CARDS["authentication"] if answer.not_exempt and exemption else answer, amount)
        made = self._new(
            "transaction",
            orderId=given.get("orderId"),
            status="AUTHORIZING",
            merchantAccountId=given.get("merchantAccountId"),
            amount={"value": str(amount), "currencyCode": currency},
            method=method["id"],
            scaExemptionRequested=exemption,
            initiator=given.get("paymentInitiator"),
            statusHistory=[],
            refunds=[],
            riskData={"decision": "APPROVE", "score": 12},
            paymentMethodSnapshot=_snapshot(answer, self.book.count("transaction")),
            disbursementDetails=None,
        )
        twin = None if keyed else self._twin(made)
        if twin is not None or answer.rejected:
            reason = "DUPLICATE" if twin is not None else answer.rejected
            return self._to(made, "GATEWAY_REJECTED", "GatewayRejectedEvent", gatewayRejectionReason=reason)
        if answer.code is not None:
            said = _processor(answer) | {"declineType": answer.decline}
            return self._to(made, "PROCESSOR_DECLINED", "ProcessorDeclinedEvent", **said)
        self._to(made, "AUTHORIZED", "AuthorizedEvent", **_processor(answer))
        return self._submit(made) if capture else made

    def _twin(self, made: Plain) -> Plain | None:
        """The same amount, order and method just before."""
        for one in self.book.all("transaction"):
            near = made["created"] - one["created"] < DUPLICATE_SECONDS and one["id"] != made["id"]
            same = all(one[name] == made[name] for name in ("amount", "orderId", "method"))
            if near and same and one["status"] in ("AUTHORIZED", *_MOVED):
                return one
        return None

    def _submit(self, one: Plain) -> Plain:
        one["due"] = self._clock() + self.settles_after
        return self._to(one, "SUBMITTED_FOR_SETTLEMENT", "SubmittedForSettlementEvent")

    def capture(self, form: Plain) -> Plain:
        one = self.need("transaction", str(form.get("transactionId")))
        if one["status"] != "AUTHORIZED":
            raise _bad("91507", "Cannot submit for settlement unless status is authorized.")
        wanted = (form.get("transaction") or {}).get("amount", one["amount"]["value"])
        amount = _amount(wanted)
        if amount > Decimal(one["amount"]["value"]):
            raise _bad("91522", "Settlement amount is too large.")
        one["amount"] = one["amount"] | {"value": str(amount)}
        return self._submit(one)

    def refund(self, form: Plain) -> Plain:
        one = self.need("transaction", str(form.get("transactionId")))
        given = form.get("refund") or {}
        amount = _amount(given.get("amount", one["amount"]["value"]))
        if one["status"] != "SETTLED":
            raise _bad("91506", "Cannot refund transaction unless it is settled.")
        back = [r for r in self.book.all("refund") if r["of"] == one["id"] and r["status"] in _MOVED]
        left = Decimal(one["amount"]["value"]) - sum(Decimal(r["amount"]["value"]) for r in back)
        if not left:
            raise _bad("91512", "Transaction has already been completely refunded.")
        if amount > left:
            raise _bad("91521", "Refund amount is too large.")
        refund = self._new(
            "refund",
            of=one["id"],
            orderId=given.get("orderId"),
            status="AUTHORIZING",
            amount=one["amount"] | {"value": str(amount)},
            statusHistory=[],
            disbursementDetails=None,
        )
        return self._submit(refund)

    def reverse(self, form: Plain) -> Plain:
        """Voided while it may be, refunded whole when it has settled."""
        one = self.need("transaction", str(form.get("transactionId")))
        if one["status"] == "SETTLED":
            return self.refund({"transactionId": one["id"]})
        if one["status"] not in ("AUTHORIZED", "SUBMITTED_FOR_SETTLEMENT"):
            raise _bad("91504", "Cannot be voided.")
        return self._to(one, "VOIDED", "VoidedEvent")

    def fail_refund(self, id: str) -> None:
        """Days later: the money comes back."""
        refund = self._to(self.need("refund", id), "SETTLEMENT_DECLINED", "SettlementDeclinedEvent")
        self.notices.append(("refund_failed", refund))

    def dispute(self, transaction_id: str) -> Plain:
        one = self.need("transaction", transaction_id)
        case = self._new(
            "dispute",
            status="OPEN",
            type="CHARGEBACK",
            receivedDate=f"{self.now():%Y-%m-%d}",
            replyByDate=f"{self.now():%Y}-12-31",
            amountDisputed=one["amount"],
            amountWon=None,
            processorResponse={"reasonCode": "83"},
            transaction={"id": one["id"], "orderId": one["orderId"], "legacyId": one["legacyId"]},
            statusHistory=[],
            evidence=[],
        )
        self.move("dispute", -Decimal(one["amount"]["value"]), Decimal(0), case)
        self.notices.append(("dispute_opened", case))
        return case

    def win_dispute(self, id: str) -> None:
        case = self.need("dispute", id)
        day = f"{self.now():%Y-%m-%d}"
        case |= {"status": "WON", "amountWon": case["amountDisputed"]}
        case["statusHistory"].insert(0, {"status": "WON", "effectiveDate": day})
        self.book.put(case)
        self.move("dispute_won", Decimal(case["amountDisputed"]["value"]), Decimal(0), case)
        self.notices.append(("dispute_won", case))

    def lose_dispute(self, id: str) -> None:
        case = self.need("dispute", id)
        day = f"{self.now():%Y-%m-%d}"
        case |= {"status": "LOST"}
        case["statusHistory"].insert(0, {"status": "LOST", "effectiveDate": day})
        self.book.put(case)
        self.notices.append(("dispute_lost", case))

    def add_evidence(self, form: Plain) -> Plain:
        case = self._open(form)
        case["evidence"].append({"__typename": "DisputeTextEvidence", "id": "ev1", "content": form["content"]})
        self.book.put(case)
        return {"id": "ev1"}

    def end_dispute(self, form: Plain, status: str) -> Plain:
        case = self._open(form)
        return self.book.put(case | {"status": status})

    def _open(self, form: Plain) -> Plain:
        case = self.need("dispute", str(form.get("disputeId")))
        if case["status"] != "OPEN":
            raise _bad("95701", "Disputes can only be changed while they are open.")
        return case


def global_id(kind: str, legacy: str) -> str:
    return base64.b64encode(f"{kind}_{legacy}".encode()).decode().rstrip("=")


def _amount(text: Any) -> Decimal:
    try:
        amount = Decimal(text) if isinstance(text, str) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or int(amount.as_tuple().exponent) not in (0, -2, -3):
        raise _bad("81503", "Amount is an invalid format.")
    if amount <= 0:
        raise _bad("81531", "Amount must be greater than zero.")
    return amount


def _answer(card: Answer, amount: Decimal) -> Answer:
    return Answer(card.brand, str(int(amount)), "by its amount") if 2000 <= amount < 3000 else card


def _processor(answer: Answer) -> Plain:
    return {
        "processorResponse": {
            "legacyCode": answer.code or "1000",
            "message": answer.text or "Approved",
            "cvvResponse": "MATCHES",
            "avsPostalCodeResponse": "MATCHES",
            "avsStreetAddressResponse": None,
            "authorizationId": None if answer.code else "A1B2C3",
            "additionalInformation": f"{answer.network} : {answer.text.upper()}" if answer.network else None,
        },
        "networkResponse": {"code": answer.network} if answer.network else None,
        "merchantAdviceCodeResponse": {"code": answer.advice} if answer.advice else None,
    }


def _snapshot(answer: Answer, number: int) -> Plain:
    return {
        "__typename": "CreditCardTransactionDetails",
        "networkTransactionId": None if answer.code or answer.rejected else f"{700000000000000 + number}",
        "creditCard": {"brandCode": answer.brand},
    }
