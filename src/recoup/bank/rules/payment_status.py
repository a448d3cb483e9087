"""pain.002: what a bank says of payments that were ordered: rejected, booked, or under way.

Source: ISO 20022, CustomerPaymentStatusReport, message definition reports; its external code sets.
"""

from typing import Final

from recoup.bank.rules.bank_answers import PayoutReturn
from recoup.bank.rules.entries import bank_parts, complaint, units_of
from recoup.kernel.counterpart_text import REFERENCE_MAX, SENTENCE_MAX, kept
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Sentence, figure
from recoup.kit.files.xml_parts import Element
from recoup.orders.rules.references import named_by

ANSWERS_MAX: Final = 100_000
_PAID: Final = ("ACSC", "ACCC")
_RETURNED: Final = ("RJCT", "CANC")
_UNDER_WAY: Final = {
    "RCVD": "received", "PDNG": "pending", "ACTC": "technically accepted", "ACCP": "accepted",
    "ACSP": "in settlement", "ACWC": "accepted with a change", "ACWP": "accepted, not yet posted",
    "ACFC": "accepted, funds checked", "PATC": "partly authorised", "PART": "partly accepted",
    "PRES": "presented", "BLCK": "blocked by the bank", "RCVC": "payee verified",
    "RVMC": "the payee's name is a close match", "RVNM": "the payee's name does not match",
    "RVCM": "payees verified, with differences", "RVNA": "the payee could not be verified",
}  # fmt: skip
_REASONS: Final = {
    "AC01": "wrong account number", "AC02": "wrong debtor account",
    "AC03": "wrong creditor account", "AC04": "account closed", "AC06": "account blocked",
    "AC13": "wrong type of account", "AG01": "transaction not allowed on this account",
    "AG02": "wrong bank operation code", "AM01": "zero amount", "AM02": "amount not allowed",
    "AM04": "insufficient funds", "AM05": "duplicate", "AM09": "wrong amount",
    "BE01": "name and account do not match", "BE04": "creditor address missing",
    "CURR": "wrong currency", "CUST": "at the customer's request", "DT01": "wrong date",
    "DUPL": "duplicate payment", "FF01": "wrong file format", "MD07": "account holder deceased",
    "MS02": "refused by the customer", "MS03": "refused by the bank", "NARR": "",
    "NOAS": "no answer from the customer", "RC01": "wrong bank identifier",
    "RR01": "regulation: account missing", "RR04": "regulatory reason",
    "TM01": "after the cut-off time",
}  # fmt: skip


def read_payment_status(content: bytes) -> list[PayoutReturn]:
    """Raises: Problem(invalid) for a file of which nothing may be taken."""
    returns: list[PayoutReturn] = []
    group: Element | None = None
    batched = 0  # of the batch that is read
    for done, _ in bank_parts([content], ("OrgnlGrpInfAndSts", "TxInfAndSts", "OrgnlPmtInfAndSts")):
        if len(returns) >= ANSWERS_MAX:
            raise complaint(
                _place(done),
                Sentence("more than {0} answers", figure(ANSWERS_MAX)),
                "Split the file.",
            )
        if done.name == "OrgnlGrpInfAndSts":
            group = done
        elif done.name == "TxInfAndSts":
            returns.append(_transaction(done))
            batched += 1
        else:
            returns[len(returns) - batched :] = [
                _inherited(entry, done, "PmtInfSts") for entry in returns[len(returns) - batched :]
            ]
            if not batched and done.said("PmtInfSts"):
                returns.append(_of(done, (done.said("OrgnlPmtInfId"),), "PmtInfSts"))
            batched = 0
    if group is None:
        raise complaint("The file", "OrgnlGrpInfAndSts is missing")
    if not returns and group.said("GrpSts"):
        return [_of(group, (group.said("OrgnlMsgId"),), "GrpSts")]
    return [_checked(_inherited(entry, group, "GrpSts")) for entry in returns]


def _checked(answer: PayoutReturn) -> PayoutReturn:
    return answer if answer.outcome or answer.wrong else answer._replace(wrong="has no status")


def _transaction(done: Element) -> PayoutReturn:
    names = ("OrgnlEndToEndId", "OrgnlInstrId", "OrgnlTxId")
    answer = _of(done, tuple(done.said(name) for name in names), "TxSts")
    amount = done.at("OrgnlTxRef", "Amt", "InstdAmt") or done.at("OrgnlTxRef", "InstdAmt")
    if amount is None or amount.attributes.get("Ccy", "") not in EXPONENTS:
        return answer
    asset = amount.attributes["Ccy"]
    return answer._replace(
        units=units_of(amount.text, asset, _place(amount), "InstdAmt"), asset=asset
    )


def _inherited(answer: PayoutReturn, above: Element, name: str) -> PayoutReturn:
    """A payment without a status has that of what it stands in."""
    status = above.said(name)
    if answer.outcome or not status:
        return answer
    outcome, reason, wrong = _said(above, status)
    return answer._replace(outcome=outcome, reason=reason, wrong=answer.wrong or wrong)


def _of(element: Element, references: tuple[str, ...], name: str) -> PayoutReturn:
    our_id, reference = named_by(references, "")
    payout = (str(our_id) if our_id else reference)[:REFERENCE_MAX]
    status = element.said(name)
    outcome, reason, wrong = _said(element, status) if status else ("", "", None)
    return PayoutReturn(
        element.line, payout, outcome, reason, wrong if payout else "names no payout"
    )


def _said(element: Element, status: str) -> tuple[str, str, str | None]:
    """Outcome, reason, and why it cannot be told."""
    reason = kept(_reason(element), SENTENCE_MAX) or ""
    if status in _PAID:
        return "paid", "", None
    if status in _RETURNED:
        return "returned", reason or f"{status}: without a reason", None
    if status in _UNDER_WAY:
        said = Sentence("{0}: {1}; the bank has not finished it", status, _UNDER_WAY[status])
        return "notice", said, None
    return "notice", "", f"the status {status[:10]!r} is unknown"


def _reason(element: Element) -> str:
    info = element.at("StsRsnInf")
    if info is None:
        return ""
    code = info.said("Rsn", "Cd") or info.said("Rsn", "Prtry")
    words = [text.text for text in info.all("AddtlInf") if text.text]
    meant = _REASONS.get(code, "")
    return ": ".join(
        part for part in (code, " ".join((*([meant] if meant else []), *words))) if part
    )


def _place(element: Element) -> str:
    return Sentence("Line {0}, {1}", element.line, element.name)
