"""What needs attention: the sentences of codes with an argument or of several kinds."""

from recoup.orders.rules.attention import sentence_of

_SAID = {
    "paid_twice": "Paid twice: the merchant's own payment succeeded too. Refund one of them.",
    "dispute_late:12": "Dispute 12 must be answered soon; without an answer it is lost.",
    "dispute_answer_delayed:12": "The answer to dispute 12 is sent until the processor hears it.",
    "dispute_answer_refused:12": "The processor did not take the answer to dispute 12.",
    "capture_stuck": "A capture is stuck: the processor did not take it.",
    "reversal_delayed": "A reversal is delayed: it is sent until the processor answers.",
}


def test_a_code_says_its_sentence() -> None:
    assert {code: sentence_of(code) for code in _SAID} == _SAID
