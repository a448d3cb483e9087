"""A world that is another program: it is started, asked line by line, and trusted in nothing that
the protocol does not allow. The protocol: docs/contributing/world-protocol.md."""

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from recoup.networks.card import scheme_of
from recoup.networks.card_text import masked_numbers
from recoup.networks.magic import is_world_card
from recoup_lab.plug.pipe import Pipe, PipeBroke
from recoup_lab.plug.wire import (
    ID_CHARS_MAX,
    Answers,
    Ended,
    HistoryPage,
    Malformed,
    OrdersPage,
    Signals,
    check_times,
    read_as,
    read_object,
)
from recoup_lab.world.port import (
    PROTOCOL,
    Hello,
    HistoryRow,
    Score,
    Signal,
    WorldAnswer,
    WorldBroke,
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
    """Checks what a world's answers must say, beyond their shape: each check raises Malformed and
    names the member.

    A policy that is played against a world trusts none of it: an amount below zero, a card that is
    none or an answer to another charge would make figures that mean nothing.
    """
    if hello.protocol != PROTOCOL:
        raise Malformed(f"protocol is {hello.protocol}, this is protocol {PROTOCOL}")
    _text(hello.world, "world")
    if hello.until <= hello.now:
        raise Malformed("until is not later than now")
    if not 1 <= len(hello.currencies) <= CURRENCIES_MAX:
        raise Malformed(
            f"currencies has {len(hello.currencies)} entries, not 1 to {CURRENCIES_MAX}"
        )
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
            raise Malformed(
                f"{at}.propensity is {row.propensity}, not a chance above 0 and up to 1"
            )


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
            raise Malformed(
                f"{at}.networkTransactionId is longer than {_NETWORK_ID_CHARS_MAX} characters"
            )


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
    for name, count in (
        ("orders", score.orders),
        ("attempts", score.attempts),
        ("breaches", score.breaches),
    ):
        if count < 0:
            raise Malformed(f"score.{name} is {count}, below zero")
    _within(score.recovered, 0, score.orders, "score.recovered")
    _share(score.amount_share, "score.amountShare")
    if (
        not math.isfinite(score.net_share)
        or score.days_median is not None
        and not 0 <= score.days_median < math.inf
    ):
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
        _within(
            one.utc_offset_minutes,
            -_OFFSET_MINUTES_MAX,
            _OFFSET_MINUTES_MAX,
            f"{at}.utcOffsetMinutes",
        )
    _card(one.card, f"{at}.card")


def _card(card: WorldCard, at: str) -> None:
    if not is_world_card(card.number):
        raise Malformed(f"{at}.number is none of a world's card numbers")
    if scheme_of(card.number) != card.scheme:
        raise Malformed(
            f"{at}.scheme is {card.scheme!r}, the number is of {scheme_of(card.number)}"
        )
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


ANSWER_SECONDS: Final = 30.0
HISTORY_ROWS_MAX: Final = 5_000_000
SHOWN_REQUEST, SHOWN_LINE = 200, 400
T = TypeVar("T")


class Program:
    """Implements `World`. A context manager: the program ends with it.

    After WorldBroke no question is sent: each further call raises it again.
    """

    def __init__(self, command: str, *, seconds: float = ANSWER_SECONDS) -> None:
        """`command`: split as a shell would, run without one. `seconds`: for each answer. Raises:
        WorldBroke."""
        try:
            self._pipe = Pipe(shlex.split(command) or [""], seconds)
        except (OSError, ValueError) as error:
            raise WorldBroke(
                f"The world's program cannot be started: {command[:SHOWN_LINE]!r}: {error}."
            ) from None
        self._broke: WorldBroke | None = None
        self._hello: Hello | None = None
        self._history_rows = 0
        self._order_ids: set[str] = set()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._pipe.close()

    def hello(self) -> Hello:
        """The program's first answer, read once."""
        if self._hello is None:
            question = _Question(self, {"op": "hello", "protocol": PROTOCOL})
            with question:
                self._hello = question.answer(Hello)
                check_times([question.found], ["now", "until"], "")
                check_hello(self._hello)
        return self._hello

    def history(self, after: str | None, limit: int) -> tuple[Sequence[HistoryRow], str | None]:
        hello, question = (
            self.hello(),
            _Question(self, {"op": "history", "after": after, "limit": limit}),
        )
        with question:
            page = question.answer(HistoryPage)
            check_times(question.found["rows"], ["at"], "rows")
            _at_most(limit, page.rows, "rows")
            check_history(hello, page.rows)
            if page.next is not None and (not page.rows or page.next == after):
                raise Malformed(
                    "next leads nowhere: there were no rows, or it is the mark that was passed"
                )
            self._history_rows += len(page.rows)
            if self._history_rows > HISTORY_ROWS_MAX:
                raise Malformed(f"the history has more than {HISTORY_ROWS_MAX} rows")
        return page.rows, page.next

    def orders(self, before: datetime, limit: int) -> tuple[Sequence[WorldOrder], bool]:
        hello, question = (
            self.hello(),
            _Question(self, {"op": "orders", "before": _instant(before), "limit": limit}),
        )
        with question:
            page = question.answer(OrdersPage)
            check_times(question.found["orders"], ["declinedAt", "expiresAt"], "orders")
            _at_most(limit, page.orders, "orders")
            check_orders(hello, page.orders, before)
            if page.more and not page.orders:
                raise Malformed("more is true, and there were no orders")
            for place, order in enumerate(page.orders):
                if order.order_id in self._order_ids:
                    raise Malformed(f"orders[{place}].orderId came before")
                self._order_ids.add(order.order_id)
            if len(self._order_ids) > hello.orders:
                raise Malformed(f"there are more orders than the {hello.orders} of its hello")
        return sorted(page.orders, key=attrgetter("declined_at")), page.more

    def charge(self, arm: str, charges: Sequence[WorldCharge]) -> Sequence[WorldAnswer]:
        sent = [
            {
                "initiator": one.initiator,
                **msgspec.to_builtins(one),
                "sentAt": _instant(one.sent_at),
            }
            for one in charges
        ]
        question = _Question(self, {"op": "charge", "arm": arm, "charges": sent})
        with question:
            answers: Sequence[WorldAnswer] = question.answer(Answers).answers
            check_answers(charges, answers)
        return answers

    def signals(self, arm: str, before: datetime) -> Sequence[Signal]:
        question = _Question(self, {"op": "signals", "arm": arm, "before": _instant(before)})
        with question:
            signals: Sequence[Signal] = question.answer(Signals).signals
            check_times(question.found["signals"], ["at"], "signals")
            check_signals(signals, before)
        return signals

    def end(self, arm: str) -> Score:
        question = _Question(self, {"op": "end", "arm": arm})
        with question:
            score: Score = question.answer(Ended).score
            check_score(score)
        return score

    def exchange(self, request: bytes) -> bytes:
        """Raises: PipeBroke, or WorldBroke again."""
        if self._broke is not None:
            raise self._broke
        return self._pipe.ask(request)

    def break_off(self, error: WorldBroke) -> WorldBroke:
        self._broke = error
        return error


class _Question:
    """Request and what came of it: what is wrong with the answer, found inside the block, ends the
    world."""

    def __init__(self, program: Program, request: Mapping[str, Any]) -> None:
        self._program, self._request, self._line = program, msgspec.json.encode(request), b""
        self.found: dict[str, Any] = {}

    def __enter__(self) -> None: ...

    def answer(self, shape: type[T]) -> T:
        """Raises: Malformed, PipeBroke."""
        self._line = self._program.exchange(self._request)
        self.found = read_object(self._line)
        if isinstance(self.found.get("error"), str):
            raise Malformed("it does not understand the request")
        answer: T = read_as(self.found, shape)
        return answer

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PipeBroke):
            self._line = error.written
        if isinstance(error, PipeBroke | Malformed):
            line = (
                f"The line: {_cut(self._line, SHOWN_LINE)}" if self._line else "It wrote nothing."
            )
            message = (
                f"The world broke off at {_cut(self._request, SHOWN_REQUEST)}: {error}. {line}"
            )
            raise self._program.break_off(WorldBroke(message)) from None


def _cut(line: bytes, most: int) -> str:
    """Cuts a line to what a person may read: no card's number, no control characters."""
    text = masked_numbers(line[: 4 * most].decode("utf-8", "replace"))
    plain = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return plain if len(plain) <= most else plain[:most] + "…"


def _at_most(limit: int, rows: Sequence[Any], name: str) -> None:
    if len(rows) > limit:
        raise Malformed(f"{name} has {len(rows)} entries, {limit} were asked for")


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
