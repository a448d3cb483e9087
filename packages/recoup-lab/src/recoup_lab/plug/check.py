"""What a world's answers must say, beyond their shape: each check raises Malformed and names the member.

A policy that is played against a world trusts none of it: an amount below zero, a card that is none or an answer to
another charge would make figures that mean nothing.
"""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from recoup.rules.network.card import scheme_of
from recoup.rules.network.magic import is_world_card
from recoup_lab.plug.wire import ID_CHARS_MAX, Malformed
from recoup_lab.world.port import (
    PROTOCOL,
    Hello,
    HistoryRow,
    Score,
    Signal,
    WorldAnswer,
    WorldCard,
    WorldCharge,
    WorldOrder,
)

AMOUNT_MAX: Final = 100_000_000_000
ORDERS_MAX: Final = 1_000_000
CURRENCIES_MAX: Final = 50
_CURRENCY: Final = re.compile("[A-Z]{3}")
_COUNTRY: Final = re.compile("[A-Z]{2}")
_CODE: Final = re.compile("[0-9A-Za-z]{1,8}")
_OFFSET_MINUTES_MAX: Final = 14 * 60
_NETWORK_ID_CHARS_MAX: Final = 128


def check_hello(hello: Hello) -> None:
    if hello.protocol != PROTOCOL:
        raise Malformed(f"protocol is {hello.protocol}, this is protocol {PROTOCOL}")
    _text(hello.world, "world")
    if hello.until <= hello.now:
        raise Malformed("until is not later than now")
    if not 1 <= len(hello.currencies) <= CURRENCIES_MAX:
        raise Malformed(f"currencies has {len(hello.currencies)} entries, not 1 to {CURRENCIES_MAX}")
    for place, currency in enumerate(hello.currencies):
        _matches(_CURRENCY, currency, f"currencies[{place}]")
    _within(hello.orders, 0, ORDERS_MAX, "orders")
    _within(hello.costs.send, 0, AMOUNT_MAX, "costs.send")
    _within(hello.costs.excess, 0, AMOUNT_MAX, "costs.excess")
    _share(hello.costs.harm, "costs.harm")


def check_history(hello: Hello, rows: Sequence[HistoryRow]) -> None:
    for place, row in enumerate(rows):
        at = f"rows[{place}]"
        _payment(hello, row, at)
        if row.at > hello.now:
            raise Malformed(f"{at}.at is later than the world's now")
        _within(row.attempt, 1, 10_000, f"{at}.attempt")
        if row.propensity is not None and not 0 < row.propensity <= 1:
            raise Malformed(f"{at}.propensity is {row.propensity}, not a chance above 0 and up to 1")


def check_orders(hello: Hello, orders: Sequence[WorldOrder], before: datetime) -> None:
    for place, order in enumerate(orders):
        at = f"orders[{place}]"
        _payment(hello, order, at)
        if order.declined_at >= before:
            raise Malformed(f"{at}.declinedAt is not before what was asked for")
        if order.expires_at <= order.declined_at:
            raise Malformed(f"{at}.expiresAt is not later than declinedAt")


def check_answers(charges: Sequence[WorldCharge], answers: Sequence[WorldAnswer]) -> None:
    if len(answers) != len(charges):
        raise Malformed(f"there are {len(answers)} answers to {len(charges)} charges")
    for place, (charge, answer) in enumerate(zip(charges, answers, strict=True)):
        at = f"answers[{place}]"
        if answer.id != charge.id:
            raise Malformed(f"{at}.id is {answer.id!r}, the charge's is {charge.id!r}")
        if (answer.state is None) == (answer.error is None):
            raise Malformed(f"{at} has to have state or error, and one of them only")
        if answer.state in ("approved", "declined"):
            _matches(_CODE, answer.scheme_code or "", f"{at}.schemeCode")
        if answer.advice_code is not None:
            _matches(_CODE, answer.advice_code, f"{at}.adviceCode")
        if len(answer.network_transaction_id or "") > _NETWORK_ID_CHARS_MAX:
            raise Malformed(f"{at}.networkTransactionId is longer than {_NETWORK_ID_CHARS_MAX} characters")


def check_signals(signals: Sequence[Signal], before: datetime) -> None:
    for place, signal in enumerate(signals):
        at = f"signals[{place}]"
        _text(signal.kind, f"{at}.kind")
        if signal.at >= before:
            raise Malformed(f"{at}.at is not before what was asked for")
        if not is_world_card(signal.card_number):
            raise Malformed(f"{at}.cardNumber is none of a world's card numbers")
        if signal.card is not None:
            _card(signal.card, f"{at}.card")


def check_score(score: Score) -> None:
    for name, count in (("orders", score.orders), ("attempts", score.attempts), ("breaches", score.breaches)):
        if count < 0:
            raise Malformed(f"score.{name} is {count}, below zero")
    _within(score.recovered, 0, score.orders, "score.recovered")
    _share(score.amount_share, "score.amountShare")
    if not math.isfinite(score.net_share) or score.days_median is not None and not 0 <= score.days_median < math.inf:
        raise Malformed("score.netShare or score.daysMedian is no figure")


def _payment(hello: Hello, one: HistoryRow | WorldOrder, at: str) -> None:
    _text(one.order_id, f"{at}.orderId")
    _text(one.customer_id, f"{at}.customerId")
    _within(one.amount, 1, AMOUNT_MAX, f"{at}.amount")
    if one.currency not in hello.currencies:
        raise Malformed(f"{at}.currency is {one.currency!r}, none of the world's currencies")
    _matches(_COUNTRY, one.country, f"{at}.country")
    _matches(_CODE, one.scheme_code, f"{at}.schemeCode")
    if one.advice_code is not None:
        _matches(_CODE, one.advice_code, f"{at}.adviceCode")
    if one.utc_offset_minutes is not None:
        _within(one.utc_offset_minutes, -_OFFSET_MINUTES_MAX, _OFFSET_MINUTES_MAX, f"{at}.utcOffsetMinutes")
    _card(one.card, f"{at}.card")


def _card(card: WorldCard, at: str) -> None:
    if not is_world_card(card.number):
        raise Malformed(f"{at}.number is none of a world's card numbers")
    if scheme_of(card.number) != card.scheme:
        raise Malformed(f"{at}.scheme is {card.scheme!r}, the number is of {scheme_of(card.number)}")
    _within(card.exp_month, 1, 12, f"{at}.expMonth")
    _within(card.exp_year, 2000, 2200, f"{at}.expYear")


def _text(text: str, at: str) -> None:
    if not 1 <= len(text) <= ID_CHARS_MAX or not text.isprintable():
        raise Malformed(f"{at} has to have 1 to {ID_CHARS_MAX} printable characters")


def _matches(form: re.Pattern[str], text: str, at: str) -> None:
    if not form.fullmatch(text):
        raise Malformed(f"{at} is {text[:ID_CHARS_MAX]!r}, not of the form {form.pattern}")


def _within(number: int, least: int, most: int, at: str) -> None:
    if not least <= number <= most:
        raise Malformed(f"{at} is {number}, not between {least} and {most}")


def _share(number: float, at: str) -> None:
    if not 0 <= number <= 1:
        raise Malformed(f"{at} is {number}, not between 0 and 1")
