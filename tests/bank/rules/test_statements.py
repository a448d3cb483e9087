"""Statements of banks: what is read of each format, to the unit, and which file is refused with
which words."""

import random

import pytest
from tests.bank_files import (
    bai2,
    balance,
    camt,
    details,
    mt940,
    not_refused,
    ntry,
    read,
    ref,
    signed,
    stmt,
)

from recoup.bank.rules.formats import check_answers, check_statement, format_of
from recoup.bank.rules.matching import Theirs
from recoup.bank.rules.reading import Reading
from recoup.bank.rules.statement import Broken
from recoup.kernel.problem import Problem
from recoup.kit.report_spans import days

C15A = camt(stmt(ntry("100.00", more=details(ref("PO-1", "60.00"), ref("PO-2", "40.00")))))
C15B = mt940(
    ":61:2611201120C100,00NTRFPO-1//BANK1",
    ":86:PAYOUT",
    ":61:2611201120RC40,00NTRFPO-2//BANK2",
    ":86:REVERSAL OF A CREDIT",
)
C15C = bai2([("123456789,USD,010,0,,", ["16,165,10000,S,0,0,0,REF-1,PO-1,FUNDING/"])])
TWO = [("funding", "PO-1", 6000, "EUR"), ("funding", "PO-2", 4000, "EUR")]


def entry(*inside: str) -> bytes:
    return camt(stmt(*inside))


def test_each_format_is_read_to_the_unit() -> None:
    envelope = C15A.replace(
        b"<Document", b'<Env><h:AppHdr xmlns:h="x"><h:Id>1</h:Id></h:AppHdr><p:Document', 1
    )
    envelope = envelope.replace(b"</Document>", b"</p:Document></Env>").replace(
        b' xmlns="urn', b' xmlns:p="urn'
    )
    returned = details(ref("RC0123456789AB") + "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")
    bare = entry(
        *(
            balance(code, amount).replace(
                "<CdtDbtInd>CRDT</CdtDbtInd>", "<Dt><Dt>2026-11-20</Dt></Dt>"
            )
            for code, amount in (("OPBD", "1.00"), ("CLBD", "61.00"))
        ),
        '<Ntry><Amt Ccy="EUR">60</Amt><CdtDbtInd>CRDT</CdtDbtInd></Ntry>',
    )
    purpose = "<RmtInf><Ustrd>SETTLEMENT RC0123456789AB</Ustrd></RmtInf>"
    pages = mt940(":61:2611201120C100,00NTRFPO-1", page="1/2", closing="C261120EUR100,00") + mt940(
        ":61:2611201120D40,00NTRFPO-2", page="2/2", opening="C261120EUR100,00"
    )
    for name, content, wanted in (
        ("camt.053, the details of a batch", C15A, TWO),
        ("UTF-16", C15A.decode().replace("UTF-8", "UTF-16").encode("utf-16"), TWO),
        ("prefixes and an envelope", envelope, TWO),
        (
            "camt.054",
            camt(
                stmt(ntry("5.00", more=details(ref("A"))), tag="Ntfctn"),
                message="camt.054.001.04",
                root="BkToCstmrDbtCdtNtfctn",
            ),
            [("funding", "A", 500, "EUR")],
        ),
        (
            "version 2 has its status as text",
            entry(ntry("5.00", status="BOOK")),
            [("funding", "", 500, "EUR")],
        ),
        (
            "details that do not add up: the entry",
            entry(ntry("90.00", more=details(ref("A", "60.00"), ref("B", "40.00")))),
            [("funding", "", 9000, "EUR")],
        ),
        (
            "details that net",
            entry(ntry("50.00", more=details(ref("A", "60.00"), ref("B", "10.00", "DBIT")))),
            [("funding", "A", 6000, "EUR"), ("payout", "B", -1000, "EUR")],
        ),
        (
            "details without amounts: the entry",
            entry(ntry("9.00", more=details(ref("A"), ref("B")))),
            [("funding", "", 900, "EUR")],
        ),
        (
            "pending and for information are left out",
            entry(ntry("1.00", status="<Cd>PDNG</Cd>"), ntry("2.00", status="<Cd>INFO</Cd>")),
            [],
        ),
        (
            "a reversed credit went out",
            entry(ntry("4.00", "DBIT", "<RvslInd>true</RvslInd>" + details(ref("A")))),
            [("funding_return", "A", -400, "EUR")],
        ),
        (
            "a payout that came back",
            entry(ntry("4.00", "CRDT", returned)),
            [("payout_return", "RC0123456789AB", 400, "EUR")],
        ),
        (
            "our reference in the purpose",
            entry(ntry("4.00", "DBIT", details(ref("NOTPROVIDED") + purpose))),
            [("payout", "RC0123456789AB", -400, "EUR")],
        ),
        (
            "two accounts, two currencies",
            camt(stmt(ntry("1.00")), stmt(ntry("300", ccy="JPY"), ccy="JPY", iban="X9")),
            [("funding", "", 100, "EUR"), ("funding", "", 300, "JPY")],
        ),
        (
            "a bank that leaves out status, day and sign of balances",
            bare,
            [("funding", "", 6000, "EUR")],
        ),
        (
            "MT940 with a reversed credit: 60.00",
            C15B,
            [("funding", "PO-1", 10000, "EUR"), ("funding_return", "PO-2", -4000, "EUR")],
        ),
        (
            "a reversed debit came back",
            mt940(":61:2611201120RD60,00NTRFPO-2"),
            [("payout_return", "PO-2", 6000, "EUR")],
        ),
        (
            "the letter behind the mark",
            mt940(":61:261120CR60,NTRFNONREF//B1", ":86:x"),
            [("funding", "B1", 6000, "EUR")],
        ),
        (
            "EREF in pieces",
            mt940(
                ":61:2611201120C60,00NTRFNONREF",
                ":86:166?00GUTSCHRIFT?20EREF+PO-",
                "77?21SVWZ+Rent",
            ),
            [("funding", "PO-77", 6000, "EUR")],
        ),
        (
            "booked on 2 January, valued on 30 February",
            mt940(":61:2602300301C60,00NTRFA"),
            [("funding", "A", 6000, "EUR")],
        ),
        (
            "SWIFT's envelope",
            b"{1:F01BANKDEFFXXXX0000000000}{2:O9400000}{4:\r\n" + C15B[:-3] + b"-}\r\n",
            [("funding", "PO-1", 10000, "EUR"), ("funding_return", "PO-2", -4000, "EUR")],
        ),
        ("two pages", pages, [("funding", "PO-1", 10000, "EUR"), ("payout", "PO-2", -4000, "EUR")]),
        (
            "another encoding in a text",
            mt940(":61:2611201120C60,00NTRFA", ":86:Gebühr für Überweisung"),
            [("funding", "A", 6000, "EUR")],
        ),
        ("BAI2", C15C, [("funding", "PO-1", 10000, "USD")]),
        (
            "BAI2 continued, with commas and a slash",
            bai2(
                [
                    (
                        "1,USD,010,0,,,015,5900,,",
                        [
                            "16,195,6000,V,261120,,R1,,WIRE, FROM A/B",
                            "88,SEE RC0123456789AB, THANKS",
                            "16,475,100,,R2,C2,/",
                        ],
                    )
                ]
            ),
            [("payout_return", "RC0123456789AB", 6000, "USD"), ("payout", "C2", -100, "USD")],
        ),
        (
            "BAI2 returns and yen",
            bai2([("1,JPY", ["16,257,500,,R1,,x/", "16,555,200,D,1,1,200,R2,,y/"])]),
            [("payout_return", "R1", 500, "JPY"), ("funding_return", "R2", -200, "JPY")],
        ),
        ("BAI2 without a number for a loan", bai2([("1,USD", ["16,720,500,,R1,,x/"])]), []),
    ):
        assert signed(content) == wanted, name


PLAIN_MT940 = (
    ":20:S1\r\n:25:0123456789\r\n:28C:1/1\r\n"
    ":60F:C190328EUR100,00\r\n:61:190328C10,00NTRFR1\r\n:86:REST\r\n"
    ":62F:C190328EUR110,00\r\n-\r\n"
)
OTHER_MT940 = (
    PLAIN_MT940.replace("S1", "S2").replace("0123456789", "0999999999").replace("R1", "R2")
)


def test_mt940_as_banks_write_it() -> None:
    """The entry date left blank, the last line indented, an end-of-file mark of old systems between
    two statements."""
    one, two = (
        [("funding", "R1", 1000, "EUR")],
        [("funding", "R1", 1000, "EUR"), ("funding", "R2", 1000, "EUR")],
    )
    none = ":20:S2\r\n:25:0999999999\r\n:28C:1/1\r\n:60F:C190328EUR5,00\r\n:62F:C190328EUR5,00\r\n-"
    wide = PLAIN_MT940 + OTHER_MT940
    for name, text, wanted in (
        ("blank entry date", PLAIN_MT940.replace("190328C10", "190328    C10"), one),
        ("blank entry date of two", PLAIN_MT940.replace("190328C10", "190328  C10"), one),
        ("indented end", PLAIN_MT940.replace("\r\n-", "\r\n -"), one),
        ("end and a tab", PLAIN_MT940.replace("\r\n-", "\r\n\t-\t"), one),
        ("Ctrl-Z at the end", PLAIN_MT940 + "\x1a", one),
        ("Ctrl-Z between", PLAIN_MT940.removesuffix("-\r\n") + "\x1a" + none, one),
        ("Ctrl-Z on a line", PLAIN_MT940 + "\x1a\r\n" + OTHER_MT940 + "\x1a\x1a\r\n", two),
        ("two statements", wide, two),
        ("CR alone", wide.replace("\r\n", "\r"), two),
        ("LF alone", wide.replace("\r\n", "\n"), two),
        ("blanks at each end", wide.replace("\r\n", "  \t\r\n"), two),
        ("indented throughout", "  " + wide.replace("\r\n", "\r\n  "), two),
        ("empty lines between", wide.replace("-\r\n", "-\r\n\r\n \r\n"), two),
    ):
        assert signed(text.encode()) == wanted, name
    for name, content in (
        (
            "marks of two files put together",
            b"\xef\xbb\xbf" + PLAIN_MT940.encode() + b"\xef\xbb\xbf" + OTHER_MT940.encode(),
        ),
        ("a mark behind another", PLAIN_MT940.encode() + b"\xef\xbb\xbf" + OTHER_MT940.encode()),
        ("UTF-16", wide.encode("utf-16")),
    ):
        assert signed(content) == two, name


def test_references_are_what_is_seen_of_them_in_each_format() -> None:
    for written in ("\u00a000123\u00a0", "'00123", '="00123"', "\u200b00123", "\ufeff00123"):
        xml = written.replace('"', "&quot;")
        assert signed(entry(ntry("5.00", more=details(ref(xml))))) == [
            ("funding", "00123", 500, "EUR")
        ], written
        line = mt940(f":61:2611201120C60,00NTRF{written}//B".encode().decode("latin-1"))
        if written.isascii():  # MT940 and BAI2 are
            assert signed(line) == [("funding", "00123", 6000, "EUR")], written
            told = bai2([("1,USD,010,0,,", [f"16,165,10000,S,0,0,0,B,{written},TEXT/"])])
            assert signed(told) == [("funding", "00123", 10000, "USD")], written


def test_a_code_of_money_both_ways_is_read_by_the_sign() -> None:
    """Transfers go both ways: one that came in was refused, or would have been a payout."""
    both = mt940(
        ":61:2611201120C100,00NTRFA",
        ":61:2611201120D40,00NTRFB",
        ":61:2611201120C1,00NTRFRC0123456789AB",
        closing="C261120EUR61,00",
    )
    wanted = [
        ("funding", "A", 10000, "EUR"),
        ("payout", "B", -4000, "EUR"),
        ("payout_return", "RC0123456789AB", 100, "EUR"),
    ]
    assert signed(both, Reading(kind="bank", types={"NTRF": "payout"})) == wanted
    returned = signed(both, Reading(kind="bank", types={"NTRF": "payout_return"}))
    assert [one[0] for one in returned] == ["payout_return", "payout", "payout_return"]


def test_notes_say_what_each_account_comes_to() -> None:
    said = " ".join(read(C15B)[1])
    assert "Account …3000: 2 entries, sum 60.00 EUR." in said
    assert "Its balance goes from 0.00 to 60.00 EUR" in said
    said = " ".join(
        read(entry(ntry("9.00", more=details(ref("A"), ref("B"))), ntry("1.00", status="PDNG")))[1]
    )
    assert "pending (PDNG): 1" in said
    assert "do not add up to it: 1" in said
    assert "could not be checked" in said


def test_the_booking_day_counts_and_what_was_not_asked_for_is_told() -> None:
    [line] = read(entry(ntry("1.00", more=details(ref("A")))))[0]
    assert isinstance(line, Theirs)
    assert f"{line.at:%Y-%m-%d}" == "2026-11-20"
    [line] = read(mt940(":61:2612310102C60,00NTRFA"))[0]
    assert isinstance(line, Theirs)
    assert f"{line.at:%Y-%m-%d}" == "2027-01-02"
    both = camt(stmt(ntry("1.00")), stmt(ntry("300", ccy="JPY"), ccy="JPY", iban="X9"))
    told = read(both, Reading(kind="bank", currencies=("JPY",)))[0]
    assert [line.code for line in told if isinstance(line, Broken)] == ["mixed_currencies"]
    told = read(both, Reading(kind="bank", period=days("2026-11-01", "2026-11-02", "UTC")))[0]
    assert [line.code for line in told if isinstance(line, Broken)] == ["other_period"] * 2
    mapped = Reading(kind="bank", types={"NTRF": "payout_return"})
    assert signed(mt940(":61:2611201120C60,00NTRFA"), mapped) == [
        ("payout_return", "A", 6000, "EUR")
    ]


def test_a_file_that_is_damaged_or_does_not_add_up_is_refused_whole_with_its_place() -> None:
    bomb = C15A.replace(b"<Document", b'<!DOCTYPE x [<!ENTITY a "b">]><Document', 1)
    open_, close = balance("OPBD", "0.00"), balance("CLBD", "60.00")
    cases = (
        (
            camt(stmt(open_, close, ntry("50.00"))),
            "goes from 0.00 to 60.00 EUR, but the entries come to 50.00",
        ),
        (camt(stmt(ntry("1.00")), stmt(ntry("1.00"))), "in the file twice"),
        (entry(ntry("1.005")), "Line 3, Ntry: Amt: '1.005' is no amount of EUR"),
        (entry(ntry("-1.00")), "'-1.00' is no amount"),
        (entry(ntry("1e3")), "'1e3' is no amount"),
        (entry(ntry("1.00", ccy="XXQ")), "the currency 'XXQ' is unknown"),
        (entry(ntry("1.00", "DEBIT")), "CdtDbtInd: 'DEBIT' is neither CRDT nor DBIT"),
        (entry(ntry("1.00", status="<Cd>DONE</Cd>")), "'DONE' is none of BOOK, PDNG"),
        (
            entry(ntry("1.00")).replace(b"2026-11-20", b"2026-13-20"),
            "BookgDt: '2026-13-20' is no date",
        ),
        (camt(), "it holds no statement"),
        (bomb, "declares a document type"),
        (C15A.replace(b"<GrpHdr>", b"<a>" * 50), "nested deeper than 40"),
        (C15A[:-40], "breaks off or is damaged"),
        (C15A + C15A, "junk after document element"),
        (
            C15B.replace(b"60,00", b"70,00"),
            "goes from 0.00 to 70.00 EUR, but the entries come to 60.00",
        ),
        (C15B + C15B, "in the file twice"),
        (C15B[:150], "has no closing balance (:62F:); the file is cut off"),
        (C15B.replace(b"RC40,00", b"EC40,00"), "an expected entry (EC or ED)"),
        (
            C15B.replace(b"RC40,00", b"X40,00"),
            "Line 7, :61:: '2611201120X40,00NTRFPO-2//BANK2' is no entry like",
        ),
        (mt940(":61:261120CD60,NTRFA"), "the letter D behind the mark is not the third one of EUR"),
        (mt940(page="1/2", closing="C261120EUR0,00"), "the last page of this statement is missing"),
        (
            mt940(page="1/2", closing="C261120EUR0,00")
            + mt940(page="2/2", opening="C261120EUR9,00", closing="C261120EUR9,00"),
            "a page is missing",
        ),
        (
            C15C.replace(b"49,10000", b"49,10001"),
            "Line 5, record 49: the control total is 10001, but",
        ),
        (
            C15C.replace(b"99,10000,1,7", b"99,10000,1,8"),
            "the number of records is 8, but the file has 7",
        ),
        (
            C15C.replace(b"98,10000,1", b"98,10000,2"),
            "the number of accounts is 2, but the file has 1",
        ),
        (C15C[:-15], "its last record (99) is missing; the file is cut off"),
        (C15C.replace(b",S,0", b",Q,0"), "the funds type 'Q' is none of"),
        (C15C.replace(b"16,165", b"16,16x"), "the type code '16x' is none of 100 to 999"),
        (
            bai2([("1,USD,010,0,,,015,5,,", ["16,165,6,,,,/"])]),
            "from 0.00 to 0.05 USD, but the entries come to 0.06",
        ),
        (bai2([], status="4"), "the group is a test (status 4)"),
        (
            C15C.replace(b"16,165", b"17,165"),
            "begins with no record code of 01 02 03 16 49 88 98 99",
        ),
        (b'{"a": 1}', "a file of the format JSON"),
    )
    assert not not_refused(cases, signed)


def test_a_format_that_is_not_read_is_named_with_the_cure() -> None:
    cases = {
        b"%PDF-1.7\n": "PDF",
        b"OFXHEADER:100\nDATA:OFXSGML\n<OFX>": "OFX",
        b"<?xml version='1.0'?><OFX>": "OFX",
        b"!Type:Bank\nD01/02/26\n": "QIF",
        camt(root="BkToCstmrAcctRpt"): "camt.052",
        camt(root="CstmrCdtTrfInitn"): "pain.001",
        b"<a/>": "XML",
        b"<!doctype html><p>": "HTML",
        b"UNA:+.? '": "EDIFACT",
        b"ISA*00*": "X12",
        b'[{"id": 1}]': "JSON",
        b"{1:F01X}{2:I103X}{4:\n:20:1\n:32A:x\n-}": "MT103",
        b":20:1\n:25:2\n:28C:1\n:34F:EUR0,\n:13D:x\n": "MT942",
    }
    for content, name in cases.items():
        with pytest.raises(Problem) as refused:
            format_of(content)
        assert f"of the format {name}," in refused.value.message
        assert refused.value.cure, name
    for table in (b"type,amount\nfee,1\n", b"", b"id;b\n", b"a" * 100):
        assert format_of(table) is None
    for check, words in (
        (lambda: check_statement("NACHA", "bank"), "recoup bank answers"),
        (lambda: check_statement("camt.053", "processor"), "--kind bank"),
        (lambda: check_answers("MT940"), "recoup reconcile"),
    ):
        with pytest.raises(Problem) as refused:
            check()
        assert words in (refused.value.cure or "")


def test_no_damage_changes_a_sum_unseen_and_nothing_but_a_problem_is_raised() -> None:
    """Cut off, said twice in parts, and with flipped bits: refused, or the same sums."""
    whole = camt(
        stmt(
            balance("OPBD", "0.00"),
            balance("CLBD", "100.00"),
            ntry("100.00", more=details(ref("PO-1", "60.00"), ref("PO-2", "40.00"))),
        )
    )
    full = bai2(
        [
            (
                "1,USD,010,0,,,015,6000,,",
                ["16,165,10000,S,0,0,0,R1,PO-1,x/", "16,552,4000,,R2,PO-2,y", "88,z/"],
            )
        ]
    )
    chance = random.Random(36)
    for content in (whole, C15B, full):
        total = sum(line[2] for line in signed(content))
        for _ in range(250):
            first, last = sorted(chance.choices(range(len(content)), k=2))
            flipped = bytearray(content)
            flipped[first] ^= 1 << chance.randrange(8)
            for damaged in (content[:last], content[:last] + content[first:], bytes(flipped)):
                try:
                    if format_of(damaged) is None:
                        continue
                    found = signed(damaged)
                except Problem:
                    continue
                assert sum(line[2] for line in found) == total, damaged
