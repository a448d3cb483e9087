"""What needed attention before 0116 was a sentence, and why an order is held before 0127: each becomes its code, not a
word lost. The sentences stand here as they were written then; what is said today may differ one day."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import asyncpg
import pytest
from tests.rings import each
from tests.store.test_schema import fresh

from recoup.rules.order.attention import (
    ANSWER_DIFFERS,
    CHARGE_CLAIMED,
    CODES,
    FRAUD_WARNED,
    HELD,
    HOLD_EXPIRED,
    INVOICE_CLOSED,
    NOT_REPEATED,
    REFUND_FAILED,
    REQUEST_REFUSED,
    code_of,
    sentence_of,
)
from recoup.rules.order.whys import CODES as WHYS
from recoup.store.migrate import migrations_of
from recoup.store.server import ServerAddress

SINCE = {
    CHARGE_CLAIMED,
    ANSWER_DIFFERS,
    NOT_REPEATED,
    FRAUD_WARNED,
    INVOICE_CLOSED,
    REFUND_FAILED,
    HOLD_EXPIRED,
    REQUEST_REFUSED,
}
_TABLE = "CREATE TABLE order_heads (merchant_id uuid, order_id uuid PRIMARY KEY, attention text)"
_STUCK = "A {} is stuck: the processor did not take it."
_DELAYED = "A {} is delayed: it is sent until the processor answers."
_KINDS = ("refund", "capture", "void", "reversal")
_AT_0116: Mapping[str, str] = {
    "The processor has not said for a day whether this payment went through.": "outcome_unknown",
    "The processor has not said for a day whether the customer was charged. It is asked until it does.":
        "charge_unknown",
    "Paid twice: the merchant's own payment succeeded too. Refund one of them.": "paid_twice",
    "The same customer paid the same amount with this card under another order id.": "paid_too",
    "Paid after its end: the money is there, the order is not open any more.": "paid_late",
    "The merchant is retrying this payment too; each retry uses up the card's allowance.": "merchant_retries",
    "Already refunded: the cardholder disputes what went back. Answer with the refund's reference.":
        "refunded_before_dispute",
    "A refund was not sent: the cardholder took the money back by a dispute first.": "refund_not_sent",
    "A settlement is stuck: the channel did not take it. The money is still the merchant's.": "settlement_stuck",
    "A settlement is delayed: the channel does not take it. It is sent until it does.": "settlement_delayed",
    "Dispute 12 must be answered soon; without an answer it is lost.": "dispute_late:12",
    "The answer to dispute 12 is sent until the processor hears it.": "dispute_answer_delayed:12",
    "The processor did not take the answer to dispute 12.": "dispute_answer_refused:12",
    **{_STUCK.format(kind): f"{kind}_stuck" for kind in _KINDS},
    **{_DELAYED.format(kind): f"{kind}_delayed" for kind in _KINDS},
}  # fmt: skip
_HELD_AT_0116: Mapping[str, str] = {
    "held": "held:It is on hold.",
    "Put on hold by a person: fraud check: 4.5 % of 2": "held:Put on hold by a person: fraud check: 4.5 % of 2",
    "The card's allowance is used up.\nUntil Friday.": "held:The card's allowance is used up.\nUntil Friday.",
}
_AT_0127: Mapping[str, str] = {
    "held:It is on hold.": "held:on_hold",
    "held:The operator has stopped all sending for this merchant.": "held:kill_switch",
    "held:The processor cannot be reached.": "held:processor_outage",
    "held:The card's allowance is set to none.": "held:card_set_to_none",
    "held:The bank allows no further try with this card. Only another card of the customer helps.": "held:bank_never",
    "held:The bank asked not to try this card before 2026-11-24 13:05 UTC.":
        "held:bank_waits:2026-11-24T13:05:00+00:00",
    "held:The card's allowance is used up until 2026-12-01 00:00 UTC.":
        "held:card_used_up:2026-12-01T00:00:00+00:00",
    "held:This card is blocked: its holder disputed a payment here as fraud.": "held:blocked:fraud_dispute",
    "held:This customer is blocked by the merchant.": "held:blocked:customer",
    "held:This card is blocked by the merchant.": "held:blocked:card",
    "held:This card is blocked.": "held:blocked:",
    "held:Put on hold by a person: something about it is being checked.": "held:held_by_person:check",
    "held:Put on hold by a person: the customer asked to wait.": "held:held_by_person:asked",
    "held:Put on hold by a person: fraud is suspected.": "held:held_by_person:fraud",
    "held:Put on hold by the operator: something about it is being checked.": "held:held_by_operator:check",
    "held:Put on hold by the operator: the customer asked to wait.": "held:held_by_operator:asked",
    "held:Put on hold by the operator: fraud is suspected.": "held:held_by_operator:fraud",
}  # fmt: skip
# Of nobody's list: as it was written, before and after.
_AS_IT_WAS: Mapping[str, str] = dict.fromkeys((
    "held:Put on hold by a person: fraud check: 4.5 % of 2", "held:The card's allowance is used up.\nUntil Friday.",
    "held:The card's allowance is used up until 2026-12-01 00:00 UTC. And more.", "paid_twice", "dispute_late:12",
))  # fmt: skip


def _migrated(server: ServerAddress, name: str, before: list[str | None]) -> list[str | None]:
    """Each text after that migration, which is run twice."""
    [migration] = [one for one in migrations_of("world") if one.name == name]
    found: list[str | None] = []

    async def story() -> None:
        nonlocal found
        async with fresh(server) as dsn:
            connection = await asyncpg.connect(dsn)
            try:
                await connection.execute(_TABLE)
                rows = [(UUID(int=1), UUID(int=number), text) for number, text in enumerate(before)]
                await connection.executemany("INSERT INTO order_heads VALUES ($1, $2, $3)", rows)
                for _ in range(2):
                    await connection.execute(migration.sql)
                    read = await connection.fetch("SELECT attention FROM order_heads ORDER BY order_id")
                    assert found in ([], [row["attention"] for row in read]), "a repetition changed it"
                    found = [row["attention"] for row in read]
            finally:
                await connection.close()

    asyncio.run(story())
    return found


def test_each_sentence_becomes_its_code(server: ServerAddress) -> None:
    pairs = _AT_0116 | _HELD_AT_0116
    assert _migrated(server, "0116_attention_codes.sql", [*pairs, None]) == [*pairs.values(), None]
    # The others are younger than the migration.
    assert {code_of(one) for one in pairs.values()} == set(CODES) - SINCE


def test_each_reason_of_a_hold_becomes_its_code_and_others_stay(server: ServerAddress) -> None:
    same = {text: text for text in _AS_IT_WAS}
    pairs = {**_AT_0127, **same}
    assert _migrated(server, "0127_why_it_is_held.sql", [*pairs, None]) == [*pairs.values(), None]


@each(("sentence", "code"), [*_AT_0116.items(), *_AT_0127.items()])
def test_the_code_says_the_sentence_that_it_was(sentence: str, code: str) -> None:
    assert sentence_of(code) == sentence.removeprefix("held:")
    if code_of(code) == HELD:
        assert code.split(":")[1] in WHYS


@pytest.mark.parametrize("text", _AS_IT_WAS)
def test_what_is_no_code_is_said_as_it_stands(text: str) -> None:
    if code_of(text) == HELD:
        assert sentence_of(text) == text.removeprefix("held:")
