"""Payouts to banks: the file of a transfer is NACHA to routing numbers where it is known who sends
it, else CSV.

NACHA: records of 94 characters in blocks of ten, one batch of CCD credits with an addenda each. The
sandbox's bank takes every file and pays a day later, but for accounts that say by their number what
happens; it remembers nothing: the same payout always ends the same, however often it is sent or
inquired about.

Source: Nacha operating rules, ACH record formats (record types 1, 5, 6, 7, 8, 9)."""

import csv
import io
import string
import unicodedata
from datetime import datetime, timedelta
from typing import Final

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kit.files.cells import csv_row
from recoup.processors.gateways.bank import Answer, BankFile, Transfer
from recoup.processors.gateways.port import Outcome

NACHA_BEGINS: Final = "101"
WIDTH: Final = 94
COMPANY_ID_LENGTH: Final = 10
BLOCK: Final = 10
ENTRY_UNITS_MAX: Final = 9_999_999_999  # ten digits of cents; a larger payout is several entries
CREDITS_ONLY: Final = "220"
CHECKING_CREDIT: Final = "22"
_HASH: Final = 10**10
_NUMBERS: Final = 9_000_000  # of seven digits; the rest is for the entries of a large payout
_MODIFIERS: Final = string.ascii_uppercase + string.digits


@frozen
class Originator:
    """Originator of a file: its bank's routing number and name, its company id and name."""

    routing: str
    bank: str
    company_id: str
    company: str


SANDBOX: Final = Originator("091000019", "SANDBOX BANK", "1900000019", "RECOUP")


def nacha_file(transfer: Transfer, originator: Originator) -> str:
    """The whole file, its lines ended by a line feed. Amounts are US cents."""
    entries = _entries(transfer, originator)
    count = len(entries) * 2
    checksum = str(int(transfer.account.routing[:8]) * len(entries) % _HASH).rjust(10, "0")
    total = _number(transfer.units, 12)
    odfi, number = originator.routing[:8], _number(_first_number(transfer), 7)
    company_id = _text(originator.company_id, COMPANY_ID_LENGTH)
    records = [
        _file_header(transfer, originator),
        "5"
        + CREDITS_ONLY
        + _text(originator.company, 16)
        + " " * 20
        + company_id
        + "CCD"
        + _text("PAYOUT", 10)
        + f"{transfer.made_at:%y%m%d}"
        + f"{_next_weekday(transfer.made_at):%y%m%d}"
        + "   "
        + "1"
        + odfi
        + number,
        *(record for pair in entries for record in pair),
        "8"
        + CREDITS_ONLY
        + _number(count, 6)
        + checksum
        + _number(0, 12)
        + total
        + company_id
        + " " * 25
        + odfi
        + number,
    ]
    blocks = -(-(len(records) + 1) // BLOCK)
    records.append(
        "9"
        + _number(1, 6)
        + _number(blocks, 6)
        + _number(count, 8)
        + checksum
        + _number(0, 12)
        + total
        + " " * 39
    )
    records += ["9" * WIDTH] * (blocks * BLOCK - len(records))
    return "".join(record + "\n" for record in records)


def paid_by(text: str) -> dict[tuple[str, str, str], int]:
    """The units that a file's entries pay, by routing number, account number and reference."""
    paid: dict[tuple[str, str, str], int] = {}
    for record in text.split("\n"):
        if record.startswith("6"):
            key = record[3:12], record[12:29].rstrip(), record[39:54].rstrip()
            paid[key] = paid.get(key, 0) + int(record[29:39])
    return paid


def _file_header(transfer: Transfer, originator: Originator) -> str:
    modifier = _MODIFIERS[transfer.payout_id.int % len(_MODIFIERS)]
    return (
        NACHA_BEGINS
        + " "
        + originator.routing
        + _text(originator.company_id, COMPANY_ID_LENGTH)
        + f"{transfer.made_at:%y%m%d%H%M}"
        + modifier
        + "094"
        + "10"
        + "1"
        + _text(originator.bank, 23)
        + _text(originator.company, 23)
        + " " * 8
    )


def _entries(transfer: Transfer, originator: Originator) -> list[tuple[str, str]]:
    account, left = transfer.account, transfer.units
    made: list[tuple[str, str]] = []
    while left:
        units, number = min(left, ENTRY_UNITS_MAX), _first_number(transfer) + len(made)
        entry = (
            "6"
            + CHECKING_CREDIT
            + account.routing
            + _text(account.account, 17)
            + _number(units, 10)
            + _text(transfer.reference, 15)
            + _text(account.holder, 22)
            + "  "
            + "1"
            + originator.routing[:8]
            + _number(number, 7)
        )
        made.append(
            (
                entry,
                "705"
                + _text(f"SETTLEMENT {transfer.reference}", 80)
                + _number(1, 4)
                + _number(number, 7),
            )
        )
        left -= units
    return made


def _first_number(transfer: Transfer) -> int:
    """The number of the batch and of its first trace: the payout's own, so that a bank does not
    take two files for one."""
    return transfer.payout_id.int % _NUMBERS + 1


def _number(value: int, width: int) -> str:
    text = str(value).rjust(width, "0")
    if len(text) > width:
        raise ValueError(f"{width} digits do not hold this number")
    return text


def _text(value: str, width: int) -> str:
    """Capitals and what the format takes of ASCII; accents are dropped, what is too long is cut."""
    return "".join(
        c if c.isalnum() or c in " .-/&,:#$%*+" else " "
        for c in unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().upper()
    )[:width].ljust(width)


def _next_weekday(moment: datetime) -> datetime:
    day = moment + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day


COLUMNS: Final = (
    "payout_id", "reference", "date", "holder", "iban", "routing_number", "account_number",
    "amount", "currency",
)  # fmt: skip
_COMPARED: Final = ("reference", "iban", "routing_number", "account_number", "amount", "currency")


def bank_file(transfer: Transfer, originator: Originator | None) -> BankFile:
    if transfer.account.scheme == "us" and originator:
        return BankFile(
            f"{transfer.reference}.ach", nacha_file(transfer, originator).encode("ascii")
        )
    return BankFile(f"{transfer.reference}.csv", csv_file(transfer).encode())


def csv_file(transfer: Transfer) -> str:
    """UTF-8, commas, CRLF. Amounts are plain decimals at the currency's full scale."""
    account = transfer.account
    us = account.scheme == "us"
    return csv_row(COLUMNS) + csv_row(
        (
            transfer.payout_id,
            transfer.reference,
            f"{transfer.made_at:%Y-%m-%d}",
            account.holder,
            "" if us else account.account,
            account.routing,
            account.account if us else "",
            to_text(transfer.units, EXPONENTS[transfer.asset]),
            transfer.asset,
        )
    )


def says(content: bytes, transfer: Transfer) -> bool:
    """True when a file, by whichever version of us and originator it was made, pays this amount to
    this account under this reference."""
    try:
        text = content.decode("utf-8")
        if transfer.account.scheme == "us" and text.startswith(NACHA_BEGINS):
            return paid_by(text) == {
                (
                    transfer.account.routing,
                    transfer.account.account,
                    transfer.reference,
                ): transfer.units
            }
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
    except ValueError:
        return False
    wanted = dict(
        zip(
            COLUMNS, next(csv.reader(io.StringIO(csv_file(transfer).split("\r\n")[1]))), strict=True
        )
    )
    return all(row.get(name) == wanted[name] for name in _COMPARED)


class ByHand:
    """The file is ready to be fetched as soon as it is made. Without an originator it is a CSV for
    every account."""

    asks_after: timedelta | None = None
    shows_deposits = False

    def __init__(self, originator: Originator | None = None) -> None:
        self._originator = originator

    def file(self, transfer: Transfer) -> BankFile:
        return bank_file(transfer, self._originator)

    def paid_by(self, scheme: str) -> str:
        originator = self._originator
        return (
            f"{originator.company} ({originator.company_id}), {originator.bank} "
            f"{originator.routing}"
            if originator and scheme == "us"
            else ""
        )

    async def send(self, transfer: Transfer, file: BankFile) -> Outcome:
        return Outcome("approved", reference=file.name)

    async def answer(self, transfer: Transfer) -> Answer | None:
        return None


# last digits of the account number -> what becomes of a payout to it
MAGIC: Final = {
    "0002": "returned: R02, the account is closed", "0003": "returned: R03, there is no such "
                                                            "account",
    "0020": "returned: R20, the account takes no transfers", "0099": "the bank is silent when the "
                                                                     "file is sent",
}  # fmt: skip


class SandboxBank(ByHand):
    asks_after: timedelta | None = timedelta(days=1)
    shows_deposits = True

    def __init__(self) -> None:
        super().__init__(SANDBOX)

    async def send(self, transfer: Transfer, file: BankFile) -> Outcome:
        if transfer.account.account.endswith("0099"):
            return Outcome("unknown", text="time-out")
        return await super().send(transfer, file)

    async def answer(self, transfer: Transfer) -> Answer | None:
        scripted = MAGIC.get(transfer.account.account[-4:], "")
        if scripted.startswith("returned: "):
            return Answer("returned", scripted.removeprefix("returned: "))
        return Answer("paid")
