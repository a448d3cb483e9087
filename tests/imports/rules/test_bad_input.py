"""What a file may have wrong: the line says why, the good lines are read, and no number of a card
is anywhere."""

import gzip
import io
import json
import zipfile

import pytest
from tests.imports.rules.reading import attempts, bad, look, read
from tests.rings import each

from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import Attempt, BadLine, Skipped
from recoup.kernel.problem import Problem
from recoup.networks.card import luhn_digit

HEADER = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Seller Message,Status,Customer "
    "ID,PaymentIntent ID"
)
GOOD = "ch_1,2026-03-02 06:00:11,19.00,0.00,usd,`do_not_honor`,Failed,cus_1,pi_1"
OTHER = "ch_2,2026-03-05 06:00:11,19.00,0.00,usd,,Paid,cus_1,pi_1"
VISA = "4242" * 4
SPACED = " ".join(["4242"] * 4)
DASHED = SPACED.replace(" ", "-")


def table(*rows: str, header: str = HEADER, end: str = "\n") -> str:
    return end.join([header, *rows]) + end


@each(
    ("row", "code"),
    [
        (GOOD.replace("19.00,0.00", "x,0.00"), "amount"),
        (GOOD.replace("19.00,0.00", "19.005,0.00"), "amount"),
        (GOOD.replace("19.00,0.00", "9e9,0.00"), "amount"),
        (GOOD.replace("usd", "zzz"), "currency"),
        (GOOD.replace("2026-03-02 06:00:11", "46083.25"), "date"),
        (GOOD.replace("2026-03-02", "2026-02-30"), "date"),
        (GOOD.replace("2026-03-02", "1926-02-20"), "date"),
        (GOOD.replace("2026-03-02", "2199-03-02"), "future"),
        (GOOD.replace("Failed", "Perhaps"), "status"),
        (GOOD.replace("ch_1", "4.24242E+15"), "spreadsheet"),
        (GOOD.replace("pi_1", "4,2E+15"), "broken"),
        (GOOD.replace("pi_1", '"4,2E+15"'), "spreadsheet"),
        (GOOD.replace("ch_1", ""), "no_id"),
        (GOOD.replace("ch_1", "c" * 201), "bad_id"),
        (GOOD.replace("ch_1", "ch\x1b[31m"), "bad_id"),
        (GOOD.replace("ch_1", "c\u202eh"), "bad_id"),
        (GOOD.replace("ch_1", "c\0h"), "broken"),
        (GOOD + ",more", "broken"),
        (GOOD.rpartition(",")[0], "broken"),
        (GOOD.replace("`do_not_honor`", '"open'), "broken"),
        (GOOD.replace("`do_not_honor`", "x" * 70_000), "too_long"),
        ("Total,,19.00,,,,,,", "total"),
        (",,19.00,,,,,,", "no_id"),
        ("TOTAL,19.00", "total"),
        (GOOD.replace("`do_not_honor`", VISA), "card_data"),
        (GOOD.replace("`do_not_honor`", f"card {DASHED} failed"), "card_data"),
        (GOOD.replace("cus_1", VISA), "card_data"),
        (GOOD.replace("ch_1", VISA), "card_data"),
        (GOOD.replace("`do_not_honor`", SPACED), "card_data"),
    ],
)
def test_a_bad_line_says_why_and_the_others_are_read(row: str, code: str) -> None:
    content = table(row, OTHER)
    assert bad(content) == [(2, code)]
    assert [one.ref for one in attempts(content)] == ["ch_2"]
    assert VISA not in repr(read(content))


def test_no_number_of_a_card_is_anywhere() -> None:
    header = HEADER + ",Notes"
    rows = [GOOD + f",{VISA}", OTHER + f",{SPACED}", GOOD.replace("ch_1", "ch_3") + ",fine"]
    found = read(table(*rows, header=header))
    assert [type(one).__name__ for one in found] == ["BadLine", "BadLine", "Attempt"]
    assert VISA not in repr(found)
    looked = look(table(GOOD + ",", header=HEADER + f",{VISA}"))
    assert VISA not in repr(looked.notes)


def test_an_unknown_column_is_named_and_never_kept() -> None:
    content = table(
        GOOD + ",ann@example.com,DE89370400440532013000", header=HEADER + ",Email,IBAN (metadata)"
    )
    assert "Email, IBAN (metadata)" in look(content).notes[0]
    assert "ann@" not in repr(read(content))
    assert "DE89" not in repr(read(content))


def test_columns_may_come_in_any_order() -> None:
    places = list(range(9))[::-1]
    turned = [
        ",".join(line.split(",")[place] for place in places) for line in (HEADER, GOOD, OTHER)
    ]
    assert attempts("\n".join(turned)) == attempts(table(GOOD, OTHER))


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_any_usual_separator(mark: str) -> None:
    assert attempts(table(GOOD, OTHER).replace(",", mark)) == attempts(table(GOOD, OTHER))


@each(
    "raw",
    [
        b"\xef\xbb\xbf" + table(GOOD).encode(),
        table(GOOD).encode("utf-16"),
        table(GOOD).encode("utf-16-le"),
        table(GOOD, end="\r\n").encode(),
        gzip.compress(table(GOOD).encode()),
        table(GOOD).rstrip().encode(),
    ],
)
def test_any_usual_encoding(raw: bytes) -> None:
    assert attempts(raw) == attempts(table(GOOD))


def test_a_file_that_is_windows_1252_everywhere_is_read_so() -> None:
    content = table(GOOD.replace("cus_1", "müller"), OTHER.replace("cus_1", "café"))
    looked = look(content.encode("cp1252"))
    assert looked.encoding == "cp1252"
    assert any("Windows-1252" in note for note in looked.notes)
    assert [one.customer for one in attempts(content.encode("cp1252"))] == ["müller", "café"]


def test_one_broken_line_does_not_change_the_encoding_of_the_others() -> None:
    raw = (
        table(GOOD.replace("cus_1", "müller")).encode()
        + OTHER.replace("cus_1", "café").encode("cp1252")
        + b"\n"
    )
    assert bad(raw) == [(3, "wrong_encoding")]
    assert [one.customer for one in attempts(raw)] == ["müller"]


def test_encoded_surrogates_cost_their_line() -> None:
    raw = (
        table(GOOD.replace("cus_1", "cus_é")).encode()
        + b"ch_9\xed\xa0\x80"
        + GOOD[4:].encode()
        + b"\n"
    )
    assert bad(raw) == [(3, "wrong_encoding")]
    line = (
        '{"orderId":"o\\ud800","at":"2026-03-02T00:00:00Z",'
        '"amount":1,"currency":"USD","approved":true}'
    )
    assert bad(line) == [(1, "bad_id")]


def test_a_header_again_in_the_middle_is_passed_over() -> None:
    assert [one.ref for one in attempts(table(GOOD, HEADER, OTHER))] == ["ch_1", "ch_2"]
    assert bad(table(GOOD, HEADER, OTHER)) == []


@pytest.mark.parametrize(
    "again", [HEADER.upper(), "\ufeff" + HEADER, HEADER.replace("date (UTC)", "Date (UTC) ")]
)
def test_a_header_again_in_another_case_is_passed_over(again: str) -> None:
    assert [one.ref for one in attempts(table(GOOD, again, OTHER))] == ["ch_1", "ch_2"]
    assert bad(table(GOOD, again, OTHER)) == []


def test_below_another_header_nothing_is_read() -> None:
    """Two exports put together: with amount and amount refunded in each other's place every payment
    was free."""
    turned = HEADER.replace("Amount,Amount Refunded", "Amount Refunded,Amount")
    content = table(
        GOOD, turned, OTHER, "Total,,,,,,,,", HEADER, OTHER, HEADER + ",Fee", OTHER + ",0.30"
    )
    assert [(one.ref, one.line) for one in attempts(content)] == [("ch_1", 2), ("ch_2", 7)]
    assert bad(content) == [(line, "header") for line in (3, 4, 5, 8, 9)]


@each("cell", ["4.242424242424242E+15", "4,24242424242424E+15", "3.78282246310005E14"])
@each("column", ["Failed", "cus_1", "19.00,", "usd", "`do_not_honor`"])
def test_a_card_number_that_a_spreadsheet_wrote_costs_its_line(cell: str, column: str) -> None:
    """All but the check digit is there, and that follows from the others."""
    row = GOOD.replace(column, f'"{cell}"' + "," * (column[-1] == ","))
    assert bad(table(row, OTHER)) == [(2, "card_data")]
    assert cell[:8] not in repr(read(table(row, OTHER)))


def test_a_title_before_the_header_and_a_cut_last_line() -> None:
    content = "Payments of our shop\n\n" + table(GOOD, OTHER)[:-30]
    assert [one.line for one in attempts(content)] == [4]
    assert bad(content) == [(5, "broken")]


def test_a_header_that_comes_too_late_is_none() -> None:
    with pytest.raises(Problem, match="first 20 lines"):
        look("title\n" * 20 + table(GOOD))


def test_a_line_break_in_quotes_is_part_of_the_record() -> None:
    row = GOOD.replace("`do_not_honor`", '"two\nlines, of text"')
    assert [(one.ref, one.line) for one in attempts(table(row, OTHER))] == [
        ("ch_1", 2),
        ("ch_2", 4),
    ]


@each("content", ["", "\n\n", "a,b\n1,2\n", "id,amount\n1,2\n", "\0\0\0", "not a table at all"])
def test_what_is_no_export_is_refused(content: str) -> None:
    with pytest.raises(Problem) as refused:
        look(content)
    assert refused.value.code == "invalid"
    assert refused.value.cure


@pytest.mark.parametrize("raw", [bytes(range(256)) * 40, b"\xff\xfe\xfd" * 9, b"\0\1\2\3" * 900])
def test_what_is_no_text_is_not_called_empty(raw: bytes) -> None:
    with pytest.raises(Problem) as refused:
        look(raw)
    assert "empty" not in refused.value.message


@pytest.mark.parametrize("cut", [6, 40, -9, -4])
def test_a_gzip_file_that_ends_early_is_refused_whole(cut: int) -> None:
    """It was imported up to its end without a word."""
    packed = gzip.compress(
        "".join(
            [HEADER, "\n", *(GOOD.replace("ch_1", f"ch_{n}") + "\n" for n in range(999))]
        ).encode()
    )
    with pytest.raises(Problem, match="damaged or ends early"):
        look(packed[:cut])


def test_a_header_without_rows_is_refused() -> None:
    with pytest.raises(Problem, match="no rows"):
        read(table())


def test_a_zip_holds_one_file() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/transactions.csv", table(GOOD))
        archive.writestr("__MACOSX/._transactions.csv", "x")
    assert attempts(packed.getvalue()) == attempts(table(GOOD))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("more.csv", table(OTHER))
    with pytest.raises(Problem, match="2 files"):
        look(packed.getvalue())
    with pytest.raises(Problem, match="damaged"):
        look(packed.getvalue()[:100])


def test_a_zip_that_unpacks_to_very_much_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("transactions.csv", b"0" * (64 << 20))
    with pytest.raises(Problem) as refused:
        look(packed.getvalue())
    assert refused.value.code == "too_large"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_a_method_that_unpacks_gigabytes_at_once_is_refused(method: int) -> None:
    """800 MB of empty lines were 777 bytes, and were in memory before anybody counted them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("transactions.csv", table(GOOD))
    with pytest.raises(Problem, match="Deflate"):
        look(packed.getvalue())


OURS = "orderId,at,amount,currency,approved,ref,customerId,note\n"
OWN = "{},2024-03-02T06:00:00Z,100,USD,true,{},c,{}\n"


@each(
    ("text", "attempts_left", "codes"),
    [
        (
            OURS + OWN.format("o1", "r1", "x" * 2_000_000) + OWN.format("o2", "r2", ""),
            1,
            {"too_long"},
        ),
        ("x" * 2_000_000 + "\n" + OURS + OWN.format("o1", "r1", ""), 1, set()),
        (OURS + '"never closed,' + OWN.format("o1", "r1", "") * 200, 199, {"broken"}),
        (OURS + ('"' + OWN.format("o1", "r1", "")) * 200, 0, {"broken"}),
        (OURS + OWN.format("o1", "r1", "") + OURS + OWN.format("o2", "r2", ""), 2, set()),
        (OURS + OWN.format("o1", "r1", "") + OURS.upper() + OWN.format("o2", "r2", ""), 2, set()),
        (OURS + OWN.format("o\0", "r1", "") + OWN.format("o2", "r2", ""), 1, {"broken"}),
        (OURS + OWN.format("4242:4242:4242:4242", "r1", ""), 0, {"card_data"}),
        (OURS + OWN.format("o", "4242~42424242~4242", ""), 0, {"card_data"}),
        (OURS + OWN.format("o1", "r1", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"), 0, {"card_data"}),
        (OURS + OWN.format("o2", "r2", "４２４２４２４２４２４２４２４２"), 0, {"card_data"}),
        (
            OURS
            + OWN.format("o1", "r1", "").replace("11Z", "11").replace("00Z", "004242424242424242Z"),
            0,
            {"zone"},
        ),
        ('[{"orderId": "' + "x" * 2_000_000 + '"}]', 0, {"broken"}),
        ('{"a":' * 100_000, 0, {"broken"}),
    ],
)
def test_hostile_files_cost_their_lines_and_no_more(
    text: str, attempts_left: int, codes: set[str]
) -> None:
    found = read(text)
    assert sum(isinstance(one, Attempt) for one in found) == attempts_left
    assert {one.code for one in found if isinstance(one, BadLine)} == codes
    assert "4242424242" not in str(found)


@each(
    ("text", "column"),
    [
        (OURS + OWN.format("o1", "r1", VISA), "note"),
        (OURS + OWN.format("o1", "4242:4242:4242:4242", ""), "ref"),
        ('{"orderId": "o", "at": "2024-03-02T06:00:00Z", "cardId": "' + VISA + '"}', "cardid"),
        (table(GOOD.replace("cus_1", VISA)), "Customer ID"),
    ],
)
def test_a_card_number_is_told_with_its_column_and_what_to_do_with_an_id(
    text: str, column: str
) -> None:
    [line] = read(text)
    assert isinstance(line, BadLine)
    assert line.why.startswith(f"column {column}: holds what looks like a card number")
    assert line.why.endswith(
        "if it is an id, export a hash of it in its place, or leave the column out"
    )


# what is asked
# --------------------------------------------------------------------------------------------------

OLD = "id,Description,Created,Amount,Amount Refunded,Currency,Status,Customer ID"


def asked(content: str) -> list[str]:
    return [question.name for question in look(content).questions]


def test_a_zone_that_nobody_names_is_asked_for() -> None:
    content = table("ch_1,x,2014-03-02 06:00,19.00,0,usd,Paid,c", header=OLD)
    assert asked(content) == ["zone"]
    (found,) = attempts(content, Answers(zone="Europe/Berlin"))
    assert found.at.isoformat() == "2014-03-02T05:00:00+00:00"


def test_day_or_month_first_is_decided_by_a_day_above_12_else_asked() -> None:
    header = OLD.replace("Created", "Created (UTC)")
    row = "ch_{},x,{} 06:00,19.00,0,usd,Paid,c"
    both = table(row.format(1, "03/04/2026"), header=header)
    assert asked(both) == ["order"]
    days = [
        one.at.isoformat()[:10]
        for order in ("day", "month")
        for one in attempts(both, Answers(order=order))
    ]
    assert days == ["2026-04-03", "2026-03-04"]
    day = table(row.format(1, "03/04/2026"), row.format(2, "13/04/2026"), header=header)
    assert [one.at.isoformat()[:10] for one in attempts(day)] == ["2026-04-03", "2026-04-13"]
    mixed = table(row.format(1, "04/13/2026"), row.format(2, "13/04/2026"), header=header)
    assert asked(mixed) == ["order"]
    assert bad(mixed, Answers(order="day")) == [(2, "date")]


@each(
    ("cells", "units"),
    [
        (["19,00", "1.234,56"], [1900, 123456]),
        (["19.00", "1,234.56"], [1900, 123456]),
        (["1.234.567", "5,5"], [123456700, 550]),
        (["1234", "5"], [123400, 500]),
        (["$19.00", "19.00 USD"], [1900, 1900]),
        (["1'234.56", "7.00"], [123456, 700]),
    ],
)
def test_the_decimal_sign_is_the_columns(cells: list[str], units: list[int]) -> None:
    rows = [
        f'ch_{n},2026-03-02 06:00:11,"{cell}",0,usd,,Paid,c,pi_{n}' for n, cell in enumerate(cells)
    ]
    assert [one.units for one in attempts(table(*rows))] == units


@pytest.mark.parametrize("cells", [["1.234", "5.678"], ["19,00", "19.00"], ["1,234"]])
def test_an_unclear_decimal_sign_is_asked_for(cells: list[str]) -> None:
    rows = [
        f'ch_{n},2026-03-02 06:00:11,"{cell}",0,usd,,Paid,c,pi_{n}' for n, cell in enumerate(cells)
    ]
    assert asked(table(*rows)) == ["decimal"]


@pytest.mark.parametrize(
    "cell", [VISA + ".0", "4.242424242424242E+15", '=HYPERLINK("x.y","1,2")', "see note 1.5"]
)
def test_what_is_no_amount_is_no_reason_to_ask_for_the_decimal_sign(cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    content = table(
        GOOD.replace("19.00,0.00", f"{quoted},0.00"), OTHER.replace("19.00,0.00", '"19,00","0,00"')
    )
    assert asked(content) == []
    assert [one.units for one in attempts(content)] == [1900]
    assert [line for line, _ in bad(content)] == [2]


@each("zone", ["CST", "Mars/Olympus", "../../etc/passwd", "+99", "x" * 100, "Europe/\0"])
def test_an_answer_that_cannot_be_is_refused(zone: str) -> None:
    with pytest.raises(Problem) as refused:
        look(table(GOOD), Answers(zone=zone))
    assert refused.value.field == "zone"


def test_zero_decimal_currencies_are_not_a_hundred_times_off() -> None:
    rows = [
        GOOD.replace("19.00,0.00,usd", "1000,0,jpy"),
        OTHER.replace("19.00,0.00,usd", "1.5,0,jpy"),
    ]
    content = table(*rows)
    assert [one.units for one in attempts(content)] == [1000]
    assert bad(content) == [(3, "amount")]


@pytest.mark.parametrize(
    ("amount", "reason"), [("-19.00", "refund"), ("(19.00)", "refund"), ("0.00", "card_check")]
)
def test_signs_and_nothing(amount: str, reason: str) -> None:
    (found,) = read(table(GOOD.replace("19.00,", f"{amount},", 1)))
    assert isinstance(found, Skipped)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("code", "scheme_code"),
    [("5", "05"), ("05", "05"), ("51.0", "51"), ("n7", "N7"), ("x" * 9, "")],
)
def test_a_code_that_lost_its_nought_has_it_again(code: str, scheme_code: str) -> None:
    row = {
        "orderId": "o",
        "at": "2026-03-02T00:00:00Z",
        "amount": 1,
        "currency": "USD",
        "approved": False,
    }
    line = json.dumps(row | {"schemeCode": code})
    assert [one.scheme_code for one in attempts(line)] == [scheme_code]


def test_local_times_that_happen_twice_or_never() -> None:
    header = OLD
    row = "ch_{},x,{},19.00,0,usd,Paid,c"
    content = table(
        row.format(1, "2025-10-26 02:30"),
        row.format(2, "2025-10-26 02:40"),
        row.format(3, "2025-10-26 02:10"),
        row.format(4, "2026-03-29 02:30"),
        header=header,
    )
    answers = Answers(zone="Europe/Berlin")
    times = [one.at.isoformat()[11:16] for one in attempts(content, answers)]
    assert times == ["00:30", "00:40", "01:10"]
    assert bad(content, answers) == [(5, "date")]


def test_the_numbers_of_simulated_worlds_are_read_there_only() -> None:
    number = "400088123456789" + luhn_digit("400088123456789")
    row = {
        "orderId": "o",
        "at": "2026-03-02T00:00:00Z",
        "amount": 1,
        "currency": "USD",
        "approved": True,
    }
    content = json.dumps(row | {"card": {"number": number}})
    assert [type(one) for one in read(content)] == [BadLine]
    (found,) = read(content, world=True)
    assert (found.bin, found.last4) == ("40008812", number[-4:])  # type: ignore[union-attr]
    assert number[:15] not in repr(found)
