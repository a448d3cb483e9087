"""`recoup reconcile`, `recoup report reconciliation` and `recoup sandbox export` as a person types
them."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import pytest
from click.testing import CliRunner, Result
from tests.bank_files import mt940
from tests.comparing import sold
from tests.here import Here, Work
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.cli import report
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.reconciliation.cli.reconcile import reconcile_file
from recoup.sandbox.cli.sandbox import sandbox

Run = Callable[..., Result]


@pytest.fixture
def recoup(server: ServerAddress, tmp_path: Path) -> Iterator[Run]:
    """The verbs over a world in which a shop sold; `--merchant` is added."""
    loop = asyncio.new_event_loop()
    opened_world = sandbox_world(server)
    made = loop.run_until_complete(opened_world.__aenter__())
    shop: Shop = loop.run_until_complete(make_shop(*made, fee_basis_points=290))
    loop.run_until_complete(sold(shop, 3))
    opened = Opened(made[0], Services(*made[1:]), tmp_path, "http://recoup.test")

    def does(work: Work) -> Any:
        return loop.run_until_complete(work(opened))

    cli = click.Group("recoup")
    for verb in (sandbox, report, reconcile_file):
        cli.add_command(verb)

    def run(*words: str | Path) -> Result:
        return CliRunner().invoke(
            cli, [*map(str, words), "--merchant", str(shop.merchant_id)], obj=Here(does)
        )

    yield run
    loop.run_until_complete(opened_world.__aexit__(None, None, None))
    loop.close()


def ok(result: Result) -> str:
    assert result.exit_code == 0, (result.output, result.exception)
    return str(result.output)


def test_a_statement_is_exported_edited_compared_and_booked(recoup: Run, tmp_path: Path) -> None:
    file = tmp_path / "statement.csv"
    assert "4 lines in" in ok(recoup("sandbox", "export", "processor", "--out", file))
    told = json.loads(ok(recoup("reconcile", file, "--json")))
    assert told["outcomes"]["matched"] == 4
    assert f"{told['days'][0]} to {told['days'][1]} (UTC)" in ok(recoup("reconcile", file))
    assert told["to"][:10] > told["days"][1]
    assert not told["differences"]
    header, *lines = file.read_text().splitlines()
    renamed = header.replace("amount", "Sum").replace("reference", "PSP")
    other = tmp_path / "other.csv"
    other.write_text(
        "\n".join([renamed, *lines[1:], lines[1], ",,fee,1.10,USD,2026-11-05,", "nonsense"])
    )
    refused = recoup("reconcile", other)
    assert isinstance(refused.exception, Problem)
    assert "no amount" in refused.exception.message
    words = ok(
        recoup(
            "reconcile",
            other,
            "--map",
            "amount=Sum",
            "--map",
            "reference=PSP",
            "--period",
            "2026-01-01..2100-01-01",
        )
    )
    for expected in (
        "matched",
        "missing there",
        "duplicate",
        "[processing_cost]",
        "Line 7 could not be read",
        "1 suggestion",
    ):
        assert expected in words
    options = (
        "--map",
        "amount=Sum",
        "--map",
        "reference=PSP",
        "--period",
        "2026-01-01..2100-01-01",
    )
    again = ok(recoup("reconcile", other, *options, "--book", "6", "--note", "November"))
    assert "nothing was changed" in again
    assert "Booked: 1 now" in again
    twice = recoup("reconcile", other, *options, "--book", "6", "--note", "November")
    assert isinstance(twice.exception, Problem)
    assert twice.exception.code == "wrong_state"
    anew = json.loads(ok(recoup("reconcile", other, *options, "--again", "--json")))
    assert not anew["before"]
    assert anew["outcomes"]["missing_here"] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--book", "all"),
        ("--book", "x", "--note", "y"),
        ("--map", "amount"),
        ("--period", "2026-11-01"),
        ("--period", "2026-12-01..2026-11-01"),
        ("--zone", "Mars"),
        ("--encoding", "klingon"),
        ("--currency", "XXY"),
    ],
)
def test_options_that_cannot_be_are_refused(
    recoup: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    file = tmp_path / "statement.csv"
    file.write_text("id,reference,type,amount,currency,date\n")
    assert isinstance(recoup("reconcile", file, *words).exception, Problem)


def test_the_report_is_a_file_and_its_sums(recoup: Run, tmp_path: Path) -> None:
    out = tmp_path / "report.csv"
    days = ("--from", "2026-01-01", "--to", "2100-01-01", "--zone", "Europe/Berlin")
    words = ok(recoup("report", "reconciliation", *days, "--out", out))
    assert "card balance moved by 123.71 USD" in words
    header, *rows = out.read_text().splitlines()
    assert header.startswith("date_placed (Europe/Berlin)")
    assert len(rows) == 4
    (total,) = json.loads(ok(recoup("report", "reconciliation", *days, "--totals")))
    assert total["net"] == "123.71"
    assert UUID(rows[0].split(",")[-1].split(".")[0])


def test_currencies_are_named_at_once_and_refused_lines_come_last(
    recoup: Run, tmp_path: Path
) -> None:
    file = tmp_path / "mixed.csv"
    rows = [
        "id,type,amount,currency,date",
        "a1,charge,1.00,USD,2026-11-20",
        "a2,charge,1.00,EUR,2026-11-20",
        "a3,charge,2.00,USD,2026-11-20",
    ]
    file.write_text("\n".join(rows) + "\n")
    told = json.loads(ok(recoup("reconcile", file, "--json")))
    assert [one["outcome"] for one in told["differences"]][-1] == "refused"
    assert told["outcomes"]["refused"] == 1
    both = json.loads(ok(recoup("reconcile", file, "--currency", "USD,EUR", "--json")))
    assert both["outcomes"]["refused"] == 0
    assert both["outcomes"]["missing_here"] == 3


def test_a_banks_statement_is_compared_and_booked(recoup: Run, tmp_path: Path) -> None:
    file = tmp_path / "statement.sta"
    file.write_bytes(
        mt940(":61:2611201120C100,00NTRFPO-1//B1", ":61:2611201120RC40,00NTRFPO-2//B2")
    )
    refused = recoup("reconcile", file)
    assert isinstance(refused.exception, Problem)
    assert "--kind bank" in str(refused.exception.cure)
    words = ok(
        recoup("reconcile", file, "--kind", "bank", "--book", "all", "--note", "asked the bank")
    )
    assert "2 entries, sum 60.00 EUR" in words
    assert "Booked: 2 now" in words


TABLES = {
    "sigma_balance_transactions.csv": (
        "id,amount,available_on,created,currency,description,"
        "exchange_rate,fee,net,reporting_category,source_id,status,type\n"
        "txn_A1,4590,2026-11-05,2026-11-03 "
        "10:00:00,usd,Renewal,,163,4427,charge,ch_A1,available,charge\n"
        "txn_A2,-1200,2026-11-05,2026-11-03 "
        "11:00:00,usd,Refund,,0,-1200,refund,re_A2,available,refund\n"
        "txn_A3,-225,2026-11-05,2026-11-03 12:00:00,usd,Radar,,0,-225,fee,,available,stripe_fee\n",
        "processor",
        [("charge", "45.90", "ch_A1"), ("refund", "12.00", "re_A2"), ("fee", "2.25", "txn_A3")],
    ),
    "balance.csv": (
        "balance_transaction_id,created_utc,currency,gross,"
        "fee,net,reporting_category,source_id,description\n"
        "txn_F1,2026-11-03 10:00:00,usd,-5.00,0.00,-5.00,fee,fee_1,Radar for November\n"
        "txn_F2,2026-11-04 10:00:00,usd,5.00,0.00,5.00,fee,fee_2,Radar for November was charged by "
        "mistake\n"
        "txn_F3,2026-11-04 11:00:00,usd,-0.30,0.00,-0.30,fee,fee_3,Dispute fee of a month\n",
        "processor",
        [("fee", "5.00", "fee_1"), ("fee_returned", "5.00", "fee_2"), ("fee", "0.30", "fee_3")],
    ),
    "plain.csv": (
        "Date;Text;Amount;Currency;Reference\n02.11.2026;Payout RC0123456789AB;-250,00;EUR;B1\n"
        "03.11.2026;From the processor;300,00;EUR;B2\n",
        "bank",
        [("payout", "250.00", "RC0123456789AB"), ("funding", "300.00", "B2")],
    ),
    "statement.csv": (
        'reference,type,amount,currency,date\n="000123",charge,45.90,USD,2026-11-03\n'
        '"=""000124""",charge,12.00,USD,2026-11-03\n',
        "processor",
        [("charge", "45.90", "000123"), ("charge", "12.00", "000124")],
    ),
    "ctrl_z_between.sta": (
        ":20:S1\n:25:0123456789\n:28C:1/1\n:60F:C190328EUR100,00\n:61:190328    "
        "C10,00NTRFNONREF\n:86:REST\n"
        ":62F:C190328EUR110,00\n\x1a:20:S2\n:25:0999999999\n"
        ":28C:1/1\n:60F:C190328EUR5,00\n:62F:C190328EUR5,00\n -\n",
        "bank",
        [("funding", "10.00", "")],
    ),
}


def test_files_as_vendors_and_banks_write_them(recoup: Run, tmp_path: Path) -> None:
    for name, (text, kind, wanted) in TABLES.items():
        file = tmp_path / name
        file.write_bytes(text.encode())
        told = json.loads(ok(recoup("reconcile", file, "--kind", kind, "--json")))
        found = [
            (one["type"], one["theirs"], one["reference"])
            for one in told["differences"]
            if one["line"]
        ]
        assert (found, told["outcomes"]["refused"]) == (wanted, 0), name
    assert "smallest unit" in ok(recoup("reconcile", tmp_path / "sigma_balance_transactions.csv"))
    whole = ok(
        recoup("reconcile", tmp_path / "sigma_balance_transactions.csv", "--amounts", "major")
    )
    assert "theirs 4590.00 USD" in whole


def test_a_statement_in_cents_is_refused_with_what_to_say(recoup: Run, tmp_path: Path) -> None:
    file, cents = tmp_path / "statement.csv", tmp_path / "cents.csv"
    ok(recoup("sandbox", "export", "processor", "--out", file))
    header, *rows = file.read_text().splitlines()
    cents.write_text("\n".join([header, *(row.replace(".", "", 1) for row in rows)]) + "\n")
    refused = recoup("reconcile", cents).exception
    assert isinstance(refused, Problem)
    assert (refused.field, str(refused.cure)) == (
        "amounts",
        "Say the unit of its amounts: --amounts minor.",
    )
    assert "matched                  4" in ok(recoup("reconcile", cents, "--amounts", "minor"))
