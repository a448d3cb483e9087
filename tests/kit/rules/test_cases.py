"""What foreign files do to amounts, dates, ids and lines, in all four uses of the one reader."""

import io
import json
from typing import Any

import pytest
from tests.imports.rules.reading import attempts, bad, look, read

from recoup.bank.rules.answers import answers_of
from recoup.bank.rules.matching import Theirs
from recoup.bank.rules.reading import Reading
from recoup.bank.rules.statement import FEES_FROM, Broken, Statement
from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import BadLine, Skipped
from recoup.imports.rules.report import Counts, later, report_of
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kit.files.amounts import NoAmount, units_of
from recoup.kit.files.ids import destroyed_in
from recoup.kit.files.lines import lines
from recoup.kit.files.moments import read_moment
from recoup.orders.rules.references import named_by
from recoup.uploads.api import columns_of, readers
from recoup.uploads.flows.take import Rows
from recoup.uploads.rules.table import TableRows, body_of

IMPORTED = "id,PaymentIntent ID,Created date (UTC),Amount,Currency,Status\n"
STATED = "type,reference,amount,currency,date\n"


def stated(text: str, reading: Reading | None = None) -> list[Theirs | Broken]:
    return list(Statement(lambda: lines([text.encode()], "utf-8-sig"), reading or Reading()))


def said(text: str, reading: Reading | None = None) -> list[tuple[object, ...]]:
    return [
        (one.number, one.code, str(one.why))
        if isinstance(one, Broken)
        else (one.number, one.type, one.units, one.asset)
        for one in stated(text, reading)
    ]


def test_amounts_are_read_alike_in_a_statement_and_an_import() -> None:
    """A trailing minus was an approval; nine decimals, blanks and groups of India were nothing at
    all."""
    wanted = {
        "45.00-": (4500, True),
        "-45.00": (4500, True),
        "(45.00)": (4500, True),
        "USD -45.00": (4500, True),
        "\N{MINUS SIGN}45.00": (4500, True),
        "45.00 -": (4500, True),
        "1'234.50": (123450, False),
        "$45.00": (4500, False),
        "US$ 45.00": (4500, False),
        "45.00 USD": (4500, False),
        "1,00,000.00": (10_000_000, False),
        "45.000000000": (4500, False),
        "1 234.50": (123450, False),
        "1\N{NARROW NO-BREAK SPACE}234.50": (123450, False),
        ".50": (50, False),
        "0.500": (50, False),
        "45.": (4500, False),
        "EUR 45.00": "says 'EUR', but the currency is USD",
        "\N{EURO SIGN}45": "says '\N{EURO SIGN}', but the currency is USD",
        "45.00 CR": "says 'CR', but the currency is USD",
        "45.001": "holds more decimals than USD has",
        "4.5E+1": "holds no amount",
        "--45": "holds no amount",
        "(45": "holds no amount",
        "-(45)": "holds no amount",
        "12'34.5": "holds no amount",
        "USD 45 USD": "holds no amount",
        "1,5": "holds no amount whose decimal sign is '.'",
        "99999999999999.99": "holds an amount that is too large",
        "\u0664\u0665": "holds no amount",
        "": "holds no amount",
    }
    units = {text: units_of(text, "USD", ".") for text in wanted}
    assert {
        text: one.what if isinstance(one, NoAmount) else one for text, one in units.items()
    } == wanted
    for text, found in wanted.items():
        [stating] = stated(f'{STATED}refund,r,"{text}",USD,2026-11-20\n', Reading(decimal="."))
        [imported] = read(
            f'{IMPORTED}ch,pi,2026-03-06 10:00:00,"{text}",usd,Paid\n', Answers(decimal=".")
        )
        if isinstance(found, str):
            cure = (
                "correct the amount or the currency: they must agree"
                if "says" in found
                else "write it like 1234.50"
            )
            told = [
                str(one.why) for one in (stating, imported) if isinstance(one, Broken | BadLine)
            ]
            empty = "column amount: has no amount"
            assert told == [
                f"column amount: {found}; {cure}" if text else empty,
                f"column Amount: {found}; {cure}",
            ]
        else:
            assert isinstance(stating, Theirs), text
            assert stating.units == found[0], text
            assert isinstance(imported, Skipped) == found[1], text


def test_moments_are_read_alike() -> None:
    wanted = {
        "20260301100000": "2026-03-01T10:00:00",
        "202603011000": "2026-03-01T10:00:00",
        "20260301": "2026-03-01T00:00:00",
        "1772359200": "2026-03-01T10:00:00+00:00",
        "1772359200000": "2026-03-01T10:00:00+00:00",
        "1772359200000000": "2026-03-01T10:00:00+00:00",
        "2026-03-01T10:00:00.123456789Z": "2026-03-01T10:00:00.123456+00:00",
        "2026-03-01T12:00:00+02:00": "2026-03-01T12:00:00+02:00",
        "20260301T100000Z": "2026-03-01T10:00:00+00:00",
        "2026-03-01": "2026-03-01T00:00:00",
        "2026-03-01 10:00:00 PST": "2026-03-01T10:00:00",
        "2026-03-01 10:00 PM": None,
        "2026-03-01 10:00:00 p.m. EST": None,
        "03/04/2026": None,
        "20261301100000": None,
        "20260231": None,
        "46083.25": None,
        "99991231235959": None,
        "2026": None,
    }
    found = {text: read_moment(text, "") for text in wanted}
    assert {text: one.at.isoformat() if one else None for text, one in found.items()} == wanted


def test_nmi_dates_and_nine_decimals_are_imported() -> None:
    nmi = (
        "transaction_id,order_id,action_type,amount,date,"
        "success,response_code,response_text,currency\n"
        "1,SUB-1,sale,45.00,20260301100000,0,202,Insufficient funds,USD\n"
        "2,SUB-1,sale,45.00,20260305100000,1,100,SUCCESS,USD\n"
    )
    killbill = (
        "id,attempt_id,transaction_type,effective_date,transaction_status,"
        "amount,currency,payment_id,gateway_error_code\n"
        "t1,a1,PURCHASE,2026-03-01 10:00:00,PAYMENT_FAILURE,45.000000000,USD,p1,51\n"
        "t2,a2,PURCHASE,2026-03-05 10:00:00,SUCCESS,45.000000000,USD,p1,\n"
    )
    for text, answers in ((nmi, None), (killbill, Answers(zone="UTC"))):
        assert [(one.state, one.units) for one in attempts(text, answers)] == [
            ("declined", 4500),
            ("approved", 4500),
        ]


def test_ids_that_a_spreadsheet_destroyed_are_refused_everywhere() -> None:
    """Two payers under one such id had one session, and the second was never tried."""
    destroyed = (
        "9.87654E+11",
        "9,87654E+11",
        "9E+11",
        "1.2E-5",
        "-9.8E+11",
        "#NAME?",
        "#REF!",
        "########",
    )
    why = "holds what a spreadsheet made of an id, like 9.87654E+11; export the file again"
    for text in destroyed:
        [imported] = read(f'{IMPORTED}"{text}",pi,2026-03-06 10:00:00,45.00,usd,Paid\n')
        assert isinstance(imported, BadLine), text
        assert imported.why.startswith(f"column id: {why}"), text
        [(_, code, told)] = said(f'{STATED}charge,"{text}",45.00,USD,2026-11-20\n')
        assert (code, told.startswith(f"column reference: {why}")) == ("spreadsheet", True), text
        [answer] = answers_of(f'payout,outcome\n"{text}",paid\n'.encode())
        assert str(answer.wrong).startswith(f"column payout: {why}"), text
        assert destroyed_in({"orderId": text}) == "orderId", text
    assert destroyed_in({"orderId": "1E5", "payer": {"id": "12e34", "name": "#1 of 2"}}) == ""
    assert destroyed_in({"orderId": "a", "payer": {"id": "9.87654E+11"}}) == "payer.id"


def test_lines_that_end_with_cr_alone_are_read_everywhere() -> None:
    row = "ch_C1,pi_C1,2026-03-01 10:00:00,45.00,usd,Failed\n"
    assert [one.ref for one in attempts((IMPORTED + row).replace("\n", "\r"))] == ["ch_C1"]
    assert said((STATED + "charge,R1,45.00,USD,2026-11-20\n").replace("\n", "\r")) == [
        (2, "charge", 4500, "USD")
    ]
    assert [one.payout for one in answers_of(b"payout,outcome\rp-1,paid\rp-2,paid\r")] == [
        "p-1",
        "p-2",
    ]
    table = TableRows(
        lines([b"orderId,amount\rSO-1,4590\rSO-2,100\r"], "utf-8"), columns_of("transmit")
    )
    assert [record.cells for record in table] == [("SO-1", "4590"), ("SO-2", "100")]


def test_a_header_below_a_title_is_found_everywhere() -> None:
    title = "Payments of our shop;;\n\n"
    assert said(title + STATED + "charge,R1,45.00,USD,2026-11-20\n") == [(4, "charge", 4500, "USD")]
    assert [
        (one.line, one.payout) for one in answers_of(f"{title}payout;outcome\np-1;paid\n".encode())
    ] == [(4, "p-1")]
    table = TableRows(
        lines([f"{title}orderId;amount\nSO-1;4590\n".encode()], "utf-8"), columns_of("transmit")
    )
    assert [record.line for record in table] == [4]


def test_amounts_and_dates_of_an_upload() -> None:
    """In the smallest unit, so that a decimal sign is left to the field's own complaint."""

    def given(**cells: str) -> dict[str, Any]:
        raw = ",".join(cells) + "\n" + ",".join(f'"{text}"' for text in cells.values()) + "\n"
        table = TableRows(lines([raw.encode()], "utf-8"), columns_of("transmit"))
        [record] = table
        found: dict[str, Any] = body_of(table.columns, record.cells or ())["transaction"]
        return found

    amounts: dict[str, Any] = {
        "4590-": -4590,
        "USD 4590": 4590,
        "1'234": 1234,
        "45.00": "45.00",
        "4590": 4590,
    }
    assert {
        text: given(orderId="o", amount=text, currency="USD")["amount"] for text in amounts
    } == amounts
    with pytest.raises(Problem, match="says 'EUR', but the currency is USD"):
        given(orderId="o", amount="EUR 4590", currency="USD")
    instant = "2026-03-01T10:00:00+00:00"
    moments = {"20260301100000": instant, "1772359200": instant, "03/04/2026": "03/04/2026"}
    assert {
        text: given(orderId="o", timestampUtc=text)["timestampUtc"] for text in moments
    } == moments


def test_debit_and_credit_gross_fee_and_net_of_processors_own_files() -> None:
    adyen = (
        "Psp Reference,Type,Creation Date,TimeZone,Gross Currency,Gross Debit (GC),Gross Credit "
        "(GC),Net Currency,"
        "Net Debit (NC),Net Credit (NC),Commission (NC)\n"
        "P1,Settled,2026-11-20 16:10:51,PST,EUR,,45.90,EUR,,45.00,\n"
        "P1,Refunded,2026-11-20 17:10:51,PST,EUR,10.00,,EUR,10.20,,0.20\n"
        ",Fee,2026-11-21 16:10:51,PST,,,,EUR,3.00,,\n"
        "P9,MerchantPayout,2026-11-21 16:10:51,PST,,,,EUR,31.80,,\n"
        "P3,Refunded,2026-11-21 16:10:51,PST,EUR,,10.00,EUR,,10.00,\n"
        "P4,Settled,2026-11-21 16:10:51,PST,EUR,1.00,2.00,EUR,,1.00,\n"
    )
    assert said(adyen) == [
        (2, "charge", 4590, "EUR"),
        (FEES_FROM + 2, "fee", 90, "EUR"),
        (3, "refund", 1000, "EUR"),
        (FEES_FROM + 3, "fee", 20, "EUR"),
        (4, "fee", 300, "EUR"),
        (5, "funding", 3180, "EUR"),
        (6, "refund_failed", 1000, "EUR"),
        (
            7,
            "bad_amount",
            "has an amount in Gross Debit (GC) and in Gross Credit (GC); map one of them",
        ),
    ]
    at = stated(adyen)[0].at
    assert at.isoformat() == "2026-11-21T00:10:51+00:00"  # type: ignore[union-attr]
    alone = "to read the amount alone, map no column: --map fee= --map net="
    stripe = (
        "balance_transaction_id,created,currency,gross,fee,net,reporting_category,source_id\n"
        "t1,2026-11-20 10:00:00,usd,45.90,1.63,44.27,charge,ch_1\n"
        "t2,2026-11-20 10:00:00,usd,-10.00,0.00,-10.00,refund,re_1\n"
        "t3,2026-11-20 10:00:00,usd,-34.27,0.00,-34.27,payout,po_1\n"
        "t5,2026-11-20 10:00:00,usd,45.90,1.63,44.00,charge,ch_9\n"
        "t6,2026-11-20 10:00:00,usd,10.00,0.30,9.70,refund,re_2\n"
        "t7,2026-11-20 10:00:00,usd,10.00,-0.25,10.25,refund,re_3\n"
        "t8,2026-11-20 10:00:00,usd,-10.00,-0.30,-9.70,refund,re_4\n"
    )
    assert said(stripe) == [
        (2, "charge", 4590, "USD"),
        (FEES_FROM + 2, "fee", 163, "USD"),
        (3, "refund", 1000, "USD"),
        (4, "funding", 3427, "USD"),
        (5, "bad_amount", f"column net: is not the amount less the fee; {alone}"),
        (6, "refund_failed", 1000, "USD"),
        (FEES_FROM + 6, "fee", 30, "USD"),
        (7, "refund_failed", 1000, "USD"),
        (FEES_FROM + 7, "fee_returned", 25, "USD"),
        (8, "refund", 1000, "USD"),
        (FEES_FROM + 8, "fee_returned", 30, "USD"),
    ]
    unsigned = (
        "type,reference,gross,fee,net,currency,date\nrefund,re_3,10.00,0.25,10.25,USD,2026-11-20\n"
    )
    assert said(unsigned) == [(2, "refund", 1000, "USD"), (FEES_FROM + 2, "fee", 25, "USD")]
    unproved = "type,reference,amount,fee,currency,date\ncharge,ch_1,45.90,-1.63,USD,2026-11-20\n"
    back = f"column fee: holds a fee that is paid back, which no type says; {alone}"
    assert said(unproved, Reading(columns={"fee": "fee"})) == [(2, "bad_amount", back)]
    paypal = (
        '"Date","Time","TimeZone","Type","Currency","Gross","Fee","Net","Transaction ID"\n'
        '"11/20/2026","16:10:51","PST","Payment","USD","1,045.90","-1.63","1,044.27","7AB"\n'
        '"11/21/2026","16:10:51","CST","Payment","USD","1.00","-0.10","0.90","7AC"\n'
    )
    assert said(paypal) == [
        (2, "charge", 104590, "USD"),
        (FEES_FROM + 2, "fee", 163, "USD"),
        (
            3,
            "bad_date",
            "column TimeZone: holds CST, which has two meanings; say the file's time zone",
        ),
    ]


def test_a_day_and_a_time_of_day_in_two_columns_are_one_moment() -> None:
    def at(day: str, time: str) -> str:
        text = f'date,time,type,reference,amount,currency\n"{day}","{time}",charge,r,1.00,USD\n'
        [line] = stated(text, Reading(dates="mdy"))
        return line.at.isoformat() if isinstance(line, Theirs) else line.code

    nine = "2026-11-03T09:00:00+00:00"
    days = (
        "2026-11-03",
        "2026-11-03 00:00:00",
        "2026-11-03T00:00:00",
        "11/03/2026",
        "3-Nov-2026",
        "2026/11/03",
    )
    for day in days:
        for time in ("9:00", "09:00", "09:00:00", "9:00 AM", "09:00:00 UTC"):
            assert at(day, time) == nine, (day, time)
    assert at("2026-11-03", "9:00 PM") == "2026-11-03T21:00:00+00:00"
    assert at("2026-11-03", "") == "2026-11-03T00:00:00+00:00"
    assert at("2026-11-03", "25:00") == "bad_date"


def test_what_a_column_of_dates_leaves_open_is_asked() -> None:
    dotted = STATED + "charge,a,45.00,USD,02.11.2026\n"  # nobody writes the month before a dot
    days = [one.at.isoformat()[:10] for one in stated(dotted)]  # type: ignore[union-attr]
    assert days == ["2026-11-02"]
    text = STATED + "charge,a,45.00,USD,03/04/2026\n"
    with pytest.raises(Problem) as asked:
        stated(text)
    assert (asked.value.field, asked.value.cure) == (
        "dates",
        "Say which it is: --dates dmy or --dates mdy.",
    )
    days = [
        one.at.isoformat()[:10]
        for dates in ("dmy", "mdy")
        for one in stated(text, Reading(dates=dates))
    ]  # type: ignore[union-attr]
    assert days == ["2026-04-03", "2026-03-04"]
    late = text + "charge,b,1.00,USD,01/02/2026\n" * 600 + "charge,c,45.00,USD,13/04/2026\n"
    assert stated(late)[0].at.isoformat()[:10] == "2026-04-03"  # type: ignore[union-attr]


def test_a_withdrawn_currency_counts_up_to_its_last_day() -> None:
    row = "ch_{},pi,{} 10:00:00,45.00,bgn,Failed\n"
    text = (
        IMPORTED
        + row.format(1, "2025-12-01")
        + row.format(2, "2025-12-31")
        + row.format(3, "2026-01-03")
    )
    assert [(one.ref, one.asset) for one in attempts(text)] == [("ch_1", "BGN"), ("ch_2", "BGN")]
    assert [str(one.why) for one in read(text) if isinstance(one, BadLine)] == [
        "column Currency: holds BGN, which ended on 31 Dec 2025"
    ]
    assert said(STATED + "charge,a,45.00,BGN,2025-12-04\ncharge,b,45.00,BGN,2026-02-04\n") == [
        (2, "charge", 4500, "BGN"),
        (3, "unknown_currency", "column currency: holds BGN, which ended on 31 Dec 2025"),
    ]


def test_what_is_no_card_is_left_out_and_counted_by_name() -> None:
    none = (
        *(
            "acss_debit",
            "affirm",
            "blik",
            "konbini",
            "upi",
            "stripe_account",
            "customer_balance",
            "crypto",
            "link",
        ),
        *("us_bank_account", "alma", "mobilepay", "samsung_pay", "kr_card", "mcash"),
    )
    cards = ("", "card", "card_present", "visa", "mc", "Visa_ApplePay", "American Express")
    header = IMPORTED.replace("Status", "Status,Payment Source Type")
    rows = "".join(
        f"ch_{n},pi_{n},2026-03-06 10:00:00,45.00,usd,Paid,{way}\n"
        for n, way in enumerate((*none, *cards))
    )
    looked, counts = look(header + rows), Counts()
    for one in read(header + rows):
        counts.add(one)
    report, notes = report_of(looked, counts)
    assert (report["states"]["approved"], report["skipped"]) == (len(cards), {"no_card": len(none)})
    assert (
        notes[1]
        == "Left out, not card payments: " + ", ".join(f"{way} 1" for way in sorted(none)) + "."
    )


def test_codes_with_words_beside_them_are_read_and_strange_ones_told() -> None:
    header = "orderId,at,amount,currency,approved,ref,schemeCode,processor,processorCode\n"
    codes = ("43 : Stolen card", "41.0", "041", "ZZ9", "4")
    rows = "".join(
        f"o{n},2026-03-02T00:00:00Z,100,USD,false,r{n},{code},,\n" for n, code in enumerate(codes)
    )
    rows += "o9,2026-03-02T00:00:00Z,100,USD,false,r9,,braintree,2001 : Insufficient Funds\n"
    found = attempts(header + rows)
    assert [one.scheme_code for one in found] == ["43", "41", "41", "ZZ9", "04", ""]
    assert found[-1].processor_code == "2001"
    counts = Counts()
    for one in found:
        counts.add(one)
    assert "Codes that no list has: ZZ9 1. Such" in " ".join(
        report_of(look(header + rows), counts)[1]
    )


def test_the_amount_of_an_attempt_does_not_depend_on_the_order_of_its_rows() -> None:

    header = (
        "Psp Reference,Merchant Reference,Booking Date,TimeZone,Main Currency,Main "
        "Amount,Record Type\n"
    )
    asked, settled = (
        "P,m,2026-03-01 10:00:00,UTC,EUR,10.40,Authorised\n",
        "P,m,2026-03-03 10:00:00,UTC,EUR,10.02,Settled\n",
    )
    for rows in (asked + settled, settled + asked):
        one, other = attempts(header + rows)
        assert (later(one, other).units, later(other, one).units) == (1040, 1040)


def test_a_bad_line_names_its_column_and_nothing_is_half_taken() -> None:
    text = (
        IMPORTED + "ch_1,pi,2026-03-06 "
        "10:00:00,x,usd,Paid\nch_2,pi,yesterday,1.00,usd,Paid\nch_3,pi,2026-03-06,1.00,usd,Paid\n"
    )
    assert bad(text) == [(2, "amount"), (3, "date")]
    assert [one.ref for one in attempts(text)] == ["ch_3"]


def test_payers_under_an_id_that_a_spreadsheet_destroyed_are_refused_in_an_upload() -> None:
    """Both were answered SUBMITTED, with one session, and the second was never tried."""
    header = (
        "orderId,isDeclined,isMIT,transaction.id,transaction.amount,transaction.currency,payer.id\n"
    )
    ids = ("9.87654E+11", "9.87654E+11", "SO-1")
    table = header + "".join(f"{one},true,true,t{n},4590,USD,p{n}\n" for n, one in enumerate(ids))
    sent = {
        "isDeclined": True,
        "isMIT": True,
        "transaction": {"id": "t", "amount": 1, "currency": "USD"},
    }
    bodies = json.dumps([sent | {"orderId": one} for one in ids])
    for form, raw in (("csv", table.replace("\n", "\r").encode()), ("json", bodies.encode())):
        rows = list(
            Rows(
                io.BytesIO(raw),
                form,
                "utf-8-sig",
                (new_id(), new_id()),
                "transmit",
                readers()["transmit"],
            )
        )
        assert [row.code for row in rows] == ["spreadsheet"] * (len(rows) - 1) + [None]
        [told] = rows[0].errors
        assert told["field"] == "orderId"
        assert "do not save it in a spreadsheet" in told["cure"]


UNSEEN = ("\u00a0", "\u200b", "\ufeff", "\u00ad", "\u2060", "\u3000", "\u200e", "\u2800", " \t")
AROUND = [f"{blank}00123{blank}" for blank in UNSEEN]
MARKED = ['="00123"', "'00123", '="00123\u00a0"', "\ufeff'00123", '\u200b="00123"\u200b']


def test_an_id_is_what_is_seen_of_it_in_every_reader() -> None:
    """An export protects ids from spreadsheets as ="00123" or '00123, and a page leaves blanks
    around them that nobody sees: such ids matched nothing."""
    header = (
        "orderId,isDeclined,isMIT,transaction.id,transaction.amount,transaction.currency,payer.id\n"
    )
    key = (new_id(), new_id())
    for written in (*AROUND, *MARKED):
        cell = '"' + written.replace('"', '""') + '"'
        bare = written if "\t" not in written else cell
        for form in (cell, bare):
            [line] = stated(f"{STATED}charge,{form},45.00,USD,2026-11-20\n")
            assert (line.reference if isinstance(line, Theirs) else line) == "00123", form
            [tried] = attempts(f"{IMPORTED}{form},{form},2026-03-06 10:00:00,45.00,usd,Paid\n")
            assert (tried.ref, tried.payment) == ("00123", "00123"), form
            [answer] = answers_of(f"payout,outcome\n{form},paid\n".encode())
            assert (answer.payout, answer.wrong) == ("00123", None), form
            row = f"{header}{form},true,true,{form},4590,USD,p1\n".encode()
            table = TableRows(lines([row], "utf-8"), columns_of("transmit"))
            [record] = table
            body = body_of(table.columns, record.cells or ())
            assert (body["orderId"], body["transaction"]["id"]) == ("00123", "00123"), form
        past = {
            "ref": written,
            "orderId": written,
            "at": "2026-03-01T10:00:00Z",
            "amount": 1,
            "currency": "USD",
        }
        [tried] = attempts(json.dumps(past | {"approved": True}))
        assert (tried.ref, tried.payment) == ("00123", "00123"), written
        sent = {
            "isDeclined": True,
            "isMIT": True,
            "transaction": {"id": written, "amount": 1, "currency": "USD"},
        }
        raw = json.dumps([sent | {"orderId": written}]).encode()
        [made] = Rows(io.BytesIO(raw), "json", "utf-8", key, "transmit", readers()["transmit"])
        assert made.external_id == "00123", (written, made.errors)
        assert named_by((written,), "")[1] == "00123", written


def test_a_word_that_begins_with_an_apostrophe_is_kept() -> None:
    row = "orderId,payer.city,payer.firstName\nSO-1,'s-Gravenhage,'t Hart\n"
    [record] = TableRows(lines([row.encode()], "utf-8"), columns_of("transmit"))
    assert record.cells == ("SO-1", "'s-Gravenhage", "'t Hart")
