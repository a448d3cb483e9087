"""A bank's answer file: what is too long to be kept is told with its line, and the rows beside it
are taken."""

from recoup.bank.rules.answers import answers_of


def test_a_row_with_a_novel_for_a_reason_is_told_and_not_kept() -> None:
    rows = [
        f"p-1,returned,{'r' * 3_000}",
        f"{'p' * 3_000},paid,",
        "p-2,returned,R\0" + "01",
        "p-3,returned,R01",
    ]
    long, wide, lost, fine = answers_of("\n".join(["payout,outcome,reason", *rows]).encode())
    assert long.wrong
    assert wide.wrong
    assert len(long.reason) + len(wide.payout) < 200
    assert (lost.payout, lost.wrong) == (
        "",
        "holds a NUL byte; if the file is UTF-16, name that as its encoding",
    )
    assert (fine.wrong, fine.reason) == (None, "R01")
