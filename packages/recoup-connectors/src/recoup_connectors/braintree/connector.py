"""Braintree as a route: charges of its vaulted methods, and what follows them.

A message is one mutation under a key of its own; what became of it is read from the book by our id,
which it carries.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.processors.gateways import wire_amounts
from recoup.processors.gateways.connector import (
    Acknowledgement,
    DisputeCase,
    Finding,
    Notice,
    OwnRetry,
)
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.look_up import chosen
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import (
    Asks,
    Charge,
    DisputeAnswer,
    Inquiry,
    LookUp,
    ModificationMessage,
    StatementLine,
)
from recoup.processors.gateways.transport import NoAnswerError, NotSentError
from recoup.processors.gateways.vendor_account import VendorAccount, unanswered
from recoup.processors.rules.answers import Movement
from recoup_connectors.braintree import account, disputes
from recoup_connectors.braintree.api import Api, KeyPair, unavailable
from recoup_connectors.braintree.outcomes import (
    KEY_USED,
    NOT_YET,
    SETTLEMENT_DECLINED,
    TAKEN,
    UNREADABLE,
    Payment,
    code_of,
    done_with,
    of_capture,
    of_error,
    of_payment,
    of_refund,
    of_refusal,
    of_void,
    payment_at,
    read,
)

_INITIATORS: Final = {
    "recurring": "RECURRING",
    "installment": "INSTALLMENT",
    "unscheduled": "UNSCHEDULED",
}
_FIRSTS: Final = {"recurring": "RECURRING_FIRST", "installment": "INSTALLMENT_FIRST"}
_EXEMPTIONS: Final = {
    "low_value": "LOW_VALUE",
    "transaction_risk_analysis": "TRANSACTION_RISK_ANALYSIS",
}
_DESCRIPTOR: Final = re.compile(
    r"(?=.{5,22}$)(?:[\w .+-]{3}|[\w .+-]{7}|[\w .+-]{12})\*[\w .+-]{1,18}", re.ASCII
)
_INDICATOR: Final = re.compile(r"\d{2}", re.ASCII)
_VERSION: Final = re.compile(r"\d+(?:\.\d+)*", re.ASCII)
SETTLES_WITHIN: Final = timedelta(days=30)
SHOWN_SECONDS: Final = 0.2  # until a duplicate's original is asked for once more


class Braintree(VendorAccount):
    """Implements `connector.Connector`. Make it inside a running loop, close it there."""

    kind = "braintree"
    asks: Asks = "by_search"
    idempotency_window = timedelta(days=30)

    _api: Api

    def __init__(
        self,
        *,
        url: str,
        keys: KeyPair,
        accounts: Mapping[str, str],
        name: str = "braintree",
        acceptor_id: str = "",
        older_keys: tuple[KeyPair, ...] = (),
        clocks: Clocks | None = None,
    ) -> None:
        """`accounts`: currency -> merchant account, which alone decides the currency there.
        `older_keys`: that may still sign notices."""
        super().__init__(name, acceptor_id, clocks)
        self._api = Api(url, keys, self._clocks)
        self._keys, self._older, self._accounts = keys, older_keys, dict(accounts)

    @property
    def account(self) -> str:
        """The account whose fingerprints it speaks of."""
        return self.acceptor_id

    def exponent(self, currency: str) -> int | None:
        return wire_amounts.exponent(currency) if currency in self._accounts else None

    def carries(self, units: int, currency: str) -> bool:
        return currency in self._accounts and wire_amounts.amount_text(units, currency) is not None

    async def _charge(self, charge: Charge, until: float) -> Outcome:
        credential = charge.credential
        if not isinstance(credential, Stored):
            return Outcome(
                "not_sent", text="Braintree takes stored methods only", fault="credential"
            )
        if not self.carries(charge.units, charge.currency):
            return Outcome("not_sent", text="Braintree does not carry this amount", fault="request")
        form: dict[str, Any] = {
            "paymentMethodId": credential.id,
            "transaction": self._transaction(charge),
        }
        kind = "PaymentMethod"
        if (
            exemption := _EXEMPTIONS.get(charge.exemption or "")
        ) is not None:  # which only this mutation takes
            kind, form = "CreditCard", form | {"options": {"scaExemption": exemption}}
        name = f"{'charge' if charge.capture else 'authorize'}{kind}"
        try:
            before = charge.send_before_monotonic
            reply = await self._api.call(
                name, {"input": form}, key=str(charge.key), until=until, send_before=before
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)
        payment = payment_at(reply, name, "transaction")
        said = (
            of_error(reply)
            if payment is None
            else of_payment(payment, str(charge.key), credential.scheme)
        )
        if payment is None and code_of(reply) in KEY_USED or said.category == "DUPLICATE":
            return await self._other(charge, credential, said, until)
        return said

    def _transaction(self, charge: Charge) -> dict[str, Any]:
        """The same for the same id, whenever it is called."""
        form: dict[str, Any] = {
            "amount": wire_amounts.amount_text(charge.units, charge.currency),
            "orderId": _order_id(charge),
            "merchantAccountId": self._accounts[charge.currency],
        }
        if (initiator := _initiator(charge)) is not None:
            form["paymentInitiator"] = initiator
        if _DESCRIPTOR.fullmatch(
            charge.descriptor
        ):  # in any other shape the whole charge is refused
            form["descriptor"] = {"name": charge.descriptor}
        if (authenticated := _authenticated(charge.three_d_secure or {})) is not None:
            form["threeDSecurePassThrough"] = authenticated
        return form

    async def _other(
        self, charge: Charge, credential: Stored, said: Outcome, until: float
    ) -> Outcome:
        """The gateway knows this message, or one like it, already: what the book has under our id
        is the answer."""
        for pause in (0.0, SHOWN_SECONDS):
            await asyncio.sleep(max(0.0, min(pause, until - self._clocks.monotonic())))
            found = await self._look_at_charge(charge, credential)
            if found.state in ("approved", "declined") or found.other_id:
                return found
        return replace(said, state="unknown", reference=None)

    async def _inquire(self, inquiry: Inquiry) -> Outcome:
        message = inquiry.message
        match message:
            case Charge() if isinstance(message.credential, Stored):
                return await self._look_at_charge(message, message.credential)
            case ModificationMessage():
                return await self._look_at_modification(message)
            case DisputeAnswer():
                return await disputes.look(self._api, message)
        found = await self._by_order_id("transactions", {"is": str(inquiry.key)})
        return Outcome("unknown" if found else "not_found")

    async def _look_at_charge(self, charge: Charge, credential: Stored) -> Outcome:
        try:
            found = await self._by_order_id("transactions", {"is": _order_id(charge)})
        except Problem as problem:
            return Outcome("unknown", text=problem.message)
        said = [of_payment(one, str(charge.key), credential.scheme) for one in found]
        approved = [one for one in said if one.state == "approved"]
        if len(approved) > 1:
            return Outcome(
                "unknown",
                approved[0].reference,
                text="there are two charges of this id",
                other_id=True,
            )
        decided = [one for one in said if one.state == "declined"]
        return next(iter([*approved, *decided, *said]), Outcome("not_found"))

    async def _look_up(self, question: LookUp) -> Outcome:
        message = question.message
        if isinstance(message, ModificationMessage):
            return await self._look_at_modification(message)
        scheme = message.credential.scheme
        found = await self._by_order_id("transactions", {"startsWith": f"{message.order_key}."})
        return chosen(
            question,
            [(parse_id(one.key or ""), of_payment(one, one.key or "", scheme)) for one in found],
        )

    async def _by_order_id(
        self, name: Literal["transactions", "refunds"], wanted: Mapping[str, str]
    ) -> list[Payment]:
        """Raises: Problem(unavailable)."""
        found = list[Payment]()
        async for page in self._api.pages(name, {"orderId": wanted}):
            for plain in page:
                one = read(Payment, plain)
                if one is None:
                    raise Problem(
                        "unavailable", "Braintree's answer cannot be read.", cure="Try again."
                    )
                found.append(one)
        return found

    async def modify(self, message: ModificationMessage) -> Outcome:
        if message.reference is None:
            return Outcome(
                "not_sent", text="Braintree's own reference is not known", fault="request"
            )
        if message.kind != "void" and not self.carries(
            message.units, message.currency
        ):  # null would move all of it
            return Outcome("not_sent", text="Braintree does not carry this amount", fault="request")
        try:
            if message.kind == "void":
                return await self._void(message)
            return await (
                self._capture(message) if message.kind == "capture" else self._refund(message)
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)

    async def _move(self, message: ModificationMessage, name: str, form: dict[str, Any]) -> Any:
        until = self._clocks.monotonic() + message.timeout_seconds
        before = message.send_before_monotonic
        variables = {"input": {"transactionId": message.reference} | form}
        return await self._api.call(
            name, variables, key=str(message.key), until=until, send_before=before
        )

    async def _capture(self, message: ModificationMessage) -> Outcome:
        """`orderId` stays the charge's, by which it is found."""
        amount = {"amount": wire_amounts.amount_text(message.units, message.currency)}
        if message.final_part:
            reply = await self._move(message, "captureTransaction", {"transaction": amount})
            payment = payment_at(reply, "captureTransaction", "transaction")
            return (
                of_refusal(reply)
                if payment is None
                else of_capture(payment, str(message.reference))
            )
        part = amount | {"orderId": str(message.key), "finalCapture": False}
        reply = await self._move(message, "partialCaptureTransaction", {"transaction": part})
        payment = payment_at(reply, "partialCaptureTransaction", "capture")
        return of_refusal(reply) if payment is None else of_refund(payment, str(message.key))

    async def _refund(self, message: ModificationMessage) -> Outcome:
        """Refunds a payment. What has not settled cannot be refunded: the whole of it is voided, a
        part waits until it has."""
        amount = wire_amounts.amount_text(message.units, message.currency)
        reply = await self._move(
            message,
            "refundTransaction",
            {"refund": {"amount": amount, "orderId": str(message.key)}},
        )
        refund = payment_at(reply, "refundTransaction", "refund")
        if refund is not None:
            return of_refund(refund, str(message.key))
        if code_of(reply) in KEY_USED:
            return await self.inquire(
                Inquiry(message.key, "modification", message, message.reference)
            )
        if code_of(reply) not in NOT_YET:
            return of_refusal(reply)
        payment = await self._payment(str(message.reference))
        whole = (
            payment is not None and payment.amount.units() == message.units and not payment.refunds
        )
        if payment is None or not whole or payment.status in ("SETTLING", "SETTLED"):
            return of_refusal(reply)
        return await self._reversed(message)

    async def _reversed(self, message: ModificationMessage) -> Outcome:
        until = self._clocks.monotonic() + message.timeout_seconds
        variables = {"input": {"transactionId": message.reference}}
        reply = await self._api.call(
            "reverseTransaction",
            variables,
            key=f"{message.key}.v",
            until=until,
            send_before=message.send_before_monotonic,
        )
        payment = payment_at(reply, "reverseTransaction", "reversal")
        if payment is None:
            return of_refusal(reply)
        if payment.id == message.reference:
            return of_void(payment, str(message.reference))
        return replace(of_refund(payment, str(message.key)), other_id=False)  # it settled meanwhile

    async def _void(self, message: ModificationMessage) -> Outcome:
        """Reversing would refund what was captured: only a hold is voided."""
        payment = await self._payment(str(message.reference))
        if payment is None:
            return Outcome("not_sent", text=UNREADABLE, fault="outage")
        found = of_void(payment, str(message.reference))
        return found if found.state != "not_found" else await self._reversed(message)

    async def _payment(self, reference: str) -> Payment | None:
        reply = await self._api.call("transaction", {"id": reference})
        found = payment_at(reply, "node")
        return found if found is not None and found.id == reference else None

    async def _look_at_modification(self, message: ModificationMessage) -> Outcome:
        if message.reference is None:
            return Outcome("not_sent", text="Braintree's own reference is not known")
        if message.kind == "refund" or not message.final_part:
            name: Literal["refunds", "transactions"] = (
                "refunds" if message.kind == "refund" else "transactions"
            )
            found = await self._by_order_id(name, {"is": str(message.key)})
            if found:
                return of_refund(found[0], str(message.key))
        if message.kind == "capture" and not message.final_part:
            return Outcome("not_found")
        payment = await self._payment(message.reference)
        if payment is None:
            return Outcome("unknown", text=UNREADABLE)
        if message.kind == "capture":
            return of_capture(payment, message.reference)
        if message.kind == "void":
            return of_void(payment, message.reference)
        return _reversal_of(payment, message)

    async def movements_of(self, reference: str, about: str) -> list[Movement]:
        try:
            payment = await self._payment(reference)
        except (NotSentError, NoAnswerError) as error:
            raise unavailable(f"{error}") from None
        if payment is None:
            raise unavailable(UNREADABLE)
        return done_with(payment)

    async def news(self, since: datetime) -> set[str]:
        """Refunds, voids and declined settlements, of which the search knows no day."""
        found = set[str]()
        after, taken = (
            {"greaterThanOrEqualTo": f"{at:%FT%T.%fZ}"} for at in (since, since - SETTLES_WITHIN)
        )
        for name, wanted in (
            ("refunds", {"createdAt": after}),
            ("transactions", {"statusTransition": {"voidedAt": after}}),
            ("transactions", {"status": {"in": [SETTLEMENT_DECLINED]}, "createdAt": taken}),
        ):
            async for page in self._api.pages(name, wanted):
                found |= {str((one.get("refundedTransaction") or one)["id"]) for one in page}
        return found

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        try:
            return await disputes.answer(
                self._api, answer, self._clocks.monotonic() + answer.timeout_seconds
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)

    async def dispute_case(self, case_id: str) -> DisputeCase | None:
        return await disputes.case(self._api, case_id)

    async def describe(self, stored: Stored) -> Stored | None:
        return await account.described(self._api, stored, self.name)

    async def own_retries(self) -> list[OwnRetry]:
        """Braintree's subscriptions are another product: no invoice of ours is charged by it."""
        return []

    def lines(self, begin: datetime, end: datetime) -> AsyncIterator[list[StatementLine]]:
        return account.lines(self._api, begin, end)

    async def check(self) -> list[Finding]:
        return await account.findings(self._api, self._accounts)

    def read_notices(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Notice]:
        return [account.read_notice(body, (self._keys, *self._older))]

    def answer_challenge(self, query: Mapping[str, str]) -> Acknowledgement | None:
        return account.challenged(query, self._keys)


def _order_id(charge: Charge) -> str:
    """The order id sent with a charge; its beginning finds all charges of an order."""
    return f"{charge.order_key}.{charge.key}"


def _reversal_of(payment: Payment, message: ModificationMessage) -> Outcome:
    """A whole refund may have become a void, or a refund without our id."""
    if payment.amount.units() == message.units:
        found = of_void(payment, str(message.reference))
        if found.state == "approved":
            return found
        for refund in payment.refunds or []:
            unnamed = refund.key in (None, str(message.charge_key))
            if unnamed and refund.amount.units() == message.units and refund.status in TAKEN:
                return replace(of_refund(refund, str(message.key)), other_id=False)
    return Outcome("not_found")


def _initiator(charge: Charge) -> str | None:
    """The payment initiator; None for a payment that its customer makes, unless it starts an
    agreement or came by mail or telephone."""
    if charge.initiator == "customer" and charge.sequence == 1:
        return _FIRSTS.get(charge.mit_reason or charge.agreement or "")
    if charge.exemption == "moto":
        return "MOTO"
    if charge.mit_reason is None:
        return None
    return _INITIATORS.get(charge.mit_reason) or _INITIATORS.get(
        charge.agreement or "", "UNSCHEDULED"
    )


def _authenticated(given: Mapping[str, str]) -> dict[str, str] | None:
    """The authentication as Braintree takes it; None for what it has no words for: it would refuse
    the whole charge."""
    indicator, version = given.get("ecommerceIndicator") or "", given.get("threeDsVersion") or ""
    if not _INDICATOR.fullmatch(indicator) or version and not _VERSION.fullmatch(version):
        return None
    known = {
        "eciFlag": indicator,
        "cavv": given.get("authenticationValue"),
        "version": version,
        "directoryServerTransactionId": given.get("directoryServerTransactionId"),
    }
    return {name: value for name, value in known.items() if value}
