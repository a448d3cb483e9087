"""Where there are more attempts than may be held, what is left of a customer stays together."""

from recoup.engine.learn.gather import _Names, _Rows
from recoup.rescue.rules.answer_classes import FUNDS


def test_of_the_customers_that_are_left_each_attempt_keeps_its_own_facts() -> None:
    """The kind of card was left behind: a thinned history told debit cards for credit cards."""
    rows = _Rows(_Names())
    for payer in range(40):
        issuer, zone = f"4000{payer % 3}", (payer, payer % 2 == 0)
        rows.add(payer, payer, float(payer), (FUNDS, str(payer)), issuer, zone, payer % 4 == 0)
    rows.thin()
    rows.thin()
    kept = [payer for payer in range(40) if payer % 4 == 0]
    rows.add(41, 41, 41.0, (FUNDS, "41"), "40000", (0, False), True)  # of those who are left out
    table = rows.table
    assert list(table["payer"]) == kept
    assert [bool(one) for one in table["credit"]] == [True] * len(kept)
    assert [list(table[name]) for name in ("order", "offset", "at")] == [kept, kept, kept]
