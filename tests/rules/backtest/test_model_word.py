"""What a policy is asked of a past payment is what the product would ask it."""

from tests.rules.backtest.test_history_figures import attempt

from recoup.rules.backtest.history import cohort_of
from recoup.rules.backtest.model_word import Past
from recoup.rules.rescue import zones
from recoup.rules.rescue.slots import offset_minutes


def test_a_schedule_counts_from_the_west_and_the_engine_from_the_east_where_no_zone_is_told() -> None:
    payment = [attempt(0), attempt(2)]
    evidence = Past([payment], "world").evidence(payment, cohort_of([payment]))
    assert evidence.facts is not None
    assert evidence.utc_offset == offset_minutes(None, "US") == -480
    assert (evidence.facts.zone, evidence.facts.zone_known) == zones.offset_minutes(None, "US") == (-300, False)


def test_a_zone_that_is_told_holds_for_both() -> None:
    payment = [attempt(0)._replace(utc_offset=-360)]
    evidence = Past([payment], "world").evidence(payment, cohort_of([payment]))
    assert evidence.facts is not None
    assert evidence.utc_offset == evidence.facts.zone == -360
    assert evidence.facts.zone_known
