"""Charging a stored card: one call, which is its own question. A payer at hand may be sent to
Adyen's page."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.outcome import Outcome, as_requested
from recoup.processors.gateways.port import Charge, PayerAtHand, PayerAway
from recoup.processors.gateways.transport import NoAnswerError, NotSentError
from recoup.processors.gateways.vendor_account import VendorAccount, unanswered
from recoup_connectors.adyen import amounts
from recoup_connectors.adyen.api import Api
from recoup_connectors.adyen.outcomes import (
    RECEIVED,
    UNREADABLE,
    Payment,
    of_error,
    of_payment,
    read,
)

RETURN_URL: Final = (
    "https://recoup.invalid/"  # Adyen wants one, also where no payer is sent anywhere
)
STATEMENT_MAX: Final = 22
ID_MAX: Final = 64
CUSTOMER_MIN: Final = 3
CUSTOMER_MAX: Final = 256
_MODELS: Final = {
    "recurring": "Subscription",
    "installment": "Subscription",
    "unscheduled": "UnscheduledCardOnFile",
}
_EXEMPTIONS: Final = {
    "low_value": "lowValue",
    "transaction_risk_analysis": "transactionRiskAnalysis",
}
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_STATEMENT: Final = re.compile(r"[^A-Za-z0-9.,'_?+*/ -]")


class Charges(VendorAccount):
    """The part of the connector that sends charges and hears what their payers came to. `account`:
    the merchant's."""

    account: str
    _api: Api

    async def _charge(self, charge: Charge, until: float) -> Outcome:
        stored, amount = charge.credential, amounts.wire_amount(charge.units, charge.currency)
        if not isinstance(stored, Stored) or not stored.customer:
            return Outcome(
                "not_sent", text="Adyen takes stored cards of a shopper only", fault="credential"
            )
        if len(stored.id) > ID_MAX or not CUSTOMER_MIN <= len(stored.customer) <= CUSTOMER_MAX:
            return Outcome(
                "not_sent", text="Adyen has no such stored card or shopper", fault="credential"
            )
        if amount is None:
            return Outcome("not_sent", text="Adyen does not carry this amount", fault="request")
        body, before = self._payment(charge, stored, amount), charge.send_before_monotonic
        try:
            reply = await self._api.post(
                "/payments",
                body,
                str(charge.key),
                seconds=until - self._clocks.monotonic(),
                send_before=before,
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)
        payment = read(Payment, reply) if reply.status in (200, 201) else None
        if payment is None:
            return of_error(reply)
        at_hand = charge.payer is not None
        outcome = of_payment(
            payment, charge.key, stored.scheme, self._clocks.wall(), payer_at_hand=at_hand
        )
        return await self._whole_or_wanted(charge, payment, outcome)

    def _payment(self, charge: Charge, stored: Stored, amount: int) -> dict[str, Any]:
        """The same for the same id, whenever it is sent: nothing of the time stands in it."""
        by_merchant = charge.initiator == "merchant"
        known = by_merchant and charge.first_network_id
        consent = {"networkPaymentReference": charge.first_network_id} if known else {}
        exemption = _EXEMPTIONS.get(charge.exemption or "")
        more = {"autoRescue": "false"} | ({} if charge.capture else {"manualCapture": "true"})
        more |= {"scaExemption": exemption} if exemption else {}
        more |= {"allowPartialAuth": "true"} if charge.part_from is not None else {}
        body: dict[str, Any] = {
            "merchantAccount": self.account,
            "amount": {"value": amount, "currency": charge.currency},
            "reference": str(charge.key),
            "merchantOrderReference": str(charge.order_key),
            "paymentMethod": {"type": "scheme", "storedPaymentMethodId": stored.id} | consent,
            "shopperReference": stored.customer,
            **_agreement(charge),
            "returnUrl": charge.payer.return_url if charge.payer is not None else RETURN_URL,
            "additionalData": more,
        }
        if exemption:  # else it may ask for the payer, where none can be asked
            body["authenticationData"] = {"attemptAuthentication": "never"}
        elif charge.payer is not None:
            body |= _at_page(charge.payer)
        if not by_merchant and (authenticated := _authenticated(charge.three_d_secure or {})):
            body["mpiData"] = authenticated
        if charge.capture:
            body["captureDelayHours"] = 0
        statement = _STATEMENT.sub("", charge.descriptor)[:STATEMENT_MAX].strip()
        if any(one.isalpha() for one in statement):
            body["shopperStatement"] = statement
        return body

    async def _whole_or_wanted(self, charge: Charge, payment: Payment, outcome: Outcome) -> Outcome:
        """A part that nobody wanted is given back. The answer to that proves nothing: the order
        needs attention."""
        if payment.result_code != "PartiallyAuthorised":
            return outcome
        if (
            as_requested(outcome, charge.units, charge.currency, charge.part_from).state
            == "approved"
        ):
            return outcome
        path = f"/payments/{payment.psp_reference}/reversals"
        body = {"merchantAccount": self.account, "reference": f"{charge.key}.v"}
        with suppress(NotSentError, NoAnswerError):
            await self._api.post(path, body, f"{charge.key}.v", seconds=charge.timeout_seconds)
        return outcome

    async def look_at_payer(self, charge: Charge, payer: PayerAway) -> Outcome:
        """A payment of which Adyen said that its payer has to confirm charges nothing before its
        details come."""
        if payer.returned is None:
            return Outcome("awaits_payer") if payer.may_wait else await self._withdrawn(charge)
        key, details = f"{charge.key}.d", {"details": {"redirectResult": payer.returned}}
        reply = await self._api.post(
            "/payments/details", details, key, seconds=charge.timeout_seconds
        )
        payment = read(Payment, reply) if reply.status in (200, 201) else None
        if payment is None:
            refused = of_error(reply).state == "not_sent" and reply.status in (
                400,
                422,
            )  # of nobody's page
            return await self._withdrawn(charge) if refused else Outcome("unknown", text=UNREADABLE)
        if payment.merchant_reference != str(
            charge.key
        ):  # of another payment's page: it says nothing of this one
            return await self._withdrawn(charge)
        outcome = of_payment(payment, charge.key, charge.credential.scheme, self._clocks.wall())
        return await self._whole_or_wanted(charge, payment, outcome)

    async def _withdrawn(self, charge: Charge) -> Outcome:
        """Withdraws a charge: without its details it can charge nothing; should Adyen know better,
        what it did is undone."""
        body = {
            "merchantAccount": self.account,
            "paymentReference": str(charge.key),
            "reference": f"{charge.key}.w",
        }
        reply = await self._api.post(
            "/cancels", body, f"{charge.key}.w", seconds=charge.timeout_seconds
        )
        said = read(dict[str, Any], reply) or {}
        if (said.get("status"), said.get("paymentReference")) != (RECEIVED, str(charge.key)):
            return Outcome("unknown", text="it waits for its payer, and is not cancelled yet")
        return Outcome(
            "declined",
            text="authentication",
            sca_wanted=True,
            reached_network=False,
            withdrawn=True,
        )


def _agreement(charge: Charge) -> dict[str, str]:
    """Says who is present, and what the card is kept for."""
    if charge.initiator == "merchant":
        model = _model(charge.mit_reason, charge.agreement)
        return {"shopperInteraction": "ContAuth", "recurringProcessingModel": model}
    if charge.sequence == 1:
        model = _model(charge.agreement)
        return {"shopperInteraction": "Ecommerce", "recurringProcessingModel": model}
    return {"shopperInteraction": "ContAuth", "recurringProcessingModel": "CardOnFile"}


def _model(*said: str | None) -> str:
    """Adyen has no word for a resubmission, a delayed charge or a no-show: they are what the card
    is kept for."""
    return next((_MODELS[one] for one in said if one in _MODELS), "UnscheduledCardOnFile")


def _at_page(payer: PayerAtHand) -> dict[str, Any]:
    """The payer can be sent to Adyen's page; `always`: they shall be."""
    page: dict[str, Any] = {"channel": "Web"}
    if payer.is_wanted:
        page["authenticationData"] = {"attemptAuthentication": "always"}
    said = payer.browser
    if said.is_whole:  # Adyen refuses a part of it
        page["browserInfo"] = {
            "acceptHeader": said.accept,
            "userAgent": said.user_agent,
            "language": said.language,
            "colorDepth": said.color_depth,
            "screenHeight": said.height,
            "screenWidth": said.width,
            "timeZoneOffset": said.offset,
            "javaEnabled": said.java,
        }
    return page


def _authenticated(given: Mapping[str, str]) -> dict[str, str]:
    """An authentication from elsewhere, as far as Adyen takes it: for a proof that is not base64 it
    refuses the whole payment. `xid` and the algorithm are of 3-D Secure 1."""
    is_first = given.get("threeDsVersion", "").startswith("1")
    known = {
        "cavv": _base64(given.get("authenticationValue")),
        "eci": given.get("ecommerceIndicator"),
        "threeDSVersion": given.get("threeDsVersion"),
        "dsTransID": given.get("directoryServerTransactionId"),
        "xid": _base64(given.get("xid")),
        "cavvAlgorithm": given.get("authenticationValueAlgorithm") if is_first else None,
        "directoryResponse": _one_of("ACDINRUY", given.get("directoryResponseStatus")),
        "authenticationResponse": _one_of("YNUA", given.get("authenticationResponseStatus")),
    }
    return {name: value for name, value in known.items() if value}


def _one_of(letters: str, given: str | None) -> str | None:
    return given if given is not None and len(given) == 1 and given in letters else None


def _base64(given: str | None) -> str | None:
    return given if given and len(given) % 4 == 0 and _BASE64.fullmatch(given) else None
