"""The bank's files against the published layout: positions, padding, counts, hash totals."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.bank.gateways import ENTRY_UNITS_MAX, SANDBOX, bank_file, says
from recoup.bank.rules.bank_payout import reference_of
from recoup.processors.gateways.bank import Transfer
from recoup.processors.rules.bank_account import BankAccount

AT = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)  # a Friday


def transfer(units: int, account: BankAccount | None = None, asset: str = "USD") -> Transfer:
    payout_id = uuid4()
    account = account or BankAccount(
        "us", "Brightleaf Tea Company of Boston", "000123456789", "011000015"
    )
    return Transfer(payout_id, account, units, asset, reference_of(payout_id, asset, AT, 1), AT)


@given(st.integers(1, 5 * ENTRY_UNITS_MAX))
def test_a_nacha_file_adds_up(units: int) -> None:
    """Positions as published, counted from 1: [from, to]."""
    file = bank_file(transfer(units), SANDBOX)
    lines = file.content.decode("ascii").splitlines()
    assert {len(line) for line in lines} == {94}
    assert len(lines) % 10 == 0
    kinds = [line[0] for line in lines if line != "9" * 94]
    entries = [line for line in lines if line[0] == "6"]
    assert "".join(kinds) == "15" + "67" * len(entries) + "89"
    assert len(entries) == -(-units // ENTRY_UNITS_MAX)
    assert sum(int(line[29:39]) for line in entries) == units
    count, checksum = len(entries) * 2, sum(int(line[3:11]) for line in entries) % 10**10
    batch = next(line for line in lines if line[0] == "8")
    assert (batch[1:4], int(batch[4:10]), int(batch[10:20])) == ("220", count, checksum)
    assert (int(batch[20:32]), int(batch[32:44])) == (0, units)
    control = next(line for line in lines if line[0] == "9" and line != "9" * 94)
    assert (int(control[1:7]), int(control[7:13]), int(control[13:21])) == (
        1,
        len(lines) // 10,
        count,
    )
    assert (int(control[21:31]), int(control[31:43]), int(control[43:55])) == (checksum, 0, units)
    assert control[55:] == " " * 39


def test_a_nacha_file_says_who_to_whom_and_when() -> None:
    made = transfer(13_371)
    lines = bank_file(made, SANDBOX).content.decode("ascii").splitlines()
    head, batch, entry, addenda = lines[:4]
    assert head[:13] == "101 091000019"
    assert (head[23:33], head[34:40]) == ("2611201430", "094101")
    assert head[40:63] == "SANDBOX BANK".ljust(23)
    assert (batch[1:4], batch[50:53], batch[53:63], batch[63:69], batch[69:75], batch[78]) == (
        "220",
        "CCD",
        "PAYOUT".ljust(10),
        "261120",
        "261123",
        "1",
    )
    assert (entry[1:3], entry[3:12], entry[12:29]) == ("22", "011000015", "000123456789".ljust(17))
    assert (entry[39:54].strip(), entry[54:76]) == (made.reference, "BRIGHTLEAF TEA COMPANY")
    assert (entry[78], entry[79:94]) == ("1", "09100001" + batch[87:94])
    assert (addenda[1:3], addenda[83:94]) == ("05", "0001" + batch[87:94])
    assert made.reference in addenda


def test_two_payouts_of_one_minute_are_no_duplicates_to_the_bank() -> None:
    """Their headers, batch and trace numbers were equal to the byte."""
    first, second = (
        bank_file(transfer(13_371), SANDBOX).content.decode().splitlines() for _ in range(2)
    )
    assert first[1][87:94] != second[1][87:94]
    assert first[2][79:94] != second[2][79:94]


def test_the_same_transfer_is_the_same_file() -> None:
    made = transfer(4_590)
    assert bank_file(made, SANDBOX) == bank_file(made, SANDBOX)


SCALES = [("EUR", "133.71"), ("JPY", "13371"), ("KWD", "13.371"), ("CLF", "1.3371")]


@pytest.mark.parametrize(("asset", "amount"), SCALES)
def test_a_csv_file_says_the_amount_at_the_currencys_scale(asset: str, amount: str) -> None:
    account = BankAccount("iban", "=cmd|'/c calc'!A0", "DE89370400440532013000")
    made = transfer(13_371, account, asset)
    file = bank_file(made, SANDBOX)
    assert file.name == f"{made.reference}.csv"
    (row,) = csv.DictReader(io.StringIO(file.content.decode()))
    assert (row["iban"], row["amount"], row["currency"]) == (
        "DE89370400440532013000",
        amount,
        asset,
    )
    assert row["holder"].startswith("'=")
    assert row["payout_id"] == str(made.payout_id)


def test_a_file_names_no_bank_that_its_sender_does_not_have() -> None:
    """A live payout to a US account was a file of "SANDBOX BANK", with its routing number."""
    made = transfer(12_345)
    file = bank_file(made, None)
    assert file.name == f"{made.reference}.csv"
    (row,) = csv.DictReader(io.StringIO(file.content.decode(), newline=""))
    assert (row["routing_number"], row["account_number"]) == (
        made.account.routing,
        made.account.account,
    )
    assert (row["iban"], row["amount"]) == ("", "123.45")
    assert says(file.content, made)
    assert not says(file.content, replace(made, units=12_346))
