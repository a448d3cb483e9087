"""The bridge's wire: our messages as JSON, and its answers as outcomes. docs/processors.md says the
same."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from recoup.kernel.filled import filled
from recoup.kernel.time import iso
from recoup.networks.codes import code_of
from recoup.networks.decline_code import our_code
from recoup.processors.gateways.credential import Card, Credential, CredentialNews, Token
from recoup.processors.gateways.port import (
    Charge,
    DisputeAnswer,
    Fault,
    ModificationMessage,
    Outcome,
    PayerAtHand,
)
from recoup.processors.gateways.token_service import UNKNOWN as UNKNOWN_TOKEN
from recoup.processors.gateways.token_service import (
    Answer,
    CryptogramRequest,
    TokenAnswer,
    TokenRequest,
)
from recoup.processors.gateways.updater import UNKNOWN, CardUpdate, UpdateInquiry
from recoup.processors.rules.credential import TOKEN_ON_WIRE, TokenState

NOT_PROCESSED: Final = "not_processed"


class News(msgspec.Struct, frozen=True, rename="camel"):
    """News from a bridge of the credential: see `CredentialNews`."""

    exp_month: int | None = None
    exp_year: int | None = None
    id: str | None = None
    account_reference: str | None = None
    fingerprint: str | None = None
    closed: bool = False
    token_state: TokenState | None = None


class BridgeAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A bridge's answer. `id` is ours; what it leaves out is not known."""

    id: UUID
    state: Literal[
        "approved", "declined", "unknown", "not_processed", "not_found", "awaiting_payer"
    ]
    reference: str | None = None
    scheme_code: str | None = None
    advice_code: str | None = None
    processor_code: str | None = None
    text: str | None = None
    network_transaction_id: str | None = None
    amount: int | None = None
    currency: str | None = None
    fault: Fault | None = None
    reached_network: bool | None = None
    network_attempts: int = 1
    sca_wanted: bool = False
    processor_advice: str | None = None
    category: str | None = None
    avs: str | None = None
    cvv: str | None = None
    cavv: str | None = None
    risk: str | None = None
    risk_score: int | None = None
    auth_code: str | None = None
    retries_itself_at: datetime | None = None
    credential_news: News | None = None
    redirect_url: str | None = None


class BridgeMessages(msgspec.Struct, frozen=True):
    """All that a bridge has of an order, charges and what followed them; `id`: our key for the
    order."""

    id: UUID
    messages: list[BridgeAnswer]


_SAME: Final = (
    "reference", "scheme_code", "advice_code", "text", "network_transaction_id", "currency",
    "category", "avs", "cvv", "cavv", "risk", "auth_code",
)  # fmt: skip


def charge_body(charge: Charge) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": charge.key,
        "orderId": charge.order_key,
        "merchantId": charge.merchant_id,
        "acceptorId": charge.acceptor_id,
        "amount": charge.units,
        "currency": charge.currency,
        "initiator": charge.initiator,
        "capture": charge.capture,
        "descriptor": charge.descriptor,
        "sentAt": iso(charge.sent_at),
        "phone": charge.phone,
        "agreement": charge.agreement,
        "networkTransactionId": charge.first_network_id,
        "latestNetworkTransactionId": charge.latest_network_id,
        "threeDSecure": charge.three_d_secure,
        "mitReason": charge.mit_reason,
        "sequence": charge.sequence,
        "exemption": charge.exemption,
        "invoice": charge.invoice,
        "send": charge.n,
    }
    if charge.part_from is not None:
        body["partFrom"] = charge.part_from
    return body | _credential(charge.credential)


def payer_body(payer: PayerAtHand) -> dict[str, Any]:
    said = payer.browser
    browser: dict[str, Any] = {"accept": said.accept, "userAgent": said.user_agent}
    if said.is_whole:
        browser |= {
            "language": said.language,
            "colorDepth": said.color_depth,
            "screenHeight": said.height,
        }
        browser |= {
            "screenWidth": said.width,
            "timeZoneOffset": said.offset,
            "javaEnabled": said.java,
        }
    return {"returnUrl": payer.return_url, "authenticate": payer.is_wanted, "browser": browser}


def _credential(credential: Credential) -> dict[str, Any]:
    if isinstance(credential, Card):
        card = {
            "number": credential.pan,
            "expMonth": credential.exp_month,
            "expYear": credential.exp_year,
            "scheme": credential.scheme,
            "cvv": credential.cvv,
        }
        return {"card": card}
    if isinstance(credential, Token):
        token = {
            "number": credential.number,
            "expMonth": credential.exp_month,
            "expYear": credential.exp_year,
            "scheme": credential.scheme,
            "requestorId": credential.requestor_id,
            "cryptogram": credential.cryptogram,
        }
        return {TOKEN_ON_WIRE: token}
    return {
        "storedMethod": {
            "id": credential.id,
            "customer": credential.customer,
            "scheme": credential.scheme,
        }
    }


class BridgeCard(msgspec.Struct, frozen=True, rename="camel"):
    """The card from now on; without `number` the number stays."""

    exp_month: int
    exp_year: int
    number: str | None = None


class BridgeUpdate(msgspec.Struct, frozen=True, rename="camel"):
    id: UUID
    state: Literal["updated", "unchanged", "closed", "contact", "unknown"]
    card: BridgeCard | None = None


def update_body(inquiry: UpdateInquiry) -> dict[str, Any]:
    return {
        "id": inquiry.id,
        "merchantId": inquiry.merchant_id,
        "acceptorId": inquiry.acceptor_id,
    } | _credential(
        replace(inquiry.card, cvv=None) if isinstance(inquiry.card, Card) else inquiry.card
    )


def update_of(id: UUID, answer: BridgeUpdate | None) -> CardUpdate:
    """`answer`: None for what cannot be read."""
    if (
        answer is None
        or answer.id != id
        or (answer.state == "updated") is not (answer.card is not None)
    ):
        return UNKNOWN
    card = answer.card
    return (
        CardUpdate(answer.state, card.number, card.exp_month, card.exp_year)
        if card
        else CardUpdate(answer.state)
    )


class BridgeToken(msgspec.Struct, frozen=True, rename="camel"):
    """Standing of a network token."""

    id: UUID
    state: Answer
    number: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    requestor_id: str | None = None
    account_reference: str | None = None


class BridgeCryptogram(msgspec.Struct, frozen=True, rename="camel"):
    """`cryptogram` None: it gives none."""

    id: UUID
    cryptogram: str | None = None


def token_body(request: TokenRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "merchantId": request.merchant_id,
        "acceptorId": request.acceptor_id,
    } | _credential(replace(request.card, cvv=None))


def cryptogram_body(request: CryptogramRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "tokenId": request.token_id,
        "merchantId": request.merchant_id,
        "amount": request.units,
        "currency": request.currency,
        "send": request.send,
    }


def token_of(id: UUID, answer: BridgeToken | None) -> TokenAnswer:
    """`answer`: None for what cannot be read."""
    if answer is None or answer.id != id:
        return UNKNOWN_TOKEN
    expiry = (answer.exp_month, answer.exp_year)
    return TokenAnswer(
        answer.state, answer.number, *expiry, answer.requestor_id, answer.account_reference
    )


def modification_body(message: ModificationMessage) -> dict[str, Any]:
    return {
        "id": message.key,
        "chargeId": message.charge_key,
        "kind": message.kind,
        "amount": message.units,
        "currency": message.currency,
        "sentAt": iso(message.sent_at),
        "reference": message.reference,
        "finalPart": message.final_part,
        "capturedBefore": message.captured_before,
    }


def dispute_body(answer: DisputeAnswer, *, with_files: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": answer.key,
        "caseRef": answer.case_ref,
        "chargeId": answer.charge_key,
        "answer": answer.answer,
        "evidence": answer.evidence,
        "sentAt": iso(answer.sent_at),
    }
    if with_files:
        body["files"] = [
            {
                "name": file.name,
                "mediaType": file.media_type,
                "content": b64encode(file.content).decode(),
            }
            for file in answer.files
        ]
    return body


def outcome_of(
    id: UUID, body: Mapping[str, Any] | None, answer: BridgeAnswer | None, latency_ms: int
) -> Outcome:
    """`body`: of the message, None for an inquiry; `answer`: None for what cannot be read."""
    if answer is None or answer.state == "not_found" and body is not None:
        return Outcome("unknown", text="the answer could not be read", latency_ms=latency_ms)
    if answer.id != id:
        return Outcome(
            "unknown", text="the answer could not be read", latency_ms=latency_ms, other_id=True
        )
    if answer.state == "not_processed":
        text = "refused before it was processed"
        return Outcome(
            "not_sent",
            processor_code=our_code(NOT_PROCESSED),
            text=text,
            latency_ms=latency_ms,
            fault=answer.fault,
        )
    number = _number_in(body or {})
    texts: dict[str, Any] = {name: _without(number, getattr(answer, name)) for name in _SAME}
    return filled(
        Outcome,
        answer,
        **texts,
        processor_code=code_of(None, _without(number, answer.processor_code)),
        processor_advice=code_of(None, _without(number, answer.processor_advice)),
        state="awaits_payer" if answer.state == "awaiting_payer" else answer.state,
        latency_ms=latency_ms,
        units=answer.amount,
        credential_news=_news(answer.credential_news),
    )


def _news(said: News | None) -> CredentialNews | None:
    if said is None:
        return None
    return filled(CredentialNews, said, is_closed=said.closed, standing=said.token_state)


def _number_in(body: Mapping[str, Any]) -> str:
    """The number of the card or the network token that a message is made with; empty where there is
    none."""
    return str((body.get("card") or body.get(TOKEN_ON_WIRE) or {}).get("number", ""))


def _without(pan: str, text: str | None) -> str | None:
    """A processor may say the card's number back: in an id, too, it is masked."""
    return text.replace(pan, f"{pan[:6]}…{pan[-4:]}") if text and pan else text
