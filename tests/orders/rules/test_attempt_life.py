"""The life of an attempt as a table: every case has a row, or stands below with the reason why it
changes nothing."""

from collections import Counter
from itertools import product

from tests.rings import each

from recoup.orders.rules.attempts import GOING, ROWS, on
from recoup.orders.rules.lifecycle import ENDED, FACTS, OPEN, Stage

STATES = ("planned", "open", "approved", "declined", "unknown", "not_sent")
EVENTS = ("sent", "approved", "declined", "timed_out", "not_sent", "not_found", "order_ended")
PLACES = sorted(OPEN | ENDED)
WITHOUT_MONEY = ENDED - {Stage.COMPLETED}
HAPPENINGS = {f.happening: f for f in FACTS.values()}

# (state, event) -> stages at which nothing changes, and why
NOTHING: dict[tuple[str, str], tuple[frozenset[Stage], str]] = {
    **{
        (state, event): (frozenset(PLACES), "it is known already; a repeat changes nothing")
        for state in ("approved", "declined", "not_sent")
        for event in EVENTS
    },
    ("planned", "sent"): (
        frozenset(PLACES) - {Stage.PROCESSING, Stage.COMPLETED},
        "the opening moves send at Processing, and what was advanced at Completed",
    ),
    ("planned", "not_sent"): (ENDED, "the order's end has taken it back"),
    ("planned", "order_ended"): (OPEN, "the order has not ended"),
    **{
        ("planned", event): (frozenset(PLACES), "nothing has left, so nothing is answered")
        for event in ("approved", "declined", "timed_out", "not_found")
    },
    **{(now, "sent"): (frozenset(PLACES), "it is out") for now in GOING},
    **{(now, "order_ended"): (OPEN, "the order has not ended") for now in GOING},
}


@each(("state", "event"), list(product(STATES, EVENTS)))
def test_every_case_has_one_row_or_a_reason(state: str, event: str) -> None:
    quiet = NOTHING.get((state, event), (frozenset(), ""))[0]
    for stage in map(Stage, PLACES):
        row = on(state, event, stage)
        assert (row is None) == (stage in quiet), f"{state} {event} at {stage}: {row}"


def test_no_case_has_two_rows() -> None:
    assert max(Counter((r.state, r.event, stage) for r in ROWS for stage in r.stages).values()) == 1


def test_rows_lead_to_states_that_exist_and_ends_are_ends() -> None:
    assert {r.state for r in ROWS} | {r.to for r in ROWS} == set(STATES)
    assert not [r for r in ROWS if r.state in ("approved", "declined", "not_sent")]


def test_what_a_row_writes_may_be_written_at_its_stages() -> None:
    # An approval is possible wherever an order that has attempts can stand.
    no_attempts_yet = {Stage.RECEIVED, Stage.CHALLENGED, Stage.AUTHORISED}
    for row in ROWS:
        for stage in row.stages - no_attempts_yet:
            if row.happening:
                assert stage in HAPPENINGS[row.happening].stages, (row, stage)


def test_an_approval_is_undone_exactly_where_the_order_ended_without_money() -> None:
    for row in ROWS:
        if row.to == "approved":
            late = row.stages == WITHOUT_MONEY
            assert row.happening == ("approved_late" if late else "attempt_approved")
            assert row.if_late == ("reverse" if late else None)


def test_an_answer_no_is_kept_by_turning_a_call_that_is_out_to_reverse() -> None:
    for now, stage in product(GOING, ENDED):
        row = on(now, "order_ended", stage)
        assert row is not None
        assert (row.to, row.if_late) == (now, "reverse")
    sent = on("planned", "sent", Stage.PROCESSING)
    assert sent is not None
    assert sent.if_late == "keep"


def test_what_was_never_found_goes_out_again_only_while_its_order_is_open() -> None:
    for row in ROWS:
        if row.event == "not_found":
            assert row.to == ("open" if row.stages <= OPEN else "not_sent")
