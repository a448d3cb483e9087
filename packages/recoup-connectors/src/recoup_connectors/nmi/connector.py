"""NMI as a route: charges of its customer vault, and what follows them.

It knows no idempotency. So its book is looked at by our id before a charge leaves and after it, and
`dup_seconds` keeps two of one moment from both being charged; what became of a message is read from
the book alone.
"""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.networks.decline_code import our_code
from recoup.processors.gateways.connector import Finding, Notice, OwnRetry
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
from recoup_connectors.nmi import account, amounts
from recoup_connectors.nmi.api import Api, form_of, unavailable
from recoup_connectors.nmi.outcomes import (
    HELD,
    TAKEN,
    UNREADABLE,
    Transaction,
    done_with,
    is_duplicate,
    moved,
    of_move,
    of_sale,
    of_transaction,
    transaction_of,
)

DUP_SECONDS: Final = 300  # longer than anything that may still be on its way
_EXEMPTIONS: Final = {"low_value": "low_value", "transaction_risk_analysis": "tra_exemption"}
_OWN_ID: Final = re.compile(r"[0-9]{8,12}")  # a network's has 15 digits, or begins with letters
# What an ECI says, of Visa and the others, and of Mastercard; else the letter that the bank
# answered.
_BY_ECI: Final = {**dict.fromkeys("52Y", "verified"), **dict.fromkeys("61A", "attempted")}
_BASE64: Final = re.compile(
    r"(?:[A-Za-z0-9+/]{4})+|(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)"
)
_VERSION: Final = re.compile(r"[12]\.[0-9]\.[0-9]")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_METHODS: Final = {"recurring": "recurring", "installment": "installment"}


class Nmi(VendorAccount):
    """Implements `connector.Connector`. Make it inside a running loop, close it there."""

    kind = "nmi"
    guessable_ids = True  # of the vault: short numbers, unless the merchant chose others
    asks: Asks = "by_search"
    idempotency_window = timedelta(
        days=30
    )  # for so long the book is asked before anything is repeated

    tells_disputes = False  # they come from the acquirer

    _api: Api

    def __init__(
        self,
        *,
        url: str,
        key: str,
        name: str = "nmi",
        acceptor_id: str = "",
        notice_secrets: tuple[str, ...] = (),
        clocks: Clocks | None = None,
    ) -> None:
        """`notice_secrets`: the present signing key, and while it rolls the one before."""
        super().__init__(name, acceptor_id, clocks)
        self._api = Api(url, key, self._clocks)
        self._notice_secrets = notice_secrets

    def exponent(self, currency: str) -> int | None:
        return amounts.exponent(currency)

    def carries(self, units: int, currency: str) -> bool:
        return amounts.amount_text(units, currency) is not None

    async def _charge(self, charge: Charge, until: float) -> Outcome:
        if not isinstance(charge.credential, Stored) or not charge.credential.id:
            return Outcome("not_sent", text="NMI takes stored methods only", fault="credential")
        if not self.carries(charge.units, charge.currency):
            return Outcome("not_sent", text="NMI does not carry this amount", fault="request")
        try:
            known = await self._look_at_charge(charge, until)
        except (NotSentError, NoAnswerError) as error:  # nothing was sent so far by this call
            return Outcome("not_sent", text=f"{error}", fault="outage")
        except Problem as problem:
            return Outcome("not_sent", text=problem.message, fault="outage")
        if known.state != "not_found":
            return known
        try:
            before = charge.send_before_monotonic
            reply = await self._api.transact(
                _sale(charge, charge.credential), until=until, send_before=before
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)
        form = form_of(reply)
        said = of_sale(form, str(charge.key))
        if said.state == "approved" and not said.other_id or is_duplicate(form):
            return await self._confirmed(charge, said, until)
        return said

    async def _confirmed(self, charge: Charge, said: Outcome, until: float) -> Outcome:
        """The answer names no amount, and a duplicate's not its original: the book does."""
        try:
            found = await self._look_at_charge(charge, until)
        except (NotSentError, NoAnswerError, Problem):
            return said
        return said if found.state in ("unknown", "not_found") and not found.other_id else found

    async def _look_at_charge(self, charge: Charge, until: float | None = None) -> Outcome:
        """Raises: NotSentError, NoAnswerError, Problem(unavailable)."""
        found = await self._by_our_id(charge.key, until)
        said = [
            of_transaction(one, str(charge.key), charge.currency)
            for one in found
            if one.last("sale", "auth")
        ]
        approved = [one for one in said if one.state == "approved"]
        if len(approved) > 1:
            return Outcome(
                "unknown",
                approved[0].reference,
                text="there are two charges of this id",
                other_id=True,
            )
        unknown = [one for one in said if one.state == "unknown"]
        declined = [one for one in said if one.state == "declined"]
        return next(iter([*approved, *unknown, *declined]), Outcome("not_found"))

    async def _by_our_id(self, id: UUID | str, until: float | None = None) -> list[Transaction]:
        found = await self._api.query({"order_id": str(id)}, until=until)
        return [transaction_of(one) for one in found.of("transaction")]

    async def _inquire(self, inquiry: Inquiry) -> Outcome:
        message = inquiry.message
        match message:
            case Charge():
                return await self._look_at_charge(message)
            case ModificationMessage():
                return await self._look_at_modification(message)
            case DisputeAnswer():
                return Outcome("not_found")
        found = await self._by_our_id(inquiry.key)
        return Outcome("unknown" if found else "not_found")

    async def _look_up(self, question: LookUp) -> Outcome:
        message = question.message
        if isinstance(message, ModificationMessage):
            return await self._look_at_modification(message)
        found = await self._api.query({"order_description": str(message.order_key)})
        sales = [
            one for one in map(transaction_of, found.of("transaction")) if one.last("sale", "auth")
        ]
        return chosen(
            question,
            [
                (parse_id(sale.order_id), of_transaction(sale, sale.order_id, message.currency))
                for sale in sales
            ],
        )

    async def modify(self, message: ModificationMessage) -> Outcome:
        until = self._clocks.monotonic() + message.timeout_seconds
        if message.reference is None:
            return Outcome("not_sent", text="NMI's own reference is not known", fault="request")
        if message.kind != "void" and not self.carries(
            message.units, message.currency
        ):  # without it all would move
            return Outcome("not_sent", text="NMI does not carry this amount", fault="request")
        try:
            payment = await self._payment(message.reference, until)
            known = await self._known(message, payment, until)
        except (NotSentError, NoAnswerError) as error:
            return Outcome("not_sent", text=f"{error}", fault="outage")
        except Problem as problem:
            return Outcome("not_sent", text=problem.message, fault="outage")
        if known.state != "not_found":
            return known
        if payment is None:
            return Outcome("not_sent", text=UNREADABLE, fault="outage")
        return await self._move(message, payment, until)

    async def _move(
        self, message: ModificationMessage, payment: Transaction, until: float
    ) -> Outcome:
        type = message.kind
        if type == "refund" and payment.condition == "pendingsettlement":
            sale = payment.last("capture", "sale")
            whole = (
                sale is not None
                and amounts.units_of(sale.amount, message.currency) == message.units
            )
            if not whole:
                return Outcome(
                    "not_sent",
                    processor_code=our_code("not_settled"),
                    text="it has not settled yet",
                    fault="request",
                )
            type = "void"
        form = {
            "type": type,
            "transactionid": payment.id,
            "amount": None
            if type == "void"
            else amounts.amount_text(message.units, message.currency),
            "orderid": str(message.key) if type == "refund" else None,
        }
        try:
            reply = await self._api.transact(
                form, until=until, send_before=message.send_before_monotonic
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)
        answer = form_of(reply)
        if answer.get("response") != "1":
            return of_move(answer)
        ours = str(message.key) if type == "refund" else None
        other = (
            ours is not None and answer.get("orderid") != ours
        )  # it would not be found again by our id
        return Outcome(
            "approved", answer.get("transactionid") or payment.id, text=None, other_id=other
        )

    async def _payment(self, reference: str, until: float | None = None) -> Transaction | None:
        found = await self._api.query({"transaction_id": reference}, until=until)
        listed = [transaction_of(one) for one in found.of("transaction")]
        return next((one for one in listed if one.id == reference), None)

    async def _look_at_modification(self, message: ModificationMessage) -> Outcome:
        """Raises: NotSentError, NoAnswerError, Problem(unavailable)."""
        if message.reference is None:
            return Outcome("not_sent", text="NMI's own reference is not known")
        return await self._known(message, await self._payment(message.reference))

    async def _known(
        self, message: ModificationMessage, payment: Transaction | None, until: float | None = None
    ) -> Outcome:
        """The outcome of a message by the book. `payment`: the one that it is about."""
        if message.kind == "refund":
            found = await self._by_our_id(message.key, until)
            if found:
                return moved(found[0], "refund", message.currency)
        if payment is None:
            return Outcome("unknown", text=UNREADABLE)
        if payment.condition == "canceled":
            void = (
                message.kind == "void"
                or message.kind == "refund"
                and payment.last("sale", "capture") is not None
            )
            return (
                moved(payment, "void", message.currency)
                if void
                else Outcome("declined", processor_code=our_code("canceled"))
            )
        if message.kind == "capture" and payment.condition in TAKEN:
            return _captured(payment, message)
        if message.kind == "void" and payment.condition != HELD:
            return Outcome(
                "declined", payment.id, processor_code=our_code(f"already_{payment.condition}")
            )
        return Outcome("not_found")

    async def movements_of(self, reference: str, about: str) -> list[Movement]:
        """Its refunds are transactions of their own, with the order id of the sale unless the
        refund was given one."""
        try:
            payment = await self._payment(reference)
            if payment is None:
                raise unavailable(UNREADABLE)
            found = (
                {one.id: one for one in await self._by_our_id(payment.order_id)}
                if payment.order_id
                else {}
            )
            if (
                about not in (reference, *found)
                and (named := await self._payment(about)) is not None
            ):
                found[about] = named
        except (NotSentError, NoAnswerError) as error:
            raise unavailable(f"{error}") from None
        return [
            one
            for each in (payment, *found.values())
            for one in done_with(each, is_sale=each is payment)
        ]

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        """Its acquirers take answers at their own doors."""
        return Outcome(
            "declined",
            processor_code=our_code("answered_by_hand"),
            text="NMI takes no answers",
            fault="request",
        )

    async def describe(self, stored: Stored) -> Stored | None:
        return await account.described(self._api, stored, self.name)

    async def own_retries(self) -> list[OwnRetry]:
        """Its recurring product has plans of its own: no invoice of ours is charged by it."""
        return []

    def lines(self, begin: datetime, end: datetime) -> AsyncIterator[list[StatementLine]]:
        return account.lines(self._api, begin, end)

    async def check(self) -> list[Finding]:
        return await account.findings(self._api)

    def read_notices(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Notice]:
        return account.read_notices(headers, body, now, self._notice_secrets)


def _captured(payment: Transaction, message: ModificationMessage) -> Outcome:
    """Another amount was another capture."""
    found = moved(payment, "capture", message.currency)
    if payment.last("capture") is None or found.units != message.units:
        return Outcome(
            "declined", payment.id, processor_code=our_code(f"already_{payment.condition}")
        )
    return found


def _sale(charge: Charge, credential: Stored) -> dict[str, str | None]:
    """The payer's consent: `stored` when it is given, `used` with whose transaction it was given
    in."""
    merchant, starts = (
        charge.initiator == "merchant",
        charge.initiator == "customer" and charge.sequence == 1,
    )
    first = (
        charge.first_network_id
        if merchant and _OWN_ID.fullmatch(charge.first_network_id or "")
        else None
    )
    reason = charge.mit_reason or (charge.agreement if starts else None)
    return {
        "type": "sale" if charge.capture else "auth",
        "customer_vault_id": credential.id,
        "amount": amounts.amount_text(charge.units, charge.currency),
        "currency": charge.currency,
        "orderid": str(charge.key),
        "order_description": str(charge.order_key),
        "dup_seconds": str(DUP_SECONDS),
        "descriptor": charge.descriptor[:22] or None,
        "initiated_by": "merchant" if merchant else "customer",
        "stored_credential_indicator": "used"
        if merchant or charge.first_network_id and not starts
        else "stored",
        "billing_method": _METHODS.get(reason or "")
        or (_METHODS.get(charge.agreement or "") if merchant else None),
        "initial_transaction_id": first,
        "sca_exemption": _EXEMPTIONS.get(charge.exemption or ""),
        **authenticated(charge.three_d_secure or {}),
    }


def authenticated(given: Mapping[str, str]) -> dict[str, str | None]:
    """All of an authentication or nothing: `cardholder_auth` stands for the ECI there, and without
    the proof or the version NMI takes none. What has another form than NMI's is left out."""
    cavv, version = _fitting(_BASE64, given.get("authenticationValue")), given.get("threeDsVersion")
    by_response = (
        given.get("authenticationResponseStatus") or given.get("directoryResponseStatus") or ""
    )
    became = _BY_ECI.get((given.get("ecommerceIndicator") or "").lstrip("0") or by_response)
    if became is None or cavv is None or _fitting(_VERSION, version) is None:
        return {}
    return {
        "cardholder_auth": became,
        "cavv": cavv,
        "three_ds_version": version,
        "xid": _fitting(_BASE64, given.get("xid")),
        "directory_server_id": _fitting(_UUID, given.get("directoryServerTransactionId")),
    }


def _fitting(form: re.Pattern[str], given: str | None) -> str | None:
    return given if given and form.fullmatch(given) else None
