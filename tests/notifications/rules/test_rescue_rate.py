"""When a rescue rate fell, and when it is back."""

from hypothesis import given
from hypothesis import strategies as st

from recoup.notifications.rules.rescue_rate import DECLINED_MIN, Counted, judge

COUNTED = st.integers(0, 3_000).flatmap(lambda n: st.integers(0, n).map(lambda k: Counted(n, k)))


def test_a_quarter_less_is_a_fall_once_it_cannot_be_chance() -> None:
    assert judge(Counted(1_000, 299), Counted(7_000, 2_800), fallen=False) == "fell"
    assert judge(Counted(1_000, 300), Counted(7_000, 2_800), fallen=False) == "fell"
    assert judge(Counted(1_000, 301), Counted(7_000, 2_800), fallen=False) is None, (
        "less than a quarter"
    )
    assert judge(Counted(60, 18), Counted(420, 168), fallen=False) is None, (
        "the same rates of few payments"
    )
    assert judge(Counted(60, 9), Counted(420, 168), fallen=False) == "fell"


def test_it_is_back_at_nine_tenths() -> None:
    assert judge(Counted(1_000, 359), Counted(7_000, 2_800), fallen=True) is None
    assert judge(Counted(1_000, 360), Counted(7_000, 2_800), fallen=True) == "recovered"
    assert judge(Counted(1_000, 10), Counted(7_000, 2_800), fallen=True) is None, "told already"
    assert judge(Counted(100, 0), Counted(100, 0), fallen=True) == "recovered", (
        "the days before came down to it"
    )


def test_few_payments_say_nothing() -> None:
    few = DECLINED_MIN - 1
    assert judge(Counted(few, 0), Counted(7_000, 7_000), fallen=False) is None
    assert judge(Counted(7_000, 0), Counted(few, few), fallen=False) is None
    assert judge(Counted(few, few), Counted(7_000, 7_000), fallen=True) is None
    assert (
        judge(Counted(DECLINED_MIN, 0), Counted(DECLINED_MIN, DECLINED_MIN), fallen=False) == "fell"
    )


@given(COUNTED, COUNTED)
def test_what_fell_is_lower_and_not_back(recent: Counted, before: Counted) -> None:
    if judge(recent, before, fallen=False) == "fell":
        assert recent.rescued / recent.declined < before.rescued / before.declined
        assert judge(recent, before, fallen=True) is None


@given(COUNTED, COUNTED)
def test_a_rise_is_no_fall(recent: Counted, before: Counted) -> None:
    if before.declined * recent.rescued >= before.rescued * recent.declined:
        assert judge(recent, before, fallen=False) is None
