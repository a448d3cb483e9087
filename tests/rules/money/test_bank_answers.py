"""A bank's answer file: what is too long to be kept is told with its line, and the rows beside it are taken."""

from recoup.rules.money.bank_answers import read_answers


def test_a_row_with_a_novel_for_a_reason_is_told_and_not_kept() -> None:
    rows = ["payout,outcome,reason", f"p-1,returned,{'r' * 3_000}", f"{'p' * 3_000},paid,", "p-3,returned,R\0" + "01"]
    long, wide, fine = read_answers("\n".join(rows).encode())
    assert long.wrong
    assert wide.wrong
    assert len(long.reason) + len(wide.payout) < 200
    assert (fine.wrong, fine.reason) == (None, "R 01")
