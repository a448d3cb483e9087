"""A world that is another program: it is started, asked line by line, and trusted in nothing that the protocol does not
allow. The protocol: docs/contributing/world-protocol.md."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from recoup.rules.network.card_text import masked_numbers
from recoup_lab.plug.check import (
    check_answers,
    check_hello,
    check_history,
    check_orders,
    check_score,
    check_signals,
)
from recoup_lab.plug.pipe import Pipe, PipeBroke
from recoup_lab.plug.wire import (
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
    WorldCharge,
    WorldOrder,
)

ANSWER_SECONDS: Final = 30.0
HISTORY_ROWS_MAX: Final = 5_000_000
SHOWN_REQUEST, SHOWN_LINE = 200, 400
T = TypeVar("T")


class Program:
    """Implements `World`. A context manager: the program ends with it.

    After WorldBroke no question is sent: each further call raises it again.
    """

    def __init__(self, command: str, *, seconds: float = ANSWER_SECONDS) -> None:
        """`command`: split as a shell would, run without one. `seconds`: for each answer. Raises: WorldBroke."""
        try:
            self._pipe = Pipe(shlex.split(command) or [""], seconds)
        except (OSError, ValueError) as error:
            raise WorldBroke(f"The world's program cannot be started: {command[:SHOWN_LINE]!r}: {error}.") from None
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
        hello, question = self.hello(), _Question(self, {"op": "history", "after": after, "limit": limit})
        with question:
            page = question.answer(HistoryPage)
            check_times(question.found["rows"], ["at"], "rows")
            _at_most(limit, page.rows, "rows")
            check_history(hello, page.rows)
            if page.next is not None and (not page.rows or page.next == after):
                raise Malformed("next leads nowhere: there were no rows, or it is the mark that was passed")
            self._history_rows += len(page.rows)
            if self._history_rows > HISTORY_ROWS_MAX:
                raise Malformed(f"the history has more than {HISTORY_ROWS_MAX} rows")
        return page.rows, page.next

    def orders(self, before: datetime, limit: int) -> tuple[Sequence[WorldOrder], bool]:
        hello, question = self.hello(), _Question(self, {"op": "orders", "before": _text(before), "limit": limit})
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
            {"initiator": one.initiator, **msgspec.to_builtins(one), "sentAt": _text(one.sent_at)} for one in charges
        ]
        question = _Question(self, {"op": "charge", "arm": arm, "charges": sent})
        with question:
            answers: Sequence[WorldAnswer] = question.answer(Answers).answers
            check_answers(charges, answers)
        return answers

    def signals(self, arm: str, before: datetime) -> Sequence[Signal]:
        question = _Question(self, {"op": "signals", "arm": arm, "before": _text(before)})
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
    """One request and what came of it: what is wrong with the answer, found inside the block, ends the world."""

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
            line = f"The line: {_cut(self._line, SHOWN_LINE)}" if self._line else "It wrote nothing."
            message = f"The world broke off at {_cut(self._request, SHOWN_REQUEST)}: {error}. {line}"
            raise self._program.break_off(WorldBroke(message)) from None


def _cut(line: bytes, most: int) -> str:
    """As a person may read it: no card's number, no control characters."""
    text = masked_numbers(line[: 4 * most].decode("utf-8", "replace"))
    plain = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return plain if len(plain) <= most else plain[:most] + "…"


def _at_most(limit: int, rows: Sequence[Any], name: str) -> None:
    if len(rows) > limit:
        raise Malformed(f"{name} has {len(rows)} entries, {limit} were asked for")


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
