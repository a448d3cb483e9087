"""Disputes at Braintree: read, answered with text evidence, accepted. A notice names one by its
legacy id, GraphQL by another: we keep the first."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any, Final, Literal

import msgspec

from recoup.networks.disputes import Stage, Status
from recoup.processors.gateways.connector import DisputeCase
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import DisputeAnswer
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply
from recoup_connectors.braintree.api import Api, unavailable
from recoup_connectors.braintree.outcomes import (
    UNREADABLE,
    Money,
    answer_of,
    found_at,
    of_error,
    of_refusal,
    read,
)

EVIDENCE_MAX: Final = 60_000
_DONE: Final[Mapping[str, frozenset[str]]] = {
    "contest": frozenset({"DISPUTED", "UNDER_REVIEW", "WON", "LOST"}),
    "accept": frozenset({"ACCEPTED", "AUTO_ACCEPTED", "LOST"}),
}
_STAGES: Final[Mapping[str, Stage]] = {
    "RETRIEVAL": "inquiry", "PRE_ARBITRATION": "pre_arbitration",
}  # fmt: skip
STANDINGS: Final[Mapping[str, Status]] = {
    "OPEN": "open", "DISPUTED": "answered", "UNDER_REVIEW": "answered", "WON": "won",
    **dict.fromkeys(("LOST", "ACCEPTED", "AUTO_ACCEPTED", "EXPIRED"), "lost"),
}  # fmt: skip


class Evidence(msgspec.Struct, frozen=True):
    content: str | None = None


class Change(msgspec.Struct, frozen=True):
    status: str | None = None
    effectiveDate: str | None = None


class Reason(msgspec.Struct, frozen=True):
    reasonCode: str | None = None


class About(msgspec.Struct, frozen=True):
    id: str
    orderId: str | None = None


class Dispute(msgspec.Struct, frozen=True):
    id: str
    legacyId: str
    status: str
    amountDisputed: Money
    type: str | None = None
    receivedDate: str | None = None
    replyByDate: str | None = None
    amountWon: Money | None = None
    processorResponse: Reason | None = None
    transaction: About | None = None
    statusHistory: list[Change] | None = None
    evidence: list[Evidence] | None = None


async def case(api: Api, case_id: str) -> DisputeCase | None:
    """Raises: Problem(unavailable)."""
    try:
        found = await _dispute(api, case_id)
    except (NotSentError, NoAnswerError) as error:
        raise unavailable(f"{error}") from None
    if isinstance(found, Outcome) and found.fault not in ("request", "credential"):
        raise unavailable(found.text or UNREADABLE)
    if (
        not isinstance(found, Dispute)
        or found.transaction is None
        or found.amountDisputed.units() <= 0
    ):
        return None
    return DisputeCase(
        case_id,
        found.transaction.id,
        found.amountDisputed.units(),
        found.amountDisputed.currencyCode,
        _STAGES.get(found.type or "", "first"),
        STANDINGS.get(found.status, "open"),
        (found.processorResponse or Reason()).reasonCode or "",
        _end_of(found.replyByDate),
    )


async def answer(api: Api, message: DisputeAnswer, until: float) -> Outcome:
    """The same text is put in once; what was finalised is not finalised again. Raises:
    NotSentError, NoAnswerError."""
    found = await _dispute(api, message.case_ref, until)
    if not isinstance(found, Dispute):
        return found
    if found.status != "OPEN":
        return _standing_of(message, found)
    before = message.send_before_monotonic
    if message.answer == "contest":
        text = message.evidence[:EVIDENCE_MAX]
        if text not in [one.content for one in found.evidence or []]:
            form: dict[str, Any] = {"disputeId": found.id, "category": "GENERAL", "content": text}
            reply = await api.call(
                "createDisputeTextEvidence",
                {"input": form},
                key=f"{message.key}.e",
                until=until,
                send_before=before,
            )
            if found_at(_whole(reply), "createDisputeTextEvidence", "evidence") is None:
                return of_refusal(reply)
    name = "finalizeDispute" if message.answer == "contest" else "acceptDispute"
    variables = {"input": {"disputeId": found.id}}
    reply = await api.call(name, variables, key=str(message.key), until=until, send_before=before)
    done = read(Dispute, found_at(_whole(reply), name, "dispute"))
    return _standing_of(message, done) if done is not None else of_refusal(reply)


async def look(api: Api, message: DisputeAnswer) -> Outcome:
    """Raises: NotSentError, NoAnswerError."""
    found = await _dispute(api, message.case_ref)
    if not isinstance(found, Dispute):
        return Outcome("unknown", text=UNREADABLE)
    return Outcome("not_found") if found.status == "OPEN" else _standing_of(message, found)


def _standing_of(message: DisputeAnswer, found: Dispute) -> Outcome:
    if found.legacyId != message.case_ref:
        return Outcome("unknown", text=UNREADABLE, other_id=True)
    state: Literal["approved", "unknown"] = (
        "approved" if found.status in _DONE[message.answer] else "unknown"
    )
    return Outcome(state, message.case_ref, text=found.status.lower())


async def _dispute(api: Api, case_ref: str, until: float | None = None) -> Dispute | Outcome:
    """Finds the dispute of a case. It is only read so far, so a refusal means that nothing was
    sent. Raises: NotSentError, NoAnswerError."""
    try:
        reply = await api.call(
            "idFromLegacyId", {"legacyId": case_ref, "type": "DISPUTE"}, until=until
        )
        id = found_at(_whole(reply), "idFromLegacyId")
        if isinstance(id, str):
            reply = await api.call("dispute", {"id": id}, until=until)
            found = read(Dispute, found_at(_whole(reply), "node"))
            if found is not None:
                return found
    except NoAnswerError as error:
        raise NotSentError(f"{error}") from None
    said = of_error(reply)
    return Outcome(
        "not_sent", processor_code=said.processor_code, text=said.text, fault=said.fault or "outage"
    )


def _whole(reply: Reply) -> Any:
    return answer_of(reply) if reply.status == 200 else None


def _end_of(day: str | None) -> datetime | None:
    try:
        return (
            datetime.combine(datetime.fromisoformat(day), time(23, 59, tzinfo=UTC)) if day else None
        )
    except ValueError:
        return None
