"""Stripe as a route: charges, what follows them, and what its account, books and notices say."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import msgspec

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import Clocks
from recoup.networks.decline_code import our_code
from recoup.networks.disputes import AT_ITS_STAGE, NoticeStage, Status
from recoup.processors.gateways.connector import (
    DisputeCase,
    Finding,
    Notice,
    OwnRetry,
    refund_found,
)
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import (
    Asks,
    Authenticates,
    Charge,
    DisputeAnswer,
    Inquiry,
    LookUp,
    ModificationMessage,
    StatementLine,
)
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply
from recoup.processors.gateways.vendor_account import unanswered
from recoup.processors.rules.answers import Movement
from recoup_connectors import findings as findings
from recoup_connectors.stripe import amounts
from recoup_connectors.stripe.api import (
    Api,
    checked_rights,
    checked_webhooks,
    country_of,
    lines_of,
    read_as,
    read_event,
    reason_of,
    refused_field,
    unavailable,
)
from recoup_connectors.stripe.charges import Charges
from recoup_connectors.stripe.compelling import FIELD, enhanced
from recoup_connectors.stripe.invoices import Invoices
from recoup_connectors.stripe.outcomes import (
    OUR_ID,
    UNREADABLE,
    Intent,
    Refund,
    ids_of,
    of_refund,
    of_refusal,
    read,
)

URL: Final = "https://api.stripe.com"
EVIDENCE_MAX: Final = 20_000  # of one text
_BY_TIME: Final = ("automatic", "expired")  # why a hold is gone that nobody released
# What ends a case ends it at whatever stage it has come to: the book has no other word for an
# appeal's end.
STANDINGS: Final[Mapping[str, tuple[NoticeStage, Status]]] = {
    "needs_response": ("first", "open"), "under_review": ("first", "answered"),
    "warning_needs_response": ("inquiry", "open"), "warning_under_review": ("inquiry", "answered"),
    "warning_closed": ("inquiry", "won"), "appeal_needs_response": ("pre_arbitration", "open"),
    "appeal_under_review": ("pre_arbitration", "answered"), "won": (AT_ITS_STAGE, "won"),
    "lost": (AT_ITS_STAGE, "lost"),
}  # fmt: skip


class MethodCard(msgspec.Struct, frozen=True):
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    funding: str | None = None
    country: str | None = None
    fingerprint: str | None = None


class Method(msgspec.Struct, frozen=True):
    """A payment method."""

    id: str
    customer: str | None = None
    card: MethodCard | None = None


class Case(msgspec.Struct, frozen=True):
    """A dispute. `amount` as Stripe has it."""

    id: str
    status: str
    amount: int
    currency: str
    reason: str
    payment_intent: str | None = None
    network_reason_code: str | None = None
    evidence_details: dict[str, Any] = {}
    balance_transactions: list[dict[str, Any]] = []


def check_mode(key: str, world: str) -> None:
    """Raises: Problem(invalid) for a live key in the sandbox, or a test key in live."""
    mode = next(
        (mode for mode in ("live", "test") if key.startswith((f"rk_{mode}_", f"sk_{mode}_"))), None
    )
    if (mode, world) in (("live", "sandbox"), ("test", "live")):
        cure = f"Use a {'test' if world == 'sandbox' else 'live'} key."
        raise Problem("invalid", "The key is of the other mode.", field="key_file", cure=cure)


def _disputed(case: Case) -> DisputeCase | None:
    """The dispute of a case; None for one of nothing that a route charged."""
    currency = case.currency.upper()
    units, due = amounts.units_of(case.amount, currency), case.evidence_details.get("due_by")
    if case.payment_intent is None or units is None or units <= 0:
        return None
    return DisputeCase(
        case.id,
        case.payment_intent,
        units,
        currency,
        *_standing(case),
        case.network_reason_code or "",
        datetime.fromtimestamp(due, UTC) if isinstance(due, int) else None,
        _fee(case, currency),
    )


def _standing(case: Case) -> tuple[NoticeStage, Status]:
    """Stage and status. The money tells how a prevented one ended: it went back to the cardholder,
    or never left."""
    if case.status != "prevented":
        return STANDINGS.get(case.status, ("first", "open"))
    moved = sum(
        int(transaction["amount"])
        for transaction in case.balance_transactions
        if isinstance(transaction.get("amount"), int)
    )
    return (AT_ITS_STAGE, "lost" if moved < 0 else "won")


def _fee(case: Case, currency: str) -> int:
    """The dispute fee. What is not given back counts once, when it was taken."""
    taken = [
        transaction
        for transaction in case.balance_transactions
        if str(transaction.get("currency", "")).upper() == currency
    ]
    fees = [
        amounts.units_of(int(one["fee"]), currency) or 0
        for one in taken
        if isinstance(one.get("fee"), int)
    ]
    return max(0, sum(fees))


def _done(message: ModificationMessage) -> str:
    """The intent's status once the message is done."""
    if message.kind == "void":
        return "succeeded" if message.captured_before else "canceled"
    return "succeeded" if message.final_part else "requires_capture"


def _case(reply: Reply) -> Case | None:
    return read(Case, reply) if reply.status == 200 else None


class Stripe(Charges, Invoices):
    """Implements `connector.Connector`. Make it inside a running loop, close it there."""

    kind = "stripe"
    asks: Asks = "by_our_key"
    authenticates: Authenticates = "by_redirect"
    idempotency_window = timedelta(hours=24)
    multicapture = True  # whether a charge allows it stands in the charge

    def __init__(
        self,
        *,
        key: str,
        name: str = "stripe",
        url: str = URL,
        account: str = "",
        acceptor_id: str = "",
        notice_secrets: tuple[str, ...] = (),
        clocks: Clocks | None = None,
    ) -> None:
        """`account`: a connected one, on whose behalf the key acts. `notice_secrets`: the present
        signing secret, and while it rolls the one before."""
        super().__init__(name, acceptor_id, clocks)
        self._api = Api(url or URL, key, account, self._clocks)
        self._key, self._account, self._notice_secrets = key, account, notice_secrets
        self.live = key.startswith(("sk_live_", "rk_live_"))

    def exponent(self, currency: str) -> int | None:
        return amounts.exponent(currency)

    def carries(self, units: int, currency: str) -> bool:
        return amounts.wire_amount(units, currency) is not None

    def brought_back(self, query: Mapping[str, str]) -> str | None:
        """Reads nothing of the query: the intent says where it stands."""
        return ""

    async def _inquire(self, inquiry: Inquiry) -> Outcome:
        message = inquiry.message
        match message:
            case Charge() if message.invoice:
                return await self.look_at_invoice(message, inquiry)
            case Charge():
                return await self.look_at_charge(message, inquiry)
            case ModificationMessage():
                return await self._look_at_modification(message)
            case DisputeAnswer():
                return await self._look_at_dispute(message)
        reply = await self._api.get(f"/v1/payment_intents/pi_{inquiry.key.hex}")
        return Outcome(
            "not_found" if reply.status == 404 else "unknown", text=f"HTTP {reply.status}"
        )

    async def _look_up(self, question: LookUp) -> Outcome:
        message = question.message
        if isinstance(message, Charge):
            return await self.look_up_charge(message, question)
        return await self._look_at_modification(message)

    async def modify(self, message: ModificationMessage) -> Outcome:
        until = self._clocks.monotonic() + message.timeout_seconds
        if message.reference is None:
            return Outcome("not_sent", text="Stripe's own reference is not known", fault="request")
        amount = amounts.wire_amount(message.units, message.currency)
        if (
            amount is None and message.kind != "void"
        ):  # without an amount Stripe moves all that is there
            return Outcome("not_sent", text="Stripe does not carry this amount", fault="request")
        path, form = f"/v1/payment_intents/{message.reference}", dict[str, Any]()
        match message.kind:
            case "refund":
                path, form = "/v1/refunds", {"payment_intent": message.reference, "amount": amount}
                form["metadata"] = {OUR_ID: message.key}
            case "capture":
                path, form = f"{path}/capture", {"amount_to_capture": amount}
                form["final_capture"] = None if message.final_part else False
            case "void" if message.captured_before:
                path, form = f"{path}/capture", {"amount_to_capture": 0, "final_capture": True}
            case "void":
                path = f"{path}/cancel"
        try:
            if (
                not message.final_part
                and (said := await self._one_capture(message.reference)) is not None
            ):
                return said
            before = message.send_before_monotonic
            reply = await self._api.post(
                path, form, str(message.key), until=until, send_before=before
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)
        if reply.status != 200:
            return of_refusal(reply, frozenset({"payment_intent_unexpected_state"}))
        return self._modified(message, reply)

    async def _one_capture(self, reference: str) -> Outcome | None:
        """The outcome where no further capture could follow a part of this charge; None when one
        can. Raises: NotSentError, NoAnswerError."""
        reply = await self._api.get(
            f"/v1/payment_intents/{reference}", {"expand": ["latest_charge"]}
        )
        intent = read(Intent, reply) if reply.status == 200 else None
        if intent is None:
            return Outcome("not_sent", text=UNREADABLE, fault="outage")
        once = Outcome("declined", intent.id, processor_code=our_code("one_capture_only"))
        return None if intent.takes_parts else once

    def _modified(self, message: ModificationMessage, reply: Reply) -> Outcome:
        if message.kind == "refund":
            refund = read(Refund, reply)
            return (
                of_refund(refund, message.key)
                if refund is not None
                else Outcome("unknown", text=UNREADABLE)
            )
        intent = read(Intent, reply)
        if intent is None or intent.id != message.reference:
            return Outcome("unknown", text=UNREADABLE, other_id=intent is not None)
        if intent.status != _done(message):
            return Outcome("unknown", intent.id, text=intent.status)
        currency = intent.currency.upper()
        taken, whole = (
            amounts.units_of(one, currency) for one in (intent.amount_received, intent.amount)
        )
        if taken is None or whole is None:
            return Outcome("unknown", intent.id, text=UNREADABLE)
        units = taken - message.captured_before if message.kind == "capture" else whole - taken
        return Outcome("approved", intent.id, units=units, currency=currency)

    async def _look_at_modification(self, message: ModificationMessage) -> Outcome:
        if message.reference is None:
            return Outcome("not_sent", text="Stripe's own reference is not known")
        if message.kind == "refund":
            async for page in self._api.pages("/v1/refunds", {"payment_intent": message.reference}):
                for one in page:
                    if (one.get("metadata") or {}).get(OUR_ID) == str(message.key):
                        return of_refund(read_as(Refund, one), message.key)
            return Outcome("not_found")
        reply = await self._api.get(f"/v1/payment_intents/{message.reference}")
        intent = read(Intent, reply) if reply.status == 200 else None
        if intent is None:
            return Outcome("unknown", text=UNREADABLE)
        taken = amounts.units_of(intent.amount_received, intent.currency.upper())
        if intent.status == "requires_capture" and taken == message.captured_before:
            return Outcome("not_found")
        if intent.status == _done(message):
            return self._modified(message, reply)
        return Outcome("declined", intent.id, processor_code=our_code(f"already_{intent.status}"))

    async def movements_of(self, reference: str, about: str) -> list[Movement]:
        intent = read(Intent, reply := await self._read(f"/v1/payment_intents/{reference}"))
        if intent is None or intent.id != reference:
            raise unavailable(reason_of(reply))
        currency, found = intent.currency.upper(), list[Movement]()
        if (
            intent.status == "canceled"
            and intent.latest_charge
            and intent.cancellation_reason not in _BY_TIME
        ):
            found.append(Movement("void", intent.id, 0, currency))
        taken = amounts.units_of(intent.amount_received, currency)
        if taken:
            final = intent.status != "requires_capture"
            found.append(
                Movement(
                    "capture",
                    intent.id,
                    taken,
                    currency,
                    ids=ids_of(intent.latest_charge),
                    final=final,
                )
            )
        form = {"payment_intent": reference, "expand": ["data.balance_transaction"]}
        async for page in self._api.pages("/v1/refunds", form):
            for one in read_as(list[Refund], page[::-1]):
                key = parse_id(one.metadata.get(OUR_ID) or "")
                found += [] if one.is_uncaptured else refund_found(of_refund(one, key), key)
        return found

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        path, form = f"/v1/disputes/{answer.case_ref}", dict[str, Any]()
        if answer.answer == "contest":
            evidence = {
                "uncategorized_text": answer.evidence[:EVIDENCE_MAX],
                FIELD: enhanced(answer.compelling),
            }
            form = {"evidence": evidence, "submit": True, "metadata": {OUR_ID: answer.key}}
        else:
            path += "/close"
        try:
            until = self._clocks.monotonic() + answer.timeout_seconds
            before = answer.send_before_monotonic
            reply = await self._api.post(
                path, form, str(answer.key), until=until, send_before=before
            )
            if reply.status == 400 and FIELD in refused_field(reply):  # the text says it, too
                evidence = form["evidence"] | {FIELD: None}
                form |= {"evidence": evidence}
                reply = await self._api.post(
                    path, form, f"{answer.key}.t", until=until, send_before=before
                )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)
        return (
            self._of_case(answer, reply) if reply.status == 200 else of_refusal(reply, frozenset())
        )

    async def _look_at_dispute(self, answer: DisputeAnswer) -> Outcome:
        reply = await self._api.get(f"/v1/disputes/{answer.case_ref}")
        outcome = (
            self._of_case(answer, reply)
            if reply.status == 200
            else Outcome("unknown", text=UNREADABLE)
        )
        return Outcome("not_found") if outcome.text == "needs_response" else outcome

    def _of_case(self, answer: DisputeAnswer, reply: Reply) -> Outcome:
        case = _case(reply)
        if case is None or case.id != answer.case_ref:
            return Outcome("unknown", text=UNREADABLE)
        done = {
            "contest": ("under_review", "won", "lost", "warning_under_review"),
            "accept": ("lost", "warning_closed"),
        }
        return Outcome(
            "approved" if case.status in done[answer.answer] else "unknown",
            case.id,
            text=case.status,
        )

    async def dispute_case(self, case_id: str) -> DisputeCase | None:
        reply = await self._read(f"/v1/disputes/{case_id}")
        case = _case(reply)
        if case is None and reply.status != 404:
            raise unavailable(reason_of(reply))
        return _disputed(case) if case is not None and case.id == case_id else None

    async def describe(self, stored: Stored) -> Stored | None:
        reply = await self._read(f"/v1/payment_methods/{quote(stored.id, safe='')}")
        found = read(Method, reply) if reply.status == 200 else None
        if found is None and reply.status != 404:
            raise unavailable(reason_of(reply))
        if found is None or found.customer is None or found.card is None:
            return None
        if stored.customer is not None and stored.customer != found.customer:
            return None
        card = found.card
        return Stored(
            self.name,
            found.id,
            found.customer,
            card.brand or "generic",
            card.last4,
            card.exp_month,
            card.exp_year,
            card.funding,
            card.country,
            card.fingerprint,
        )

    async def own_retries(self) -> list[OwnRetry]:
        form, found = (
            {"status": "open", "collection_method": "charge_automatically"},
            list[OwnRetry](),
        )
        async for page in self._api.pages("/v1/invoices", form):
            for one in page:
                at = one.get("next_payment_attempt")
                if one.get("auto_advance") is True and isinstance(at, int):
                    found.append(OwnRetry(str(one["id"]), datetime.fromtimestamp(at, UTC)))
        return found

    async def lines(self, begin: datetime, end: datetime) -> AsyncIterator[list[StatementLine]]:
        """The fee of a movement is a line of its own, under the same reference."""
        created = {"gte": int(begin.timestamp()), "lt": int(end.timestamp())}
        form = {"created": created, "expand": ["data.source"]}
        async for page in self._api.pages("/v1/balance_transactions", form):
            yield [line for one in page for line in lines_of(one)]

    async def check(self) -> list[Finding]:
        rights, country, webhooks, retrying = await asyncio.gather(
            checked_rights(self._api),
            country_of(self._api),
            checked_webhooks(self._api, f"/inbound/{self.name}/notices"),
            self._retrying(),
        )
        return [*rights, self._mode(), *country, *webhooks, retrying]

    def _mode(self) -> Finding:
        cure = findings.RESTRICT
        if self._key.startswith("rk_"):
            mode = findings.LIVE_KEY if self.live else findings.TEST_KEY
            return Finding("key", True, mode)
        return Finding("key", False, findings.ANY_KEY, cure)

    async def _retrying(self) -> Finding:
        try:
            found = await self.own_retries()
        except Problem as problem:
            return Finding("own_retries", False, problem.message, problem.cure, billing=True)
        if not found:
            return Finding("own_retries", True, findings.NO_RETRIES, billing=True)
        cure = findings.STOP_RETRIES
        return Finding("own_retries", False, Sentence(findings.RETRIES, len(found)), cure)

    def read_notices(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Notice]:
        return [
            read_event(
                headers, body, now, self._notice_secrets, account=self._account, live=self.live
            )
        ]

    async def _read(self, path: str) -> Reply:
        """Raises: Problem(unavailable)."""
        try:
            return await self._api.get(path)
        except (NotSentError, NoAnswerError) as error:
            raise unavailable(f"{error}") from None
