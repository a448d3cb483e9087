"""Pay days of the regression's hypotheses: their calendar, and what a failure since one changes."""

from calendar import monthrange
from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recoup.engine.blocks import calendar
from recoup.engine.pay_days import LONG_AGO, LONGEST, RHYTHMS, bins_of, days_since
from recoup.engine.rhythms import posts


@given(st.dates(date(1969, 1, 1), date(2100, 12, 31)), st.integers(0, 23))
def test_a_try_stands_where_its_date_does_in_week_and_month(day: date, hour: int) -> None:
    local = np.array([(day - date(1970, 1, 1)).days * 24.0 + hour + 0.5])
    days_in_month = monthrange(day.year, day.month)[1]
    found = [int(column[0]) for column in calendar(local)]
    assert found == [day.weekday(), day.day - 1, days_in_month - day.day, hour]


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_days_since_a_pay_day_are_those_of_its_calendar(day: date) -> None:
    local = np.array([(day - date(1970, 1, 1)).days * 24.0 + 12.0])
    since = days_since(local)[0]
    for name, days in zip(RHYTHMS, since.tolist(), strict=True):
        dated = not name.startswith("irregular")
        backs = [
            back
            for back in range(LONGEST)
            if dated and posts(name, (day - timedelta(days=back)).toordinal())
        ]
        assert days == (backs[0] if backs else LONGEST), name


def test_a_look_at_the_same_pay_is_told_from_one_at_the_next() -> None:
    local = np.array([24.0 * 20_000 + 12.0])
    since = days_since(local)
    unseen, seen = (bins_of(local, since, np.array([at])) for at in (LONG_AGO, local[0] - 1.0))
    assert (unseen[0, :-1] < seen[0, :-1]).all()
