"""A file's format, told by its first bytes; one that nothing here reads is named with what to ask
for."""

import codecs
import re
from typing import Final

from recoup.kernel.problem import Sentence, invalid

STATEMENTS: Final = ("camt.053", "camt.054", "MT940", "BAI2")
ANSWERS: Final = ("NACHA", "pain.002")
HEAD: Final = 1 << 16
# Root element of an ISO 20022 message -> its name. Source: the messages' schemas at iso20022.org.
_ROOTS: Final = {
    "BkToCstmrStmt": "camt.053", "BkToCstmrDbtCdtNtfctn": "camt.054", "CstmrPmtStsRpt": "pain.002",
    "BkToCstmrAcctRpt": "camt.052", "CstmrCdtTrfInitn": "pain.001", "CstmrDrctDbtInitn": "pain.008",
    "FIToFIPmtStsRpt": "pacs.002", "FIToFICstmrCdtTrf": "pacs.008", "PmtRtr": "pacs.004",
    "AcctRptgReq": "camt.060", "RsltnOfInvstgtn": "camt.029", "OFX": "OFX",
}  # fmt: skip
_ROOT: Final = re.compile(rf"<(?:[\w.-]+:)?({'|'.join(_ROOTS)})(?:V\d\d)?[\s/>]")
_EXPORT: Final = "Export the statement as camt.053, MT940, BAI2 or CSV."
# format -> what to do instead
CURES: Final = {
    "camt.052": "It is an intraday report, whose entries may still change: compare the camt.053 of "
                "the day.",
    "MT942": "It is an intraday report, whose entries may still change: compare the MT940 of the "
             "day.",
    "pain.001": "It is an order to the bank, not what the bank did: compare the bank's camt.053.",
    "pain.008": "It is an order to the bank, not what the bank did: compare the bank's camt.053.",
    "pacs.002": "It is between banks: ask yours for the pain.002.",
    "pacs.008": "It is between banks: ask yours for the camt.053.",
    "pacs.004": "It is between banks: ask yours for the camt.053.",
    "camt.060": "It is a request for a statement: compare the statement that answers it.",
    "camt.029": "It is about an investigation: ask the bank for the camt.053.",
    "MT103": "It is one payment: ask the bank for the MT940 of the day.",
    "MT900": "It is a notice of one debit: ask the bank for the MT940 of the day.",
    "MT910": "It is a notice of one credit: ask the bank for the MT940 of the day.",
    "PDF": "A PDF is for reading. " + _EXPORT,
}  # fmt: skip
_BEGINS: Final = (
    (re.compile(rb"%PDF"), "PDF"), (re.compile(rb"OFXHEADER|<OFX>", re.I), "OFX"),
    (re.compile(rb"!(?:Type:|Account|Option:)", re.I), "QIF"),
    (re.compile(rb"UN[AB][:+]"), "EDIFACT"),
    (re.compile(rb"ISA[*|~^]"), "X12"), (re.compile(rb"<!doctype html|<html", re.I), "HTML"),
    (re.compile(rb"[{\[]\s*[\"{\[]"), "JSON"), (re.compile(rb"0{5}\d{6}\d{3}05[ D]"), "CODA"),
    (re.compile(rb"SQLite format 3"), "SQLite"),
)  # fmt: skip
_MT: Final = re.compile(r"^\{2:[OI](\d{3})", re.M)
_TAGS: Final = re.compile(r"^[ \t\x1a]*:(\d\d[A-Z]?):", re.M)
_BAI2: Final = re.compile(r"01,[^,\n]{0,40},[^,\n]{0,40},\d{6},")
_NACHA: Final = re.compile(r"101[ \d]\d{9}[\w ]{10}\d{6}[\d ]{4}[A-Z0-9]094")

_NACHA_BATCH: Final = re.compile(
    r"5(?:200|220|225|280).{36}.{10}[A-Z]{3}.{10}"
)  # its file header is missing


def format_of(head: bytes) -> str | None:
    """The format of a file, one of STATEMENTS or ANSWERS; None for what may be a table.

    Raises: Problem(invalid) for a format that is known and not read.
    """
    plain = head[:HEAD].removeprefix(codecs.BOM_UTF8).lstrip()
    named = next((name for begins, name in _BEGINS if begins.match(plain)), "")
    text = _text(head[:HEAD])
    if not named and text.startswith("<"):
        root = _ROOT.search(text)
        named = _ROOTS[root[1]] if root else "XML"
    named = named or _of_lines(text)
    if named in STATEMENTS or named in ANSWERS:
        return named
    if named:
        raise invalid(
            Sentence("This is a file of the format {0}, which is not read here.", named),
            "file",
            CURES.get(named, _EXPORT),
        )
    return None


def check_statement(named: str, kind: str) -> None:
    """Raises: Problem(invalid) for an answer file, and for a bank's statement that is not compared
    as one."""
    if named in ANSWERS:
        raise invalid(
            Sentence(
                "This is a file of the format {0}: what a bank answers about payouts, not a "
                "statement.",
                named,
            ),
            "file",
            "Record it with: recoup bank answers FILE.",
        )
    if kind != "bank":
        raise invalid(
            Sentence(
                "This is a file of the format {0}: a bank's statement, given as the kind {1}.",
                named,
                kind,
            ),
            "kind",
            "Choose Bank as its source; on the command line: --kind bank.",
        )


def check_answers(named: str) -> None:
    """Raises: Problem(invalid) for a statement."""
    if named not in ANSWERS:
        raise invalid(
            Sentence(
                "This is a file of the format {0}: a statement of an account, not answers about "
                "payouts.",
                named,
            ),
            "file",
            "Compare it with: recoup reconcile FILE --kind bank.",
        )


def _text(head: bytes) -> str:
    """The beginning as text, as far as formats need it."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace").lstrip()
    if head.startswith(b"<\0"):
        return head.decode("utf-16-le", "replace")
    if head.startswith(b"\0<"):
        return head.decode("utf-16-be", "replace")
    return head.removeprefix(codecs.BOM_UTF8).decode("latin-1").lstrip()


def _of_lines(text: str) -> str:
    if _BAI2.match(text):
        return "BAI2"
    if _NACHA.match(text) or _NACHA_BATCH.match(text):
        return "NACHA"
    message = _MT.search(text)
    if message and message[1] != "940":
        return f"MT{message[1]}"
    tags = set(_TAGS.findall(text.replace("\r", "\n")))
    if "25" in tags or "25P" in tags or tags & {"60F", "60M"}:
        return "MT942" if tags & {"34F", "13D"} and not tags & {"60F", "60M"} else "MT940"
    return "MT103" if {"20", "32A"} <= tags else "MT940" if {"20", "28C"} <= tags else ""
