"""Attempts put together to payments: by the provider's link, else guessed and flagged."""

from tests.imports.rules.reading import attempts

from recoup.backtest.rules.history import cohort_of
from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import Attempt
from recoup.imports.rules.report import Payments, Summary, payments_of

HEADER = (
    "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer ID,Card "
    "Fingerprint,PaymentIntent ID"
)


def rows(*lines: str) -> list[Attempt]:
    return attempts("\n".join([HEADER, *lines]), Answers())


def refs(found: list[Attempt]) -> list[list[str]]:
    return sorted([one.ref for one in group] for group in payments_of(found))


def summary(found: list[Attempt]) -> Summary:
    gathered = Payments()
    for one in found:
        gathered.add(one)
    return gathered.summary()


def test_the_providers_link_counts_first() -> None:
    found = rows(
        "a,2026-03-01 06:00,19.00,0.00,usd,Failed,c1,f1,pi_1",
        "b,2026-05-09 06:00,19.00,0.00,usd,Failed,c1,f1,pi_1",
        "c,2026-03-02 06:00,19.00,0.00,usd,Paid,c1,f1,pi_2",
    )
    assert refs(found) == [["a", "b"], ["c"]]
    assert not any(one.guessed for group in payments_of(found) for one in group)


def test_without_a_link_tries_are_put_together_within_35_days_and_none_after_a_success() -> None:
    found = rows(
        "d,2026-03-09 06:00,19.00,0.00,usd,Paid,c1,f1,",
        "a,2026-03-01 06:00,19.00,0.00,usd,Failed,c1,f1,",
        "e,2026-04-01 06:00,19.00,0.00,usd,Failed,c1,f1,",
        "f,2026-05-20 06:00,19.00,0.00,usd,Failed,c1,f1,",
        "g,2026-03-02 06:00,20.00,0.00,usd,Failed,c1,f1,",
        "h,2026-03-02 06:00,19.00,0.00,eur,Failed,c1,f1,",
        "i,2026-03-02 06:00,19.00,0.00,usd,Failed,c2,f1,",
        "j,2026-03-02 06:00,19.00,0.00,usd,Failed,c1,f2,",
        "k,2026-03-02 06:00,19.00,0.00,usd,Failed,,,",
        "l,2026-03-02 06:00,19.00,0.00,usd,Failed,,,",
    )
    assert refs(found) == [["a", "d"], ["e"], ["f"], ["g"], ["h"], ["i"], ["j"], ["k"], ["l"]]
    assert all(one.guessed for group in payments_of(found) for one in group)
    assert summary(found).guessed_share == 1.0


def test_an_id_again_in_a_later_state_is_one_attempt() -> None:
    found = rows(
        "a,2026-03-01 06:00,19.00,0.00,usd,pending,c1,f1,pi_1",
        "a,2026-03-01 06:00,19.00,0.00,usd,Refunded,c1,f1,pi_1",
        "a,2026-03-01 06:00,19.00,0.00,usd,Paid,c1,f1,pi_1",
    )
    (payment,) = payments_of(found)
    assert [(one.state, one.stage) for one in payment] == [("approved", 2)]


def test_edges_and_rescues_are_counted() -> None:
    found = rows(
        "a,2026-01-01 06:00,19.00,0.00,usd,Failed,c1,f1,p1",
        "b,2026-04-01 06:00,19.00,0.00,usd,Failed,c1,f1,p2",
        "c,2026-04-05 06:00,19.00,0.00,usd,Paid,c1,f1,p2",
        "d,2026-06-28 06:00,19.00,0.00,usd,Failed,c1,f1,p3",
        "e,2026-07-01 06:00,19.00,0.00,usd,Paid,c1,f1,p4",
    )
    told = summary(found)
    assert (told.attempts, told.payments, told.declined, told.rescued) == (5, 4, 3, 1)
    assert (told.begun_before, told.open_after, told.only_successes) == (1, 1, False)
    assert summary(found[-1:]).only_successes
    assert summary([]).first is None


def test_an_import_and_a_back_test_leave_out_the_same_payments_at_the_edges() -> None:
    found = rows(
        "a,2026-01-01 06:00,19.00,0.00,usd,Failed,c1,f1,p1",
        "b,2026-01-02 06:00,19.00,0.00,usd,Failed,c2,f2,p2",
        "c,2026-04-02 06:00,19.00,0.00,usd,Failed,c3,f3,p3",
        "d,2026-06-20 06:00,19.00,0.00,usd,Failed,c4,f4,p4",
        "e,2026-06-25 06:00,19.00,0.00,usd,Paid,c4,f4,p4",
        "f,2026-06-28 06:00,19.00,0.00,usd,Failed,c5,f5,p5",
    )
    found[1] = found[1]._replace(attempt_no=1)
    found[2] = found[2]._replace(attempt_no=2)
    told, cohort = summary(found), cohort_of(payments_of(found))
    assert (told.begun_before, told.open_after) == (cohort.begun_before, len(cohort.open)) == (2, 2)


def test_an_attempt_count_above_the_rows_is_counted() -> None:
    header = "id,amount,created,currency,status,paid,payment_intent_id,attempt_count"
    lines = [
        "ch_1,1900,2026-03-02 06:00:00,usd,failed,false,pi_1,4",
        "ch_2,1900,2026-03-05 06:00:00,usd,succeeded,true,pi_1,4",
        "ch_3,1900,2026-03-05 06:00:00,usd,succeeded,true,pi_2,1",
    ]
    assert summary(attempts("\n".join([header, *lines]))).missing == 1


def test_rows_of_one_attempt_are_one() -> None:
    """Adyen's accounting report has a row for each step: of a payment that was refused first,
    `Received` was first."""
    head = (
        "Psp Reference,Merchant Reference,Payment Method,Booking Date,TimeZone,Main "
        "Currency,Main Amount,Record Type"
    )
    row = "{},S-1,visa,2026-03-{:02} 06:00:{:02},UTC,EUR,19.00,{}"
    steps = [
        ("881", 2, 1, "Received"),
        ("881", 2, 3, "Refused"),
        ("882", 5, 1, "Received"),
        ("882", 5, 3, "Authorised"),
        ("882", 6, 1, "Settled"),
    ]
    for order in (steps, steps[::-1], steps * 2):
        found = summary(attempts("\n".join([head, *(row.format(*one) for one in order)])))
        assert found.states == {"declined": 1, "approved": 1}
        assert (found.attempts, found.payments, found.declined, found.rescued) == (2, 1, 1, 1)


def test_a_state_again_does_not_take_an_attempt_out_of_its_guessed_payment() -> None:
    found = rows(
        "a,2026-03-01 06:00,19.00,0.00,usd,Failed,c1,f1,",
        "b,2026-03-04 06:00,19.00,0.00,usd,Paid,c1,f1,",
        "b,2026-03-04 06:00,19.00,19.00,usd,Refunded,c1,f1,",
        "b,2026-03-04 06:00,19.00,0.00,usd,Paid,c1,f1,",
    )
    gathered = Payments()
    for one in found:
        gathered.add(one)
    assert dict(gathered.guesses()) == {1: 1, 2: 1, 3: 1, 4: 1}
    assert gathered.summary().guessed == 2
