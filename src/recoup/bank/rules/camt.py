"""camt.053 and camt.054: entries of a bank's statement or notice in XML. Versions 02 to 13 are
alike in what is read.

Source: ISO 20022, BankToCustomerStatement and BankToCustomerDebitCreditNotification, message
definition reports. An entry counts, or its details do, never both: the details when each has its
amount and they add up to the entry.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from recoup.bank.rules.entries import (
    Account,
    BankEntry,
    Parts,
    bank_parts,
    complaint,
    masked,
    units_of,
)
from recoup.kernel.problem import Sentence, figure
from recoup.kit.files.xml_parts import Element

DETAILS_MAX: Final = 100_000  # of an entry
_ONE: Final = ("Stmt", "Ntfctn")
_CUT: Final = (*_ONE, "Ntry", "TxDtls", "Bal")
LEFT_OUT: Final = {
    "PDNG": "pending (PDNG)", "INFO": "for information (INFO)", "FUTR": "of a future day (FUTR)",
}  # fmt: skip
_OPENING: Final = ("OPBD", "PRCD")
_RETURNS: Final = frozenset(
    {"RRTN", "RPCR", "UPCT", "UPDD", "RRCT", "PRDD", "RCDD", "TRPT", "FRTN"}
)
_TEXT_MAX: Final = 4_000


class _Detail(NamedTuple):
    """`amount`, `asset`: as they are written, empty without; `way`: CRDT, DBIT, or empty for the
    entry's."""

    amount: str = ""
    asset: str = ""
    way: str = ""
    back: bool = False
    code: str = ""
    references: tuple[str, ...] = ()
    text: str = ""


def read_camt(chunks: Iterable[bytes]) -> Parts:
    account: Account | None = None
    balances: dict[str, tuple[int, str, str]] = {}
    details: list[_Detail] = []
    number = 0
    for done, above in bank_parts(chunks, _CUT):
        if done.name == "TxDtls":
            if len(details) >= DETAILS_MAX:
                message = Sentence("the entry has more than {0} details", figure(DETAILS_MAX))
                raise complaint(
                    _place(done), message, "Ask the bank for entries one by one, or for fewer days."
                )
            details.append(_detail(done))
            continue
        if done.name == "Bal":
            _keep_balance(balances, done)
            continue
        statement = (
            done
            if done.name in _ONE
            else next((element for element in above if element.name in _ONE), None)
        )
        if statement is None:
            raise complaint(_place(done), "an entry stands in no statement")
        if account is None:
            number += 1
            account = _account(statement, number)
        if done.name == "Ntry":
            closed_on = balances["CLBD"][2] if "CLBD" in balances else ""
            for entry in _entries(done, details, account, closed_on, bare=statement.name == "Stmt"):
                yield account, entry
            details = []
            continue
        _close(account, balances, statement)
        yield account, None
        account, balances = None, {}
    if not number:
        raise complaint("The file", "it holds no statement (Stmt or Ntfctn)")


def _account(statement: Element, number: int) -> Account:
    given = statement.at("Acct", "Id")
    name = next(given.texts(), "") if given else ""
    identity = (
        name,
        statement.said("Acct", "Ccy"),
        statement.said("Id"),
        statement.said("ElctrncSeqNb"),
        statement.said("LglSeqNb"),
        statement.said("StmtPgntn", "PgNb") or statement.said("NtfctnPgntn", "PgNb"),
    )
    place = Sentence("Line {0}, statement {1}", statement.line, number)
    return Account(place, masked(name), identity, asset=statement.said("Acct", "Ccy"))


def _keep_balance(balances: dict[str, tuple[int, str, str]], balance: Element) -> None:
    """The booked ones, each with its day. One without a sign is a credit, as its entries then have
    to prove."""
    code = balance.said("Tp", "CdOrPrtry", "Cd") or balance.said("Tp", "Cd")
    amount = balance.at("Amt")
    if code not in (*_OPENING, "CLBD") or amount is None:
        return
    asset = amount.attributes.get("Ccy", "")
    units = units_of(amount.text, asset, _place(balance), "Bal, Amt")
    signed = _signed(units, balance, _place(balance)) if balance.said("CdtDbtInd") else units
    if code in balances and balances[code][:2] != (signed, asset):
        raise complaint(
            _place(balance), Sentence("the statement has two different balances {0}", code)
        )
    balances[code] = (signed, asset, balance.said("Dt", "Dt") or balance.said("Dt", "DtTm"))


def _close(account: Account, balances: dict[str, tuple[int, str, str]], statement: Element) -> None:
    """Balances are the first and the last page's; a page in the middle has none to check by."""
    opening = balances.get("OPBD") or balances.get("PRCD")
    closing = balances.get("CLBD")
    if opening and closing:
        if opening[1] != closing[1]:
            raise complaint(
                _place(statement),
                Sentence("the balances are in {0} and {1}", opening[1], closing[1]),
            )
        account.asset, account.opening, account.closing = closing[1], opening[0], closing[0]
        account.check(_place(statement))


def _entries(
    entry: Element, details: list[_Detail], account: Account, closed_on: str, *, bare: bool
) -> Iterable[BankEntry]:
    """`closed_on`: the day of an entry without one; `bare`: one without a status is booked, as a
    statement's are."""
    place = _place(entry)
    status = entry.said("Sts", "Cd") or entry.said("Sts", "Prtry") or entry.said("Sts")
    status = "BOOK" if bare and entry.at("Sts") is None else status
    if status != "BOOK":
        if status not in LEFT_OUT:
            raise complaint(
                place,
                Sentence(
                    "Sts: the entry's status {0} is none of BOOK, PDNG, INFO, FUTR",
                    repr(status[:20]),
                ),
            )
        account.leave_out(LEFT_OUT[status])
        return
    amount = entry.at("Amt")
    if amount is None:
        raise complaint(place, "Amt: the entry has no amount")
    asset = amount.attributes.get("Ccy", "")
    units = _signed(units_of(amount.text, asset, place, "Amt"), entry, place)
    account.add(asset, units)
    if not units:
        account.leave_out("of 0.00")
        return
    day = _day(entry, place, closed_on)
    code = _code(entry)
    back = entry.said("RvslInd") in ("true", "1") or _is_return(entry)
    batch = ("NtryDtls", "Btch")
    own = (
        entry.said(*batch, "MsgId"),
        entry.said(*batch, "PmtInfId"),
        entry.said("AcctSvcrRef"),
        entry.said("NtryRef"),
    )
    text = entry.said("AddtlNtryInf")
    for detail, moved in _usable(details, units, asset, place, account):
        account.entries += 1
        yield BankEntry(
            place,
            moved,
            asset,
            day,
            back or detail.back,
            detail.code or code,
            (*detail.references, *own),
            f"{detail.text} {text}"[:_TEXT_MAX],
        )


def _usable(
    details: list[_Detail], units: int, asset: str, place: str, account: Account
) -> list[tuple[_Detail, int]]:
    """Details that stand for the entry, with their signed units; the entry itself if they do not
    add up to it."""
    if len(details) < 2:
        return [(details[0] if details else _Detail(), units)]
    way = 1 if units > 0 else -1
    moved = []
    for detail in details:
        if detail.asset != asset:
            break
        sign = {"CRDT": 1, "DBIT": -1}.get(detail.way, way)
        moved.append(sign * units_of(detail.amount, asset, place, "TxDtls, Amt"))
    if len(moved) == len(details) and all(moved) and sum(moved) == units:
        return list(zip(details, moved, strict=True))
    account.whole += 1
    return [(_Detail(back=all(detail.back for detail in details)), units)]


def _detail(done: Element) -> _Detail:
    amount = next(
        (
            value
            for path in (("Amt",), ("AmtDtls", "TxAmt", "Amt"), ("AmtDtls", "InstdAmt", "Amt"))
            if (value := done.at(*path)) is not None
        ),
        None,
    )
    refs = done.at("Refs")
    names = ("EndToEndId", "InstrId", "TxId", "PmtInfId", "MsgId", "ChqNb", "AcctSvcrRef")
    references = tuple(refs.said(name) for name in names) if refs else ()
    remittance = done.at("RmtInf")
    text = " ".join((*(remittance.texts() if remittance else ()), done.said("AddtlTxInf")))
    return _Detail(
        amount.text if amount else "",
        amount.attributes.get("Ccy", "") if amount else "",
        done.said("CdtDbtInd"),
        done.at("RtrInf") is not None or _is_return(done),
        _code(done),
        references,
        text[:_TEXT_MAX],
    )


def _is_return(of: Element) -> bool:
    return of.said("BkTxCd", "Domn", "Fmly", "SubFmlyCd") in _RETURNS


def _code(of: Element) -> str:
    """`PMNT/RCDT/ESCT`, or the bank's own."""
    domain = of.at("BkTxCd", "Domn")
    if domain is None:
        return of.said("BkTxCd", "Prtry", "Cd")
    return "/".join(
        (domain.said("Cd"), domain.said("Fmly", "Cd"), domain.said("Fmly", "SubFmlyCd"))
    )


def _signed(units: int, of: Element, place: str) -> int:
    way = of.said("CdtDbtInd")
    if way not in ("CRDT", "DBIT"):
        raise complaint(place, Sentence("CdtDbtInd: {0} is neither CRDT nor DBIT", repr(way[:20])))
    return units if way == "CRDT" else -units


def _day(entry: Element, place: str, closed_on: str) -> date:
    """The booking day; else the value day, or the closing balance's."""
    said = [
        (name, entry.said(name, "Dt") or entry.said(name, "DtTm")) for name in ("BookgDt", "ValDt")
    ]
    for name, text in (*said, ("Bal, Dt", closed_on)):
        if text:
            try:
                return date.fromisoformat(text[:10])
            except ValueError:
                raise complaint(
                    place, Sentence("{0}: {1} is no date", name, repr(text[:40]))
                ) from None
    raise complaint(place, "BookgDt: the entry has no date")


def _place(of: Element) -> str:
    return Sentence("Line {0}, {1}", of.line, of.name)
