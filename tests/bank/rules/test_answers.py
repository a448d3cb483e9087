"""What banks answer about payouts: NACHA returns and notices, pain.002; and files that do not add
up."""

import gzip

from tests.bank_files import camt, nacha, not_refused, payment, status_report, stmt

from recoup.bank.rules.answers import answers_of

ONE, TWO = "RC0123456789AB", "RC0123456789AC"
C15D = nacha(("REF12345", 4590, "99R02"))


def told(content: bytes) -> list[tuple[str, str, str, int | None]]:
    return [
        (one.payout, one.outcome, one.wrong or one.reason, one.units) for one in answers_of(content)
    ]


def test_each_answer_is_told_with_its_payout_outcome_and_reason() -> None:
    gone = (ONE, "returned", "R02: account closed", 4590)
    notice = (
        TWO,
        "notice",
        "C03: the bank asks to change the routing number and account number to …0015 …7890; "
        "correct the merchant's bank account",
        None,
    )
    disputed = (ONE, "notice", "R68: the banks dispute an earlier return of it", None)
    wide = C15D.replace(b"45901234567890", b"4590 1234567890")
    assert told(C15D) == told(wide) == [("REF12345", "returned", "R02: account closed", 4590)], (
        "one padded position"
    )
    for content, wanted in (
        (nacha((ONE, 4590, "99R02"), (TWO, 0, "98C03 011000015   1234567890")), [gone, notice]),
        (
            nacha((ONE, 4000, "99R02"), (ONE, 590, "99R02")),
            [gone],
        ),  # a large payout is several entries
        (nacha((ONE, 4590, "99R68")), [disputed]),
        (nacha((ONE, 4590, "99R99")), [(ONE, "notice", "the return code 'R99' is unknown", None)]),
        (nacha((ONE, 4590, "99R02")).replace(b"\n", b""), [gone]),
        (gzip.compress(nacha((ONE, 4590, "99R02"))), [gone]),
        (nacha((ONE, 4590, "99R02")).replace(b"\n", b"\r\n") + b"9" * 94 + b"\r\n", [gone]),
        (nacha((ONE, 4590, "99R02"), sec="IAT"), [("", "returned", "names no payout", 4590)]),
        (
            status_report(payment(ONE, "RJCT", "AC04", "45.90"), payment(TWO, "ACSC")),
            [(ONE, "returned", "AC04: account closed", 4590), (TWO, "paid", "", None)],
        ),
        (
            status_report(payment(ONE, "ACSP"), payment(TWO, "WHAT")),
            [
                (ONE, "notice", "ACSP: in settlement; the bank has not finished it", None),
                (TWO, "notice", "the status 'WHAT' is unknown", None),
            ],
        ),
        (
            status_report("<PmtInfSts>RJCT</PmtInfSts>", payment(ONE)),
            [(ONE, "returned", "RJCT: without a reason", None)],
        ),
        (status_report(payment(ONE), group="<GrpSts>ACSC</GrpSts>"), [(ONE, "paid", "", None)]),
        (status_report(payment(ONE)), [(ONE, "", "has no status", None)]),
        (
            status_report(
                group="<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf>"
            ),
            [(ONE, "returned", "FF01: wrong file format", None)],
        ),
    ):
        assert told(content) == wanted, content


def test_an_answer_file_that_does_not_add_up_is_refused_whole() -> None:
    fine = nacha((ONE, 4590, "99R02"))
    sent = fine.replace(b"799R02", b"705PAY")
    cases = (
        (fine[: 94 * 4], "its file control (9) is missing; the file is cut off"),
        (
            fine.replace(b"0000004590RC", b"0000004591RC"),
            "the total of credits is 45.90, but the file has 45.91",
        ),
        (
            fine.replace(b"00091000010000", b"00091000020000"),
            "the entry hash is 9100002, but the file has 9100001",
        ),
        (
            fine.replace(b"\n8200000002", b"\n8200000003"),
            "the entry and addenda count is 3, but the file has 2",
        ),
        (
            fine.replace(b"0000004590RC", b"00000X4590RC"),
            "the amount (positions 30 to 39) is no number",
        ),
        (fine.replace(b"\n5200", b"\n7200"), "cannot stand here"),
        (fine + fine, "a record behind the file control"),
        (sent, "it has no return (addenda 99)"),
        (camt(stmt()), "This is a file of the format camt.053: a statement"),
        (camt(root="CstmrCdtTrfInitn"), "a file of the format pain.001"),
        (status_report(payment(ONE, "RJCT", "", "1.005")), "InstdAmt: '1.005' is no amount of EUR"),
        (status_report(payment(ONE))[:-20], "breaks off or is damaged"),
        (b"%PDF-1.7", "a file of the format PDF"),
        (b"a,b\n1,2\n", "has no payout, no outcome"),
    )
    assert not not_refused(cases, answers_of)
