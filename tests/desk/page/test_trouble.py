"""Whatever needs somebody's attention is said in a sentence, has a cure and somebody to ask."""

from tests.rings import each

from recoup.orders.rules.attention import (
    HELD,
    REASONS,
    UNKNOWN,
    code_of,
    held,
    of_dispute,
    sentence_of,
    stuck,
)
from recoup.stablecoin.moves.payment import PAID_LATE
from recoup.stablecoin.moves.sweep import SETTLEMENT_DELAYED, SETTLEMENT_STUCK

# The page has words of its own for an order on hold or in problem, and for a stablecoin order
# (order/waiting). A capture is refused, never stuck.
ELSEWHERE = (HELD, UNKNOWN, PAID_LATE, SETTLEMENT_STUCK, SETTLEMENT_DELAYED, stuck("capture"))


@each("code", REASONS)
def test_each_code_has_a_sentence_and_a_cure(code: str) -> None:
    reason = REASONS[code]
    assert bool(reason.cure) is bool(reason.ask) is not (code in ELSEWHERE)
    assert code == HELD or sentence_of(code)[0].isupper()


def test_an_argument_stands_in_the_sentence() -> None:
    late = of_dispute("dispute_late", 12)
    assert code_of(late) == "dispute_late"
    assert sentence_of(late) == "Dispute 12 must be answered soon; without an answer it is lost."
    assert sentence_of(held("Put on hold: {0} of 2:1")) == "Put on hold: {0} of 2:1"


def test_what_a_process_of_an_earlier_release_wrote_is_shown_as_it_is() -> None:
    assert sentence_of("A refund is stuck: the processor did not take it.") == (
        "A refund is stuck: the processor did not take it."
    )
