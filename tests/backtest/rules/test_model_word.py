"""What a policy is asked of a past payment is what the product would ask it."""

from datetime import datetime, timedelta

from tests.backtest.rules.test_history_figures import attempt

from recoup.backtest.rules.history import Payment, cohort_of
from recoup.backtest.rules.model_word import Past
from recoup.kit import zones
from recoup.kit.slots import offset_minutes
from recoup.rescue.rules.facts import LOOKS_MAX


def test_a_schedule_counts_from_the_west_and_the_engine_from_the_east_where_no_zone_is_told() -> (
    None
):
    payment = [attempt(0), attempt(2)]
    evidence = Past([payment], "world").evidence(payment, cohort_of([payment]))
    assert evidence.facts is not None
    assert evidence.utc_offset == offset_minutes(None, "US") == -480
    assert (
        (evidence.facts.zone, evidence.facts.zone_known)
        == zones.offset_minutes(None, "US")
        == (-300, False)
    )


def test_a_zone_that_is_told_holds_for_both() -> None:
    payment = [attempt(0)._replace(utc_offset=-360)]
    evidence = Past([payment], "world").evidence(payment, cohort_of([payment]))
    assert evidence.facts is not None
    assert evidence.utc_offset == evidence.facts.zone == -360
    assert evidence.facts.zone_known


class CountedTime(datetime):
    """A time that counts its comparisons."""

    compared = 0

    def __lt__(self, other: datetime) -> bool:
        CountedTime.compared += 1
        return super().__lt__(other)


def test_a_customer_of_very_many_payments_is_not_read_whole_for_each() -> None:
    begin = CountedTime.fromtimestamp(1_780_000_000, attempt(0).at.tzinfo)
    payments: list[Payment] = [
        [
            one._replace(payment=f"p{number}", at=begin + timedelta(hours=number + day))
            for day, one in enumerate(story)
        ]
        for number in range(2_000)
        for story in [[attempt(0), attempt(1)]]
    ]
    past, cohort = Past(payments, "world"), cohort_of(payments)
    CountedTime.compared = 0
    looks = [past.evidence(one, cohort, one[1:]).facts for one in payments]
    assert CountedTime.compared < 40 * len(payments)
    last = looks[1_000]
    assert last is not None
    assert [one.at for one in last.looks] == sorted(one.at for one in last.looks)
    assert len(last.looks) == LOOKS_MAX
    own, others = (
        payments[1_000],
        [one.at for payment in payments if payment is not payments[1_000] for one in payment],
    )
    assert [one.at for one in last.looks] == sorted(at for at in others if at < own[1].at)[
        -LOOKS_MAX:
    ]
