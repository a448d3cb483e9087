"""Onboarding: what a merchant has shown that it can do, and what must hold before it goes live.
Pure: from what is stored.

Source: seed 004 (partner integration checklist, onboarding), contract §16.5.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, joined
from recoup.networks.descriptor import check_descriptor
from recoup.onboarding.rules.form import KINDS


class StepEvidence(NamedTuple):
    """Evidence that something happened: when, and with which order where there is one."""

    step: str
    at: datetime
    order_id: UUID | None
    external_id: str | None


class Task(NamedTuple):
    """`shows` is what turns it green, `next` what to do. The call: `$NAME` stands for what an
    earlier call answered, or what the merchant's credentials are called where they are printed."""

    step: str
    title: str
    shows: str
    next: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None


_CHECKS: Final[dict[str, Any]] = {
    "avsResultCode": "NA",
    "cvvResultCode": "NA",
    "cavvResultCode": "NA",
}
_DECLINED: Final[dict[str, Any]] = {
    "id": "psp-1", "amount": 4590, "currency": "USD", "responseCode": "202",
    "responseCodeSource": "nmi",
}  # fmt: skip
_EVALUATE: Final[dict[str, Any]] = {
    "isDeclined": True, "transaction": _DECLINED | _CHECKS,
    "paymentMethod": {"token": True, "cardNumber": "$CARD_TOKEN", "expirationMonth": 9,
    "expirationYear": 2031},
}  # fmt: skip
_CARD: Final = {"first_name": "Ana", "last_name": "Roe", "number": "$CARD",
"verification_value": "999", "month": "09",
                "year": "2031"}  # fmt: skip
TASKS: Final = (
    Task("token", "Access token obtained", "your program signs in with its key",
         "Sign in with your key: the answer's accessToken is $TOKEN for ten minutes.",
         "POST", "/v1/oauth2/token", {"AppKey": "$APP_KEY", "AppSecret": "$APP_SECRET"}),
    Task("transmit", "Transaction copied", "a copy of a payment of yours is kept",
         "Send a copy of each payment that you process, approved or declined.",
         "POST", "/v1/transmit", {
             "isDeclined": False, "isMIT": False, "orderId": "SO-1",
             "payer": {"email": "ana@example.com"},
             "paymentMethod": {}, "transaction": _DECLINED | _CHECKS | {"responseCode": "100"}}),
    Task("tokenize", "Card tokenized", "a card goes into the vault by /tokenize",
         "Take a $CARD that approves from /docs/test-cards; the answer's payment_method.token is "
         "$CARD_TOKEN.",
         "POST", "/v1/tokenize", {"payment_method": {"credit_card": _CARD}}),
    Task("cit", "Customer's payment: APPROVED", "a declined payment of a waiting customer is "
                                                "approved",
         "Evaluate a declined payment while the customer waits; the answer's orderId is $ORDER_ID.",
         "POST", "/v1/evaluate", _EVALUATE | {
             "isMIT": False, "orderId": "CIT-1", "idempotencyKey": "CIT-1",
             "customerIp": "203.0.113.24",
             "payer": {"phone": "+1 555 010 2030"}}),
    Task("mit", "Recurring payment: SUBMITTED", "a recurring payment is accepted and retried until "
                                                "its expiry",
         "Evaluate a declined recurring payment; $EXPIRY is two to three weeks from now, like "
         "2026-03-23T00:00:00Z.",
         "POST", "/v1/evaluate", _EVALUATE | {
             "isMIT": True, "isRecurring": True, "orderId": "MIT-1", "idempotencyKey": "MIT-1",
             "expiryDateUtc": "$EXPIRY"}),
    Task("webhook", "Webhook delivered", "an endpoint of yours, or of your partner, answers 2xx to "
                                         "an event",
         "Name the address that takes your webhooks; the next change of an order is posted there.",
         "POST", "/v1/webhooks", {"url": "$HOOK"}),
    Task("refund", "Refund", "part of an approved order is refunded",
    "Refund part of an approved order.",
         "POST", "/v1/orders/$ORDER_ID/refund", {"amountToRefund": "1.00"}),
    Task("reconciliation", "Reconciliation report", "the first period's report is ready",
         "It is ready minutes after a period's settlement; in the sandbox move the clock on by 8 "
         "days, on Developers.",
         "GET", "/v1/reconciliation?from=$FROM"),
)  # fmt: skip


def curl_line(task: Task, base: str) -> str:
    """The task as a line for a shell in which the names are set."""
    proof = "" if task.step == "token" else ' -H "Authorization: Bearer $TOKEN"'
    line = f'curl "{base}{task.path}"{proof}'
    if task.body is None:
        return line
    body = json.dumps(task.body).replace("'", "'\\''")
    return f"{line} -H 'Content-Type: application/json' -d '{_NAME.sub(_unquoted, body)}'"


_NAME: Final = re.compile(r"\$[A-Z_]+")


def _unquoted(match: re.Match[str]) -> str:
    """The name taken out of the single quotes, so that the shell fills it in."""
    return f"'\"{match[0]}\"'"


@frozen
class Facts:
    """Facts from the books. `switches`: of the merchant; `sites`: (name, descriptor, switches) of
    each that takes orders. `bank_states`: of all accounts. `is_active`: not paused. `country`: of
    the account at the acquirer."""

    evidence: Mapping[str, StepEvidence]
    has_fees: bool
    has_settlement: bool
    bank_states: frozenset[str]
    switches: Mapping[str, bool]
    sites: Sequence[tuple[str, str, Mapping[str, bool]]]
    is_active: bool
    country: str | None = None


class Condition(NamedTuple):
    """`explanation`: why it holds, or what is missing and who does it."""

    name: str
    title: str
    holds: bool
    explanation: str


def conditions(facts: Facts) -> tuple[Condition, ...]:
    """The conditions that must hold before a merchant goes live, in the order of the page."""
    open_ = [task.title for task in TASKS if task.step not in facts.evidence]
    terms = [
        word
        for word, there in (("fees", facts.has_fees), ("settlement", facts.has_settlement))
        if not there
    ]
    return (
        Condition(
            "checklist",
            "A green checklist",
            not open_,
            Sentence("Still open: {0}.", joined(open_, ", ")) if open_ else "All steps are done.",
        ),
        Condition(
            "terms",
            "Fees and settlement agreed",
            not terms,
            Sentence(
                "Not yet: {0}. The operator sets {1}.",
                joined(terms, " and "),
                "them" if len(terms) > 1 else "it",
            )
            if terms
            else "Fees and settlement.",
        ),
        _bank(facts.bank_states),
        _descriptors(facts),
        _switches(facts),
        Condition(
            "country",
            "The country of the account at the acquirer",
            bool(facts.country),
            Sentence("{0}.", facts.country) if facts.country else "Set it on Switches.",
        ),
        Condition(
            "active",
            "A merchant that is not paused",
            facts.is_active,
            "It takes new orders."
            if facts.is_active
            else "Its partner or the operator can resume it.",
        ),
    )


def kinds_on(facts: Facts) -> tuple[str, ...]:
    """Kinds of orders that the merchant and at least one of its sites take."""
    return tuple(
        kind
        for kind in KINDS
        if facts.switches.get(kind) and any(on.get(kind) for _, _, on in facts.sites)
    )


def _bank(states: frozenset[str]) -> Condition:
    holds = bool(states & {"verified", "active"})
    text = (
        "It was verified by two small amounts."
        if holds
        else "The owner adds it on Bank account and verifies it."
    )
    return Condition("bank", "A verified bank account", holds, text)


def _descriptors(facts: Facts) -> Condition:
    wrong = []
    for name, descriptor, _ in facts.sites:
        try:
            check_descriptor(descriptor)
        except Problem:
            wrong.append(name)
    holds = bool(facts.sites) and not wrong
    text = (
        Sentence("Without one that statements can show: {0}.", ", ".join(wrong))
        if wrong
        else "Statements show who charged."
    )
    return Condition(
        "descriptors",
        "A descriptor for every site",
        holds,
        text if facts.sites else "There is no site.",
    )


def _switches(facts: Facts) -> Condition:
    on = kinds_on(facts)
    text = (
        Sentence("{0}.", joined((KINDS[kind] for kind in on), ", "))
        if on
        else "No kind of order is on: switch one on."
    )
    return Condition("switches", "At least one kind of orders that is on", bool(on), text)
