"""Account of the stand-in: one method a mutation, over the book. A refusal is `Refused`, as the
vendor classes it. What was submitted for settlement settles, and is disbursed, `settles_after`
seconds later."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from recoup_lab.processors.book import Book
from recoup_lab.processors.braintree import published
from recoup_lab.processors.braintree.cards import CARDS, FAKES, NUMBERS, Answer

Plain = dict[str, Any]
DUPLICATE_SECONDS: Final = 30
FEE: Final = (Decimal("0.0259"), Decimal("0.49"))
_TYPES: Final = {
    "transaction": "Transaction",
    "refund": "Refund",
    "dispute": "Dispute",
    "payment_method": "PaymentMethod",
    "customer": "Customer",
}
_MOVED: Final = ("SUBMITTED_FOR_SETTLEMENT", "SETTLED")
_BY_MERCHANT: Final = ("RECURRING", "INSTALLMENT", "UNSCHEDULED")


class Refused(Exception):
    """`error_class`, `code`: as the vendor's `errorClass` and `legacyCode`. `path`: the input that
    is refused."""

    def __init__(
        self, error_class: str, message: str, code: str | None = None, path: str = ""
    ) -> None:
        super().__init__(message)
        blame = "developer_error" if error_class == "NOT_FOUND" else "user_error"
        more = {"inputPath": ["input", *path.split("/")]} if path else {}
        self.error: Plain = {
            "message": message,
            "extensions": {"errorClass": error_class, "errorType": blame, "legacyCode": code}
            | more,
        }


def _bad(code: str, message: str, path: str = "") -> Refused:
    return Refused("VALIDATION", message, code, path)


class Account:
    """`clock`: seconds since 1970. `merchant_accounts`: id -> currency."""

    def __init__(
        self,
        book: Book,
        clock: Callable[[], float],
        *,
        settles_after: float,
        merchant_accounts: dict[str, str],
    ) -> None:
        self.book, self._clock = book, clock
        self.settles_after, self.merchant_accounts = settles_after, merchant_accounts
        self.notices: list[
            tuple[str, Plain]
        ] = []  # kind and subject, of the calls since somebody took them

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

    def make_method(
        self, name: str, customer: str = "", usage: str = "MULTI_USE", **card: Any
    ) -> Plain:
        """A method that answers so; `card`: what is known of it besides."""
        legacy = f"cu{len(customer):06d}"
        details = {
            "__typename": "CreditCardDetails",
            "brandCode": CARDS[name].brand,
            "last4": "1111",
            "expirationMonth": "12",
            "expirationYear": "2034",
            "uniqueNumberIdentifier": f"un_{name}",
            "binData": {"debit": "NO", "prepaid": "NO", "countryOfIssuance": "USA"},
        } | card
        holder = {"id": customer, "legacyId": legacy} if customer else None
        if customer and (known := self.book.get("customer", customer)) is not None:
            holder = known
        return self._new(
            "payment_method", usage=usage, details=details, customer=holder, answer=name
        )

    def make_customer(self, form: Plain) -> Plain:
        given = form.get("customer") or {}
        return self._new(
            "customer",
            **{name: given.get(name) for name in ("email", "firstName", "lastName", "company")},
        )

    def tokenize(self, form: Plain) -> Plain:
        """Keeps only the number's end and a hash."""
        card = form["creditCard"]
        number = "".join((card.get("number") or "").split())
        month, year = card.get("expirationMonth") or "", card.get("expirationYear") or ""
        if not number:
            raise _bad("81714", "Credit card number is required.", "creditCard/number")
        if number not in NUMBERS:
            raise _bad(
                "81717", "Credit card number is not an accepted test number.", "creditCard/number"
            )
        if not (month.isascii() and month.isdigit() and 1 <= int(month) <= 12):
            raise _bad("81712", "Expiration month is invalid.", "creditCard/expirationMonth")
        if not (year.isascii() and year.isdigit() and len(year) in (2, 4)):
            raise _bad("81713", "Expiration year is invalid.", "creditCard/expirationYear")
        print = sha256(number.encode()).hexdigest()[:32]
        return self.make_method(
            NUMBERS[number],
            usage="SINGLE_USE",
            last4=number[-4:],
            expirationMonth=month.zfill(2),
            expirationYear=year if len(year) == 4 else f"20{year}",
            uniqueNumberIdentifier=print,
        )

    def vault(self, form: Plain) -> Plain:
        """A single-use method, or one of the vendor's for tests, as one that is used again."""
        id, customer = str(form["paymentMethodId"]), form.get("customerId")
        holder = self.need("customer", customer) if customer else self.make_customer({})
        name = FAKES.get(id) or id.removeprefix("fake-").removesuffix("-nonce")
        if id.startswith("fake-"):
            if name not in CARDS:
                raise _bad("91565", "Unknown or expired payment_method_nonce.", "paymentMethodId")
            return self.make_method(name, holder["id"])
        once = self._usable(id)
        if once["usage"] != "SINGLE_USE":
            raise _bad("91565", "Unknown or expired payment_method_nonce.", "paymentMethodId")
        self.book.put(once | {"consumed": True})
        return self.make_method(once["answer"], holder["id"], **once["details"])

    def _usable(self, id: str) -> Plain:
        method = self.need("payment_method", id)
        if method.get("consumed"):
            raise _bad(
                "91564", "Cannot use a payment_method_nonce more than once.", "paymentMethodId"
            )
        return method

    def delete_method(self, id: str) -> None:
        self.book.put(self.need("payment_method", id) | {"object": "deleted"})

    def advance(self) -> None:
        """Settles what is due."""
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
        fee = (
            (amount * FEE[0] + FEE[1]).quantize(Decimal(1).scaleb(int(places)))
            if charged
            else Decimal(0)
        )
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
        method, given = self._usable(str(form["paymentMethodId"])), form["transaction"]
        currency = self.merchant_accounts.get(
            given.get("merchantAccountId") or next(iter(self.merchant_accounts))
        )
        if currency is None:
            raise _bad("91513", "Merchant account ID is invalid.", "transaction/merchantAccountId")
        _look_at(given, currency, "transaction")
        amount = Decimal(str(given["amount"]))
        exemption = (form.get("options") or {}).get("scaExemption")
        answer = CARDS[method["answer"]].after(method.get("charges", 0))
        answer = _answer(
            CARDS["authentication"] if answer.not_exempt and exemption else answer, amount
        )
        tried = {
            "charges": method.get("charges", 0) + 1,
            "consumed": method["usage"] == "SINGLE_USE",
        }
        self.book.put(method | tried)
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
            return self._to(
                made, "GATEWAY_REJECTED", "GatewayRejectedEvent", gatewayRejectionReason=reason
            )
        if answer.code is not None:
            said = _processor(answer) | {"declineType": answer.decline}
            return self._to(made, "PROCESSOR_DECLINED", "ProcessorDeclinedEvent", **said)
        life = timedelta(days=1 if given.get("paymentInitiator") in _BY_MERCHANT else 7)
        until = f"{self.now() + life:%Y-%m-%dT%H:%M:%S.%fZ}"
        self._to(
            made,
            "AUTHORIZED",
            "AuthorizedEvent",
            **_processor(answer),
            authorizationExpiresAt=until,
        )
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
        given = form.get("transaction") or {}
        _look_at(given, one["amount"]["currencyCode"], "transaction")
        amount = Decimal(str(given.get("amount", one["amount"]["value"])))
        if amount > Decimal(one["amount"]["value"]):
            raise _bad("91522", "Settlement amount is too large.")
        one["amount"] = one["amount"] | {"value": str(amount)}
        return self._submit(one)

    def refund(self, form: Plain) -> Plain:
        one = self.need("transaction", str(form.get("transactionId")))
        given = form.get("refund") or {}
        _look_at(given, one["amount"]["currencyCode"], "refund")
        amount = Decimal(str(given.get("amount", one["amount"]["value"])))
        if one["status"] != "SETTLED":
            raise _bad("91506", "Cannot refund transaction unless it is settled.")
        back = [
            r for r in self.book.all("refund") if r["of"] == one["id"] and r["status"] in _MOVED
        ]
        left = Decimal(one["amount"]["value"]) - sum(Decimal(r["amount"]["value"]) for r in back)
        if not left:
            raise _bad("91512", "Transaction has already been completely refunded.")
        if amount > left:
            raise _bad("91521", "Refund amount is too large.")
        refund = self._new(
            "refund",
            of=one["id"],
            refundedTransaction={name: one[name] for name in ("id", "legacyId", "orderId")},
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
        case["evidence"].append(
            {"__typename": "DisputeTextEvidence", "id": "ev1", "content": form["content"]}
        )
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


def _look_at(given: Plain, currency: str, path: str) -> None:
    """Raises: Refused."""
    for refusal in published.refusals(given, currency):
        raise _bad(refusal.code or "", refusal.message, f"{path}/{refusal.path}")


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
            "additionalInformation": f"{answer.network} : {answer.text.upper()}"
            if answer.network
            else None,
        },
        "networkResponse": {"code": answer.network} if answer.network else None,
        "merchantAdviceCodeResponse": {"code": answer.advice} if answer.advice else None,
    }


def _snapshot(answer: Answer, number: int) -> Plain:
    return {
        "__typename": "CreditCardTransactionDetails",
        "networkTransactionId": None
        if answer.code or answer.rejected
        else f"{700000000000000 + number}",
        "creditCard": {"brandCode": answer.brand},
    }
