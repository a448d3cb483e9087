"""Choice of a transfer's file: NACHA to routing numbers where it is known who sends it, else
CSV."""

import csv
import io
from datetime import timedelta
from typing import Final

from recoup.bank.gateways.nacha import NACHA_BEGINS, Originator, nacha_file, paid_by
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kit.files.cells import csv_row
from recoup.processors.gateways.bank import Answer, BankFile, Transfer
from recoup.processors.gateways.port import Outcome

COLUMNS: Final = (
    "payout_id", "reference", "date", "holder", "iban", "routing_number", "account_number", "amount", "currency",
)  # fmt: skip
_COMPARED: Final = ("reference", "iban", "routing_number", "account_number", "amount", "currency")


def bank_file(transfer: Transfer, originator: Originator | None) -> BankFile:
    if transfer.account.scheme == "us" and originator is not None:
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
        one = self._originator
        return (
            f"{one.company} ({one.company_id}), {one.bank} {one.routing}"
            if one and scheme == "us"
            else ""
        )

    async def send(self, transfer: Transfer, file: BankFile) -> Outcome:
        return Outcome("approved", reference=file.name)

    async def answer(self, transfer: Transfer) -> Answer | None:
        return None
