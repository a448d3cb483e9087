"""What an order's log says of why: the sentence of each code."""

from tests.rings import each

from recoup.networks import whys
from recoup.networks.whys import BANK_WAITS, BLOCKED, CARD_USED_UP, CODES, sentence_of
from recoup.orders.rules import attention

_SAID = {
    "on_hold": "It is on hold.",
    "kill_switch": "The operator has stopped all sending for this merchant.",
    "processor_outage": "The processor cannot be reached.",
    "no_route": "No card processor takes it at the moment.",
    "processor_not_reached": "The processor was not reachable.",
    "request_refused": "The processor refused the request as invalid, so it is not repeated.",
    "request_refused:amount_too_small": "The processor refused the request as invalid "
    "(amount_too_small), so it is not"
    " repeated.",
    "account_refused": "The processor refuses this account or its key. Payments wait until this is "
    "fixed.",
    "account_refused:010": "The processor refuses this account or its key (010). Payments wait "
    "until this is fixed.",
    "rate_limited": "The processor takes no more requests for the moment.",
    "invoice_differs": "Its invoice has changed at the processor, and is read anew before anything "
    "is charged.",
    "made_again": "A person sends the refused request again.",
    "never_arrived": "It never arrived, and it may not be sent again now.",
    "processor_answered": "The processor has answered.",
    "processor_answered_nothing_sent": "The processor has answered: nothing was sent.",
    "processor_decided": "The processor decided it.",
    "dispute_accepted": "We accepted it.",
    "deadline_passed": "The deadline passed without an answer.",
    "taken_by_dispute": "The cardholder took it back by a dispute.",
    "answer_lost": "What the customer gave was lost before it was sent.",
    "no_customer_answer": "The customer did not answer in time.",
    "not_confirmed": "The customer did not confirm.",
    "no_answer_in_time": "No answer could be given while the customer waited.",
    "processor_late": "The processor had not answered when the customer had to be told.",
    "wait_over": "The wait is over.",
    "released_by_person": "Released by a person.",
    "new_card": "There is another card.",
    "brought_forward": "Brought forward by a person.",
    "brought_forward_by_operator": "Brought forward by the operator.",
    "collection_over": "The time to collect it is over.",
    "card_instead_of_token": "The card’s network token is not valid; the card itself is tried "
    "instead.",
    "charge_not_sent": "The charge was not sent.",
    "channel_answered": "The channel has spoken.",
    "payment_failed": "The payment failed.",
    "held_by_person:check": "Put on hold by a person: something about it is being checked.",
    "held_by_operator:asked": "Put on hold by the operator: the customer asked to wait.",
    "sending_off": "The operator has switched all sending off; it goes on by itself afterwards.",
    "bank_never": "The bank allows no further attempt with this card. Only another card of the "
    "customer helps.",
    "bank_waits:2026-11-24T13:05:59.5+00:00": "The bank asked not to try this card before "
    "2026-11-24 13:05 UTC.",
    "card_set_to_none": "The card's allowance is set to none.",
    "card_used_up:2026-12-01T02:00:00+02:00": "The card's allowance is used up until 2026-12-01 "
    "00:00 UTC.",
    "blocked:fraud_dispute": "This card is blocked: its holder disputed a payment here as fraud.",
    "blocked:fraud_warning": "This card is blocked: its issuer reported a payment here as fraud.",
    "blocked:customer": "This customer is blocked by the merchant.",
    "blocked:card": "This card is blocked by the merchant.",
    "blocked:own_retry": "The processor's own billing charges this invoice within hours: nothing "
    "is sent close to"
    " that.",
    "blocked:own_repeat": "The processor repeats this payment by itself within hours: nothing is "
    "sent close to that.",
    "blocked:another": "This card is blocked.",
}


@each(("code", "sentence"), _SAID.items())
def test_a_code_is_said_as_its_sentence_and_an_older_sentence_as_it_was_kept(
    code: str, sentence: str
) -> None:
    assert sentence_of(code) == attention.sentence_of(code) == sentence
    assert attention.sentence_of(attention.held(code)) == sentence
    assert sentence_of(sentence) == attention.sentence_of(sentence) == sentence


def test_every_code_is_among_them_and_means_nothing_else() -> None:
    assert {code.partition(":")[0] for code in _SAID} == set(CODES)
    assert not set(CODES) & set(attention.REASONS), "the log has both"
    assert {BANK_WAITS, CARD_USED_UP, BLOCKED} < set(CODES)
    named = {
        value for name, value in vars(whys).items() if name.isupper() and isinstance(value, str)
    }
    assert named == set(CODES)
