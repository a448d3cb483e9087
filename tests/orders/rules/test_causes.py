"""Every way in which an order can stand has a cause, and every cause a sentence that fits it."""

from itertools import product

from tests.orders.rules.test_attempt_life import STATES
from tests.rings import each

from recoup.networks.reasons import REASONS
from recoup.orders.rules.causes import HARD, NOT_OVER, SENTENCES, SOFT, Cause, Try, cause_of
from recoup.orders.rules.lifecycle import OPEN, STEPS, Stage

WHYS = sorted({step.reason for step in STEPS if step.reason})
CLASSES = ("funds", "soft", "technical", "data", "sca", "fraud", "hard", "configuration", None)


@each("stage", list(Stage))
def test_every_stand_has_a_sentence_or_needs_none(stage: Stage) -> None:
    tries = [None, *(Try(*one) for one in product(STATES, CLASSES, ("do_not_honor", None)))]
    for why, last, planned in product([*WHYS, None], tries, (True, False)):
        cause = cause_of(stage, why, last, planned=planned)
        if cause is None:
            assert stage in (Stage.NEW, Stage.COMPLETED, Stage.AUTHORISED, Stage.CHALLENGED)
            continue
        assert "{" not in cause.sentence()
        assert cause.final == (stage not in OPEN)
        assert cause.final or "Do not charge" in cause.sentence()


def test_every_way_an_order_can_end_has_words_of_its_own() -> None:
    assert set(WHYS) <= set(SENTENCES)


@each("reason", REASONS)
@each("word", [HARD, SOFT])
def test_what_has_ended_is_never_said_to_be_tried_again(word: str, reason: str) -> None:
    said = Cause(word, reason).sentence()
    assert "Recoup tries" not in said
    assert "Nothing to do" not in said
    assert REASONS[reason][0] in said


def test_only_what_may_still_be_approved_is_not_over() -> None:
    assert {"outcome_unknown", "retry_planned", "in_progress"} == NOT_OVER
