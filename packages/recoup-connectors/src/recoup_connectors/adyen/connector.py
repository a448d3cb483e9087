"""Adyen as a route: one call charges, and is its own question; what follows a charge is decided by
notices."""

import base64
import re
import textwrap
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.networks.decline_code import our_code
from recoup.processors.gateways.connector import Acknowledgement, Finding, Notice, OwnRetry
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import (
    Asks,
    Authenticates,
    Charge,
    DisputeAnswer,
    Inquiry,
    ModificationMessage,
    StatementLine,
)
from recoup.processors.gateways.transport import NoAnswerError, NotSentError
from recoup.processors.gateways.vendor_account import unanswered
from recoup.processors.rules.authentication import RETURNED_MAX
from recoup_connectors import findings as findings
from recoup_connectors.adyen import amounts
from recoup_connectors.adyen.api import (
    DISPUTES,
    LIVE_HOST,
    REPORTS,
    TEST_HOST,
    Api,
    checked_rights,
    read_batch,
    reason_of,
    unavailable,
)
from recoup_connectors.adyen.charges import Charges
from recoup_connectors.adyen.events import REPORT
from recoup_connectors.adyen.outcomes import UNREADABLE, of_modification, of_refusal, read

MEDIA_TYPE: Final = "application/pdf"
WIDTH_MAX: Final = 95  # characters, of ten points on A4
LINES_MAX: Final = 60
_ESCAPED: Final = str.maketrans({"\\": r"\\", "(": r"\(", ")": r"\)"})


def pdf_of(text: str) -> bytes:
    """A dispute's evidence as PDF: schemes take documents of PDF, JPEG or TIFF alone. One font that
    every reader has, so what Latin letters cannot say is a question mark. The same text is the same
    file: a repeated call compares equal."""
    lines = [
        part
        for line in text.splitlines() or [""]
        for part in textwrap.wrap(line, WIDTH_MAX) or [""]
    ]
    pages = [lines[begin : begin + LINES_MAX] for begin in range(0, len(lines), LINES_MAX)]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        box = "/MediaBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R {box} /Contents {5 + 2 * number} 0 R >>".encode()
        )
        shown = b"\n".join(_shown(line) for line in page)
        stream = b"BT /F 10 Tf 12.5 TL 50 792 Td\n" + shown + b"\nET"
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream))
    return _file(objects)


def _shown(line: str) -> bytes:
    plain = "".join(one if one.isprintable() else " " for one in line).translate(_ESCAPED)
    return b"(" + plain.encode("cp1252", "replace") + b") '"


def _file(objects: list[bytes]) -> bytes:
    made, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        len(made),
    )
    return made + head + table + end


URL: Final = "https://checkout-test.adyen.com"
OWN_RETRIES_MAX: Final = 1_000
BATCHES_MAX: Final = 1_000
_VERBS: Final = {"refund": "refunds", "capture": "captures", "void": "cancels"}
_BATCH: Final = re.compile(r"settlement_detail_report_batch_(\d{1,9})\.csv")


class DisputeResult(msgspec.Struct, frozen=True, rename="camel"):
    success: bool
    error_message: str | None = None


class DefenseReason(msgspec.Struct, frozen=True, rename="camel"):
    defense_reason_code: str
    satisfied: bool
    defense_document_types: list[dict[str, Any]] = []


class DisputeReply(msgspec.Struct, frozen=True, rename="camel"):
    dispute_service_result: DisputeResult
    defense_reasons: list[DefenseReason] = []


class StoredCard(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    brand: str | None = None
    last_four: str | None = None
    expiry_month: str | None = None
    expiry_year: str | None = None
    alias: str | None = None


class StoredCards(msgspec.Struct, frozen=True, rename="camel"):
    stored_payment_methods: list[StoredCard] = []


def check_mode(url: str, world: str) -> None:
    """The mode of a key is that of its host. Raises: Problem(invalid) for the other world's."""
    host = urlsplit(url).hostname or ""
    if (world == "sandbox" and host.endswith(LIVE_HOST)) or (
        world == "live" and host.endswith(TEST_HOST)
    ):
        cure = f"Use Adyen's {'test' if world == 'sandbox' else 'live'} address and its key."
        raise Problem("invalid", "The address is of Adyen's other mode.", field="url", cure=cure)


class Adyen(Charges):
    """Implements `connector.Connector`. Make it inside a running loop, close it there."""

    kind = "adyen"
    asks: Asks = "by_replay"
    authenticates: Authenticates = "by_redirect"
    needs_customer = True
    idempotency_window = timedelta(days=7)
    acknowledgement = Acknowledgement(b"[accepted]")

    def __init__(
        self,
        *,
        key: str,
        account: str,
        name: str = "adyen",
        url: str = URL,
        acceptor_id: str = "",
        notice_secrets: tuple[str, ...] = (),
        clocks: Clocks | None = None,
        multicapture: bool = False,
    ) -> None:
        """`account`: the merchant account; `multicapture`: Adyen lets it capture a payment several
        times, else a part releases the rest. `notice_secrets`: HMAC keys in hex, of both kinds of
        notices, and while one rolls the one before. Raises: Problem(invalid) for a secret that is
        none."""
        super().__init__(name, acceptor_id, clocks)
        self.account, self.multicapture, self.keeps_rest = account, multicapture, multicapture
        try:
            self._secrets = [bytes.fromhex(secret) for secret in notice_secrets]
        except ValueError:
            cure = "Copy it from the webhook's settings at Adyen."
            raise Problem(
                "invalid", "An HMAC key is hexadecimal.", field="notice_secret_file", cure=cure
            ) from None
        self._api = Api(url or URL, key, self._clocks)
        self.live = (urlsplit(url).hostname or "").endswith(LIVE_HOST)
        self._retrying: dict[str, datetime] = {}
        self._newest_batch = 0

    def exponent(self, currency: str) -> int | None:
        return amounts.exponent(currency)

    def carries(self, units: int, currency: str) -> bool:
        return amounts.wire_amount(units, currency) is not None

    async def charge(self, charge: Charge) -> Outcome:
        outcome = await super().charge(charge)
        if (
            outcome.retries_itself_at
            and outcome.reference
            and len(self._retrying) < OWN_RETRIES_MAX
        ):
            self._retrying[outcome.reference] = outcome.retries_itself_at
        return outcome

    async def _inquire(self, inquiry: Inquiry) -> Outcome:
        """The message once more, if it may be sent: its key brings the answer that it had. What is
        refused now proves nothing of the send before."""
        message, first, payer = inquiry.message, inquiry.first_sent_at, inquiry.payer
        if (
            isinstance(message, Charge)
            and payer is not None
            and (payer.was_sent or payer.returned is not None)
        ):
            return await self.look_at_payer(message, payer)
        known = first is None or self._clocks.wall() < first + self.idempotency_window
        if not inquiry.may_send or not known or message is None:
            return Outcome(
                "unknown",
                inquiry.reference,
                text="only the message itself is a question, and it may not be sent",
            )
        match message:
            case Charge():
                said = await self.charge(message)
            case ModificationMessage():
                said = await self.modify(message)
            case DisputeAnswer():
                said = await self.answer_dispute(message)
        return replace(said, state="unknown") if said.state == "not_sent" else said

    def brought_back(self, query: Mapping[str, str]) -> str | None:
        """Adyen's own word of what its page came to, which only Adyen reads."""
        result = query.get("redirectResult", "")
        return (
            result
            if 0 < len(result) <= RETURNED_MAX and result.isascii() and result.isprintable()
            else None
        )

    async def modify(self, message: ModificationMessage) -> Outcome:
        amount = amounts.wire_amount(message.units, message.currency)
        if message.reference is None or amount is None:
            return Outcome("not_sent", text="Adyen's own reference is not known", fault="request")
        body: dict[str, Any] = {"merchantAccount": self.account, "reference": str(message.key)}
        if message.kind != "void":
            body["amount"] = {"value": amount, "currency": message.currency}
        path, seconds = (
            f"/payments/{message.reference}/{_VERBS[message.kind]}",
            message.timeout_seconds,
        )
        try:
            before = message.send_before_monotonic
            reply = await self._api.post(
                path, body, str(message.key), seconds=seconds, send_before=before
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)
        return of_modification(message, self.account, reply)

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        """A defence is a reason of Adyen's list, with a document where it wants one; the last of
        its calls decides."""
        case = {"merchantAccountCode": self.account, "disputePspReference": answer.case_ref}
        try:
            if answer.answer == "accept":
                return await self._disputed("acceptDispute", case, answer)
            reply = await self._api.post(
                f"{DISPUTES}/retrieveApplicableDefenseReasons", case, f"{answer.key}.r"
            )
            found = read(DisputeReply, reply) if reply.status == 200 else None
            if (
                found is None or not found.dispute_service_result.success
            ):  # it may be closed by the try before
                return Outcome(
                    "unknown", answer.case_ref, text="no reasons for a defence were read"
                )
            if not found.defense_reasons:
                return Outcome(
                    "declined", answer.case_ref, processor_code=our_code("no_defense_reason")
                )
            reason = next(
                (one for one in found.defense_reasons if one.satisfied), found.defense_reasons[0]
            )
            wanted = documents(reason, answer.evidence)
            if wanted:
                supplied = await self._disputed(
                    "supplyDefenseDocument", case | {"defenseDocuments": wanted}, answer
                )
                if supplied.state != "approved":
                    return (
                        replace(supplied, state="not_sent")
                        if supplied.state == "unknown"
                        else supplied
                    )
            return await self._disputed(
                "defendDispute", case | {"defenseReasonCode": reason.defense_reason_code}, answer
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)

    async def _disputed(self, call: str, body: Mapping[str, Any], answer: DisputeAnswer) -> Outcome:
        """Raises: NotSentError, NoAnswerError."""
        reply = await self._api.post(
            f"{DISPUTES}/{call}",
            body,
            f"{answer.key}.{call[0]}",
            seconds=answer.timeout_seconds,
            send_before=answer.send_before_monotonic,
        )
        found = read(DisputeReply, reply) if reply.status == 200 else None
        if found is None:
            return of_refusal(reply)
        result = found.dispute_service_result
        if result.success:
            return Outcome("approved", answer.case_ref)
        return Outcome(
            "declined", answer.case_ref, processor_code=our_code(call), text=result.error_message
        )

    async def describe(self, stored: Stored) -> Stored | None:
        if not stored.customer:
            return None
        reply = await self._api.get(
            "/storedPaymentMethods",
            {"merchantAccount": self.account, "shopperReference": stored.customer},
        )
        listed = read(StoredCards, reply) if reply.status == 200 else None
        if listed is None:
            raise unavailable(reason_of(reply) if reply.status != 200 else UNREADABLE)
        found = next(
            (method for method in listed.stored_payment_methods if method.id == stored.id), None
        )
        if found is None:
            return None
        month, year = ((text or "").strip() for text in (found.expiry_month, found.expiry_year))
        return replace(
            stored,
            route=self.name,
            scheme=_SCHEMES.get(found.brand or "", found.brand or "generic"),
            last4=found.last_four,
            exp_month=int(month) if month.isdecimal() else None,
            exp_year=int(year) if year.isdecimal() else None,
            fingerprint=found.alias,
        )

    async def own_retries(self) -> list[OwnRetry]:
        """Charges that Adyen said it would repeat, while this process has run; there is no list to
        ask for."""
        return [OwnRetry(reference, at) for reference, at in self._retrying.items()]

    async def lines(self, begin: datetime, end: datetime) -> AsyncIterator[list[StatementLine]]:
        """Reads lines from the settlement details reports, newest batch first, until one ends
        before that time."""
        newest = await self._find_newest()
        for number in range(newest, max(0, newest - BATCHES_MAX), -1):
            found = await self._report(number)
            if found is None:
                return
            lines = [one for one in found if begin <= one.at < end]
            if lines:
                yield lines
            if found and max(one.at for one in found) < begin:
                return

    async def _report(self, number: int) -> list[StatementLine] | None:
        """The report of that number, or None where there is none. Raises: Problem(unavailable)."""
        reply = await self._api.get(
            f"{REPORTS}/{self.account}/settlement_detail_report_batch_{number}.csv"
        )
        if reply.status == 404:
            return None
        if reply.status != 200 or reply.body is None:
            raise unavailable(
                f"HTTP {reply.status}" if reply.status != 200 else "a report is too long"
            )
        try:
            return list(amounts.report_lines(reply.body.decode("utf-8-sig"), self.account))
        except ValueError as error:
            raise unavailable(f"{error}") from None

    async def _find_newest(self) -> int:
        """Batches are numbered from 1 without gaps; a notice may have named one already."""
        there, gone = self._newest_batch, self._newest_batch + 1
        while await self._report(gone) is not None:
            there, gone = gone, gone * 2
        while gone - there > 1:
            middle = (there + gone) // 2
            there, gone = (
                (middle, gone) if await self._report(middle) is not None else (there, middle)
            )
        self._newest_batch = there
        return there

    async def check(self) -> list[Finding]:
        return [*await checked_rights(self._api, self.account), self._own_retries()]

    def _own_retries(self) -> Finding:
        if not self._retrying:
            return Finding("own_retries", True, findings.RESCUE_OFF)
        return Finding("own_retries", False, findings.RESCUE_ON, findings.STOP_RESCUE)

    def read_notices(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Notice]:
        found = read_batch(headers, body, now, self._secrets, account=self.account, live=self.live)
        for one in found:
            batch = _BATCH.fullmatch(one.about) if one.kind == REPORT and one.mine else None
            self._newest_batch = max(self._newest_batch, int(batch[1]) if batch else 0)
        if not self.multicapture:
            return found
        parts = [
            one.movement._replace(final=False) if one.movement is not None else None
            for one in found
        ]
        return [replace(one, movement=part) for one, part in zip(found, parts, strict=True)]


_SCHEMES: Final = {"mc": "mastercard", "cup": "unionpay"}


def documents(reason: DefenseReason, evidence: str) -> list[dict[str, str]]:
    """The evidence as each document that the reason requires; where it wants one of several, as the
    first of them."""
    content = base64.b64encode(pdf_of(evidence)).decode()
    kinds = reason.defense_document_types
    wanted = [
        kind
        for kind in kinds
        if kind.get("requirementLevel") in ("Required", "AlternativeRequired")
    ]
    one_of = [kind for kind in kinds if kind.get("requirementLevel") == "OneOrMore"]
    if one_of and not any(one.get("available") for one in one_of):
        wanted.append(one_of[0])
    return [
        {
            "content": content,
            "contentType": MEDIA_TYPE,
            "defenseDocumentTypeCode": str(one["defenseDocumentTypeCode"]),
        }
        for one in wanted
        if "defenseDocumentTypeCode" in one and not one.get("available")
    ]
