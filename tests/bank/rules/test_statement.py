"""Statements of any common making are read; what cannot be read is named, and the rest is kept."""

import codecs
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.rings import each

from recoup.bank.rules.matching import KINDS, Theirs
from recoup.bank.rules.reading import EVERY, OTHERS, Reading, mapping_file, reading_of
from recoup.bank.rules.statement import Broken, Statement
from recoup.kernel.problem import Problem
from recoup.kit.files.amounts import SignEvidence
from recoup.kit.files.lines import LINE_MAX, encoding_of, lines
from recoup.kit.files.table import plain
from recoup.kit.report_spans import days, month
from recoup.networks.card_text import masked_numbers

ID = UUID("01890000-0000-7000-8000-000000000001")
PLAIN = f"id,reference,type,amount,currency,date\n{ID},r1,charge,45.90,USD,2026-11-20T10:00:00Z\n"


def read(data: bytes | str, reading: Reading | None = None) -> tuple[list[Theirs], list[Broken]]:
    raw = data.encode() if isinstance(data, str) else data
    reading = reading or Reading()
    encoding, parts = encoding_of(raw[:65536], reading.encoding), range(0, len(raw), 7)
    found = list(Statement(lambda: lines((raw[at : at + 7] for at in parts), encoding), reading))
    return [x for x in found if isinstance(x, Theirs)], [x for x in found if isinstance(x, Broken)]


@each(
    "raw",
    [
        PLAIN.encode(),
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.strip().encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", "|").replace("45.90", "45,90").encode(),
    ],
)
def test_the_same_line_however_it_was_written(raw: bytes) -> None:
    (line,), broken = read(raw)
    assert not broken
    assert line[2:8] == ("charge", ID, "r1", 4590, "USD", datetime(2026, 11, 20, 10, tzinfo=UTC))
    assert line.line_id == read(PLAIN)[0][0].line_id


@each(
    ("bad", "code"),
    [
        (f"{ID},r2,charge,45.90,USD", "broken"),
        (f"{ID},r2,charge,45.90,USD,2026-11-20,more", "broken"),
        (f'{ID},"r2,charge,45.90,USD,2026-11-20', "broken"),
        (f"{ID},r2,charge,zero,USD,2026-11-20", "bad_amount"),
        (f"{ID},r2,charge,0.00,USD,2026-11-20", "bad_amount"),
        (f"{ID},r2,charge,-1.00,USD,2026-11-20", "bad_amount"),
        (f"{ID},r2,charge,1.001,USD,2026-11-20", "bad_amount"),
        (f"{ID},r2,charge,1e3,USD,2026-11-20", "bad_amount"),
        (f"{ID},r2,charge,45.90,EUR,2026-11-20", "mixed_currencies"),
        (f"{ID},r2,charge,45.90,XYZ,2026-11-20", "unknown_currency"),
        (f"{ID},r2,gift,45.90,USD,2026-11-20", "unknown_type"),
        (f"{ID},r2,charge,45.90,USD,2026-11-31", "bad_date"),
        (f"{ID},r2,charge,45.90,USD,2026-12-20", "other_period"),
        (",,charge,45.90,USD,2026-11-20", "no_id"),
        (f"{ID},{'r' * LINE_MAX},charge,45.90,USD,2026-11-20", "too_long"),
        (f"{ID},{'r' * 201},charge,45.90,USD,2026-11-20", "bad_id"),
        ("," * 900, "broken"),
        (f"{ID},r2,charge,45.90,USD,2026-11-20,route", "broken"),
        (f"{ID},r\x002,charge,45.90,USD,2026-11-20", "broken"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_kept(bad: str, code: str) -> None:
    reading = Reading(period=month("2026-11", "UTC"))
    good, broken = read(
        PLAIN + bad + "\n" + PLAIN.split("\n")[1].replace("r1", "r3") + "\n", reading
    )
    assert [line.number for line in good] == [2, 4]
    assert [(line.number, line.code) for line in broken] == [(3, code)]


def test_a_quote_that_is_never_closed_does_not_swallow_the_file() -> None:
    good, broken = read(PLAIN + '"\n' + (PLAIN.split("\n")[1] + "\n") * 50)
    assert len(good) == 51
    assert [line.number for line in broken] == [3]


def test_bytes_of_another_encoding_are_named_and_it_can_be_told() -> None:
    raw = PLAIN.encode() + f"{ID},caf\xe9,charge,45.90,USD,2026-11-20\n".encode("cp1252")
    good, broken = read(raw)
    assert [line.number for line in good] == [2]
    assert broken[0].code == "wrong_encoding"
    assert "cp1252" in broken[0].why
    assert [line.reference for line in read(raw, Reading(encoding="cp1252"))[0]] == [
        "r1",
        "caf\xe9",
    ]


@pytest.mark.parametrize("written", ["utf-16", "utf-16-le", "utf-16-be"])
def test_who_says_utf_16_need_not_say_which(written: str) -> None:
    good, broken = read(PLAIN.encode(written), Reading(encoding="UTF-16"))
    assert [line.reference for line in good] == ["r1"]
    assert not broken


@each(
    ("raw", "word"),
    [
        (b"PK\x03\x04xx", "ZIP"),
        (b"\x1f\x8bxx", "gzip"),
        (codecs.BOM_UTF32_LE + b"x", "UTF-32"),
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,b,c\n1,2,3\n", "no type"),
        (b"id,type,amount,date\n", "no currency"),
        (b"type,amount,currency,date\n", "no id or reference"),
        (b"id,type,amount,currency,date,a\x00b\n", "the header, holds a NUL byte"),
    ],
)
def test_what_is_no_statement_says_what_it_is(raw: bytes, word: str) -> None:
    with pytest.raises(Problem, match=word):
        read(raw)


def test_other_names_are_mapped() -> None:
    told = mapping_file("""
        [columns]
        reference = "PSP Ref."
        type = "Record"
        amount = "Gross"
        date = "Booked"
        [types]
        "Settled" = "charge"
        [values]
        currency = "EUR"
        [format]
        date_format = "%d.%m.%Y"
        zone = "Europe/Berlin"
    """)
    text = "PSP Ref.;Record;Gross;Booked;Comment\nx1;Settled;1.234,50;20.11.2026;hello\n"
    (line,), broken = read(text, Reading(**told))
    assert not broken
    assert line[2:8] == (
        "charge",
        None,
        "x1",
        123450,
        "EUR",
        datetime(2026, 11, 19, 23, tzinfo=UTC),
    )


@each(
    "told",
    [
        "[colums]\nid='x'",
        "[columns]\nname='x'",
        "[columns]\nid=3",
        "x =",
        "x = " + "[" * 3_000,
        '[types]\n"a\\u0000" = "charge"',
        '[format]\nzone = "\\u0000"',
    ],
)
def test_a_mapping_with_a_mistake_is_refused(told: str) -> None:
    with pytest.raises(Problem):
        mapping_file(told)


@pytest.mark.parametrize(
    "told",
    ["a" + ".a" * 30_000 + " = 1", '"\u2028".' * 1_000 + "a = 1", "#" * 20_000],
    ids=["dots", "dots in what TOML takes for one line", "length"],
)
def test_a_mapping_that_would_take_minutes_is_refused_before_it_is_read(told: str) -> None:
    with pytest.raises(Problem, match="too long, or has a line with too many dots"):
        mapping_file(told)


@each(
    "reading",
    [
        Reading(kind="shop"),
        Reading(zone="Mars/Base"),
        Reading(delimiter="ab"),
        Reading(decimal="x"),
        Reading(types={"a": "gift"}),
        Reading(currencies=("ABC",)),
        Reading(columns={"amount": "Gross"}),
        Reading(columns={"sum": "amount"}),
        Reading(encoding="klingon"),
        Reading(date_format="%Y%Y"),
        Reading(date_format="%"),
        Reading(date_format="%-d.%m.%Y"),
        Reading(date_format="%e.%m.%Y"),
        Reading(date_format="%d.%m.%Y %T"),
        Reading(date_format="%d.%m."),
        Reading(date_format="%d.%m.%%Y"),
    ],
)
def test_an_option_that_cannot_be_is_refused(reading: Reading) -> None:
    with pytest.raises(Problem):
        read(PLAIN, reading)


@each(
    ("amounts", "sign"),
    [
        (["1.50", "2"], "."),
        (["1,50"], ","),
        (["1.234,50"], ","),
        (["1,234.50"], "."),
        (["1,234"], ""),
        (["1.234"], ""),
        (["1,234,567"], "."),
        (["1.234.567"], ","),
        (["5", "7"], "."),
        ([], "."),
        (["1,234", "2,5"], ","),
    ],
)
def test_decimal_signs_are_sniffed_or_asked_for(amounts: list[str], sign: str) -> None:
    evidence = SignEvidence()
    for amount in amounts:
        evidence.look(amount)
    assert evidence.sign() == sign


def test_two_currencies_when_both_are_named() -> None:
    good, broken = read(
        PLAIN + f"{ID},r2,charge,3.00,EUR,2026-11-20\n", Reading(currencies=("USD", "EUR"))
    )
    assert [line.asset for line in good] == ["USD", "EUR"]
    assert not broken


def test_a_card_number_in_a_reference_is_not_kept() -> None:
    number = "4" + "1" * 15
    assert masked_numbers(" ".join(number[at : at + 4] for at in range(0, 16, 4))) == "411111…1111"
    assert masked_numbers(number[:-1] + "2") == number[:-1] + "2"
    assert masked_numbers("sbx_4111") == "sbx_4111"
    assert (
        masked_numbers(f"Order 7 by {number}, twice {number}")
        == "Order 7 by 411111…1111, twice 411111…1111"
    )


def test_days_end_with_their_zone() -> None:
    assert days("2026-11-01", "2026-11-01", "America/New_York") == (
        datetime(2026, 11, 1, 4, tzinfo=UTC),
        datetime(2026, 11, 2, 5, tzinfo=UTC),
    )
    for first, last in (
        ("2026-11-02", "2026-11-01"),
        ("x", "2026-11-01"),
        ("0001-01-01", "2026-11-01"),
    ):
        with pytest.raises(Problem):
            days(first, last, "UTC")


@given(st.binary(max_size=400))
@example(b"\xff\xfe\x00")
def test_any_bytes_give_lines_or_a_problem(raw: bytes) -> None:
    try:
        read(raw)
        read(PLAIN.encode() + raw)
    except Problem:
        pass


@given(
    st.lists(st.text(max_size=60), max_size=20), st.sampled_from(["utf-8", "utf-16", "utf-16-le"])
)
def test_every_line_is_read_or_named(texts: list[str], encoding: str) -> None:
    texts = [
        t.translate({10: " ", 13: " ", 34: " "}) for t in texts
    ]  # a quote may hold an end of line
    body = PLAIN + "\n".join(texts)
    reading = replace(Reading(), encoding=encoding)
    good, broken = read(body.encode(encoding, "replace"), reading)
    kept = 1 + sum(1 for t in texts if t.strip())
    assert len(good) + len(broken) == kept
    assert len({x.number for x in (*good, *broken)}) == kept


def test_every_currency_is_taken_when_that_was_said() -> None:
    text = PLAIN + f"{ID},r2,charge,3.00,EUR,2026-11-20\n{ID},r3,charge,3,KUD,2026-11-20\n"
    good, broken = read(text, Reading(currencies=(EVERY,)))
    assert {line.asset for line in good} == {"USD", "EUR"}
    assert [line.code for line in broken] == ["unknown_currency"]


def test_a_reading_comes_back_from_what_it_told() -> None:
    period = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    reading = Reading(
        "bank",
        {"amount": "Gross"},
        {"x": "payout"},
        {"route": "acme"},
        ("USD",),
        period,
        "Asia/Tokyo",
    )
    assert reading_of(reading.to_dict(), ("USD",)) == reading


def test_the_fee_beside_a_dispute_is_the_disputes() -> None:
    found, broken = read(
        "reference,type,gross,fee,net,currency,date\n"
        "dp_1,dispute,-45.90,15.00,-60.90,USD,2026-11-20\n"
        "pi_1,charge,45.90,1.50,44.40,USD,2026-11-20\n"
    )
    assert not broken
    assert [(one.type, one.units) for one in found] == [
        ("dispute", 4590),
        ("dispute_fee", 1500),
        ("charge", 4590),
        ("fee", 150),
    ]


def kinds(text: str, reading: Reading | None = None) -> list[tuple[str, int] | str]:
    good, broken = read(text, reading)
    found: dict[int, tuple[str, int] | str] = {one.number: (one.type, one.units) for one in good}
    return [one for _, one in sorted({**found, **{one.number: one.code for one in broken}}.items())]


HEAD = "type,reference,amount,currency,date\n"


def rows(*cells: tuple[str, str]) -> str:
    return HEAD + "".join(
        f"{type_},r{n},{amount},USD,2026-11-20\n" for n, (type_, amount) in enumerate(cells)
    )


def test_money_that_comes_back_is_no_second_cost() -> None:
    """5.00 were taken, 5.00 given back, 0.30 taken: costs of 10.30."""
    taken = kinds(rows(("fee", "-5.00"), ("fee", "5.00"), ("fee", "-0.30")))
    assert taken == [("fee", 500), ("fee_returned", 500), ("fee", 30)]
    balance = (
        "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id\n"
        "t1,2026-11-03 10:00:00,usd,5.00,0.00,5.00,fee,fee_2\n"
    )
    assert kinds(balance) == [
        ("fee_returned", 500)
    ]  # alone in Stripe's report, where a cost has its minus
    assert kinds(rows(("fee", "5.00"))) == [("fee", 500)]  # a file that writes costs without one


def test_each_type_and_sign_is_one_kind_of_line() -> None:
    """The whole table, in a file whose signs are plain from its other lines."""
    signs = "refund,x,-1.00,USD,2026-11-20\n" * 9
    wanted = {
        "charge": (("charge", 1000), "bad_amount"),
        "refund": (("refund_failed", 1000), ("refund", 1000)),
        "refund_failed": (("refund_failed", 1000), "bad_amount"),
        "dispute": (("dispute_won", 1000), ("dispute", 1000)),
        "dispute_won": (("dispute_won", 1000), "bad_amount"),
        "dispute_fee": (("fee_returned", 1000), ("dispute_fee", 1000)),
        "fee": (("fee_returned", 1000), ("fee", 1000)),
        "fee_returned": (("fee_returned", 1000), "bad_amount"),
        "funding": (("funding_return", 1000), ("funding", 1000)),
        "payout": (("funding_return", 1000), ("funding", 1000)),
        "funding_return": (("funding_return", 1000), "bad_amount"),
        "payout_reversal": (("funding_return", 1000), "bad_amount"),
        "settle": (("charge", 1000), ("refund", 1000)),
        "partial_capture_reversal": ("bad_amount", ("charge", -1000)),
    }
    assert set(KINDS["processor"]) <= set(wanted)
    for type_, (came, went) in wanted.items():
        lines_of = [f"{type_},r,{amount},USD,2026-11-20\n" for amount in ("10.00", "-10.00")]
        assert kinds(HEAD + signs + "".join(lines_of))[9:] == [came, went], type_
    debit = "type,reference,debit,credit,currency,date\n"
    for type_, (came, went) in wanted.items():
        sides = f"{type_},a,,10.00,USD,2026-11-20\n{type_},b,10.00,,USD,2026-11-20\n"
        assert kinds(debit + sides) == [came, went], type_
    chain = {
        "charge": (("charge", 1000), "bad_amount"),
        **{type_: ("bad_amount", (type_, 1000)) for type_ in ("refund", "settlement", "payout")},
    }
    for type_, (came, went) in chain.items():
        text = (
            HEAD
            + signs
            + "".join(f"{type_},r,{amount},USD,2026-11-20\n" for amount in ("10.00", "-10.00"))
        )
        assert kinds(text, Reading(kind="chain"))[9:] == [came, went], type_


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fee", "refund", "dispute", "dispute_fee"]), st.integers(1, 10_000)
        )
    )
)
def test_a_file_comes_to_what_its_signs_say(moved: list[tuple[str, int]]) -> None:
    """Each amount once out and once back: nothing is left, however many lines there are."""
    cells = [(type_, f"{sign}{cents / 100:.2f}") for type_, cents in moved for sign in ("-", "")]
    found, broken = read(rows(*cells))
    inward = {"refund_failed", "dispute_won", "fee_returned"}
    assert not broken
    assert sum(one.units if one.type in inward else -one.units for one in found) == 0


def test_what_a_minus_means_is_asked_where_it_may_be_either() -> None:
    mixed = rows(("refund", "10.00"), ("refund", "20.00"), ("refund", "-20.00"))
    with pytest.raises(Problem, match="with a minus and without it") as asked:
        read(mixed)
    assert "signs = 'out'" in (asked.value.cure or "")
    back = mapping_file("[format]\nsigns = 'back'")
    assert kinds(mixed, Reading(**back)) == [
        ("refund", 1000),
        ("refund", 2000),
        ("refund_failed", 2000),
    ]
    out = mapping_file("[format]\nsigns = 'out'")
    assert kinds(mixed, Reading(**out)) == [
        ("refund_failed", 1000),
        ("refund_failed", 2000),
        ("refund", 2000),
    ]


def test_a_banks_table_without_types_is_read_by_the_sign() -> None:
    plain = (
        "Date;Text;Amount;Currency;Reference\n"
        "02.11.2026;Payout RC0123456789AB;-250,00;EUR;B1\n"
        "03.11.2026;From the processor;300,00;EUR;B2\n"
        "04.11.2026;Back: RC0123456789AB;250,00;EUR;B3\n"
    )
    found, broken = read(plain, Reading(kind="bank"))
    assert not broken
    assert [(one.type, one.units, one.reference, one.asset) for one in found] == [
        ("payout", 25000, "RC0123456789AB", "EUR"),
        ("funding", 30000, "B2", "EUR"),
        ("payout_return", 25000, "RC0123456789AB", "EUR"),
    ]
    bare = (
        "Date,Description,Amount,Balance\n"
        "2026-11-02,Payout,-250.00,10.00\n2026-11-03,In,300.00,310.00\n"
    )
    assert kinds(bare, Reading(kind="bank", currencies=("USD",))) == [
        ("payout", 25000),
        ("funding", 30000),
    ]
    sides = (
        "Date,Details,Debit,Credit,Currency\n"
        "2026-11-02,Payout,250.00,,USD\n2026-11-03,In,,300.00,USD\n"
    )
    assert kinds(sides, Reading(kind="bank")) == [("payout", 25000), ("funding", 30000)]
    with pytest.raises(Problem, match="no type"):
        read(plain, Reading())


def test_money_in_of_an_outward_type_is_no_payout() -> None:
    """Of a transfer of 300.00 that came in a payout of -300.00 was made."""
    text = (
        "date,type,amount,currency,reference\n"
        "2026-11-02,TRANSFER,-250.00,USD,a\n2026-11-03,TRANSFER,300.00,USD,b\n"
    )
    mapped = Reading(kind="bank", types={"TRANSFER": "payout"})
    assert kinds(text, mapped) == [("payout", 25000), ("funding", 30000)]
    mapped = Reading(kind="bank", types={"TRANSFER": "funding"})
    assert kinds(text, mapped) == [("funding_return", 25000), ("funding", 30000)]
    assert kinds(text, Reading(kind="bank")) == ["unknown_type", "unknown_type"]
    assert kinds(text, Reading(kind="bank", columns={"type": ""})) == [
        ("payout", 25000),
        ("funding", 30000),
    ]


SIGMA = (
    "id,amount,available_on,created,currency,exchange_rate,"
    "fee,net,reporting_category,source_id,status,type\n"
    "txn_1,4590,2026-11-05,2026-11-03 10:00:00,usd,,163,4427,charge,ch_1,available,charge\n"
    "txn_2,-1200,2026-11-05,2026-11-03 11:00:00,usd,,0,-1200,refund,re_2,pending,refund\n"
    "txn_3,-225,2026-11-05,2026-11-03 12:00:00,usd,,0,-225,fee,,available,stripe_fee\n"
)


def test_a_report_in_cents_is_known_by_its_columns_or_its_name() -> None:
    """Stripe's table of balance transactions was read as 4,590.00 and a cost of 225.00."""
    assert kinds(SIGMA) == [("charge", 4590), ("refund", 1200), ("fee", 225)]
    assert kinds(SIGMA, Reading(amounts="major"))[0] == ("charge", 459_000)
    kronur = SIGMA.replace("usd", "isk").replace("4590", "459000")
    assert kinds(kronur, Reading(currencies=(EVERY,)))[0] == (
        "charge",
        4590,
    )  # Stripe counts ISK in hundredths
    whole = SIGMA.replace("4590", "45.90").replace("-1200", "-12.00").replace("-225", "-2.25")
    assert kinds(whole) == [("charge", 4590), ("refund", 1200), ("fee", 225)]
    named = rows(("charge", "4590"), ("refund", "-1200")).encode()
    for name, units in (("sigma_balance_transactions.csv", 4590), ("november.csv", 459_000)):
        assert (
            next(iter(Statement(lambda: lines([named], "utf-8"), Reading(), "", name)))[5] == units
        )
    assert kinds(named.decode(), Reading(amounts="minor")) == [("charge", 4590), ("refund", 1200)]
    yen = named.decode().replace("USD", "JPY")
    assert kinds(yen, Reading(amounts="minor")) == [("charge", 4590), ("refund", 1200)]
    assert kinds(rows(("charge", "45.90")), Reading(amounts="minor")) == ["bad_amount"]
    for reading in (
        Reading(amounts="cents"),
        Reading(signs="up"),
        Reading(statuses={"Paid": "yes"}),
    ):
        with pytest.raises(Problem):
            read(PLAIN, reading)


def test_a_status_says_whether_a_row_is_money() -> None:
    head = "type,reference,amount,currency,date,Status\n"

    def told(status: str, reading: Reading | None = None) -> object:
        [one] = kinds(f"{head}charge,r,10.00,USD,2026-11-20,{status}\n", reading)
        return one

    money = (
        "Completed",
        "completed",
        "Cleared",
        "Settled",
        "Paid",
        "Partially Refunded",
        "succeeded",
        "booked",
        "",
    )
    none = (
        "Pending",
        "Denied",
        "Reversed",
        "REVERTED",
        "Failed",
        "On Hold",
        "processor_declined",
        "Authorised",
        "SentForSettle",
        "submitted_for_settlement",
        "In Progress",
        "Canceled",
        "Voided",
        "Unclaimed",
        "Completed - Funds not yet available",
        "requires_capture",
        "Vorgemerkt",
    )
    assert {status: told(status) for status in money} == dict.fromkeys(money, ("charge", 1000))
    assert {status: told(status) for status in none} == dict.fromkeys(none, "no_money")
    assert told("Zweifelhaft") == "unknown_status"
    mapped = Reading(**mapping_file("[statuses]\nZweifelhaft = 'none'\nReversed = 'money'"))
    assert (told("Zweifelhaft", mapped), told("Reversed", mapped)) == ("no_money", ("charge", 1000))
    assert told("Zweifelhaft", Reading(columns={"status": ""})) == ("charge", 1000)
    paypal = (
        '"Date","Time","TimeZone","Type","Status","Currency","Gross","Fee","Net","Transaction ID"\n'
        '"11/20/2026","16:10:51","PST","Payment","Completed","USD","45.90","-1.63","44.27","7AB"\n'
        '"11/21/2026","16:10:51","PST","Payment","Pending","USD","30.00","-1.10","28.90","7AC"\n'
        '"11/21/2026","16:10:51","PST","Payment","Denied","USD","20.00","-0.90","19.10","7AD"\n'
    )
    found, broken = read(paypal)
    assert [(one.type, one.units) for one in found] == [("charge", 4590), ("fee", 163)]
    assert [(one.code, str(one.why)) for one in broken] == [
        ("no_money", "column Status: holds 'Pending': no money has moved"),
        ("no_money", "column Status: holds 'Denied': no money has moved"),
    ]


def test_what_others_call_things_is_told_once() -> None:
    money, none = ({plain(word) for word in OTHERS["statuses"][said]} for said in ("money", "none"))
    assert not money & none
    known = {type_ for types in KINDS.values() for type_ in types}
    assert set(OTHERS["types"].values()) <= known
    assert set(OTHERS["at_processor"].values()) <= set(KINDS["processor"])
