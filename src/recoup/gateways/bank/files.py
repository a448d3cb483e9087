"""Which file a transfer takes: NACHA to routing numbers, CSV to IBANs."""

from typing import Final

from recoup.gateways.bank.nacha import Originator, nacha_file
from recoup.gateways.bank.port import BankFile, Transfer
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import to_text
from recoup.rules.money.cells import csv_row

COLUMNS: Final = (
    "payout_id", "reference", "date", "holder", "iban", "routing_number", "account_number", "amount", "currency",
)  # fmt: skip


def bank_file(transfer: Transfer, originator: Originator) -> BankFile:
    if transfer.account.scheme == "us":
        return BankFile(f"{transfer.reference}.ach", nacha_file(transfer, originator).encode("ascii"))
    return BankFile(f"{transfer.reference}.csv", csv_file(transfer).encode())


def csv_file(transfer: Transfer) -> str:
    """UTF-8, commas, CRLF. Amounts are plain decimals at the currency's full scale."""
    account = transfer.account
    us = account.scheme == "us"
    return csv_row(COLUMNS) + csv_row((
        transfer.payout_id, transfer.reference, f"{transfer.made_at:%Y-%m-%d}", account.holder,
        "" if us else account.account, account.routing, account.account if us else "",
        to_text(transfer.units, EXPONENTS[transfer.asset]), transfer.asset,
    ))  # fmt: skip
