"""Count of a merchant's sends of one month under each dated limit: counted after the fact, as a
network sees it.

The gate decides before a send and looks ahead; this looks back, for itself. A send is counted with
every one that the window behind it still holds, so that windows reach into the month before.
Everything is counted, the first send and approvals too, as the gate does. A send beyond a limit is
named with its cause: `gate`, which no send may have; what nobody knew when it left; or that the
merchant sent it itself and reports it.
"""

from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from recoup.kernel.frozen import frozen
from recoup.networks.limits import (
    OF_THE_NUMBER,
    STOP_ADVICE,
    STOP_CODES,
    Send,
    reaches,
    rules_at,
    span_of,
    triggers,
)
from recoup.networks.tables import LimitRow

Cause = Literal["gate", "known_later", "repeated", "joined", "advance", "merchant"]
EXCESS_MAX: Final = 100  # are named; all are counted
# Its moment is taken before the locks are waited for: an answer and a report that are younger may
# have come behind.
_RACE: Final = timedelta(seconds=5)
_NONE: Final = timedelta(0)


@frozen
class LoggedSend:
    """A send as it stands in the hub. `card_id`: of its print; of several that are joined, each has
    its own. `known_at`, `answered_at`: wall time since when it, and its answer, could be counted;
    None where nobody kept it. `joined_at`: since when its print is known as one with others, if it
    is joined to one. `is_replaced`: the network has replaced the card's number since."""

    send_id: str
    card_id: str
    order_id: str
    scheme: str
    send: Send
    is_sent: bool = True  # False: it is proved that it did not leave
    known_at: datetime | None = None
    answered_at: datetime | None = None
    joined_at: datetime | None = None
    is_replaced: bool = False
    imported: bool = False  # claimed by a file of past attempts
    region: str | None = None  # whose rules held; None: nobody kept it, and the merchant's counts


@frozen
class Closest:
    """Closest approach of a window to its limit: right after the send `send_id` it held `count` of
    `maximum`."""

    count: int
    maximum: int
    at: datetime
    card_id: str
    send_id: str

    def is_closer(self, other: "Closest | None") -> bool:
        """Compares by share; of equal ones the earlier is closer."""
        if other is None:
            return True
        ours, theirs = self.count * other.maximum, other.count * self.maximum
        return ours > theirs or (
            ours == theirs and (self.at, self.send_id) < (other.at, other.send_id)
        )


@frozen
class Excess:
    """A send that left where a rule left no room. `without_reported`: there was some, but for what
    the merchant itself reports. `at_once`: the orders of those counted that left at the same
    instant; which was first, nobody keeps. `stops`: where nothing but a customer's stop forbids it,
    the sends that were answered so."""

    rule_id: str
    scheme: str
    send_id: str
    order_id: str
    at: datetime
    card_id: str
    count: int
    maximum: int
    cause: Cause
    without_reported: bool = False
    at_once: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()


@dataclass(slots=True)
class RuleCount:
    """`sends` and `reported` of the month; `carried`: of the month before, still held by a window
    of one of the month's sends. `closest` counts what the merchant reported too, `closest_sent`
    only what was sent here. `bans`: answers of the month that forbid more sends."""

    row: LimitRow
    sends: int = 0
    reported: int = 0
    carried: int = 0
    bans: int = 0
    closest: Closest | None = None
    closest_sent: Closest | None = None
    excess: Counter[Cause] = field(default_factory=Counter)


@dataclass(slots=True)
class SchemeCount:
    """Count of one scheme's sends in the month; `sends` as the network counts them, with what
    processors repeated by themselves. `not_sent`: reserved, and then proved not to have left."""

    sends: int = 0
    approved: int = 0
    declined: int = 0
    unanswered: int = 0
    repeated: int = 0
    not_sent: int = 0
    reported: int = 0
    reported_again: int = (
        0  # of those: what the merchant sent beside a rescue, not the decline that it began with
    )
    copied: int = 0  # of those reported: what a file of past attempts held
    cards: int = 0
    category_3: int = 0


@dataclass(slots=True)
class AcceptorCount:
    rules: dict[tuple[str, str], RuleCount] = field(default_factory=dict)
    schemes: dict[str, SchemeCount] = field(default_factory=dict)
    excess: list[Excess] = field(default_factory=list)
    region: str = ""  # of its last send

    def excuse(self, advanced: Container[str]) -> None:
        """Excuses sends while an advance is collected: what the merchant reports forbids nothing,
        as it has its money. `advanced`: the orders with one. What left at the same instant may have
        been first."""
        for at, beyond in enumerate(self.excess):
            own = beyond.without_reported and beyond.order_id in advanced
            beside = sum(order_id in advanced for order_id in beyond.at_once)
            if beyond.cause == "gate" and (own or 0 < beyond.count - beyond.maximum <= beside):
                self.excess[at] = replace(beyond, cause="advance")
                excess = self.rules[beyond.scheme, beyond.rule_id].excess
                excess["gate"] -= 1
                excess["advance"] += 1

    def lift(self, lifted: Container[tuple[str, str]]) -> None:
        """A customer's stop is about its agreement, until they agree anew. `lifted`: (send,
        answered send) of those that were not about the send."""
        kept = []
        for excess in self.excess:
            if excess.stops and all((excess.send_id, stop) in lifted for stop in excess.stops):
                self.rules[excess.scheme, excess.rule_id].excess[excess.cause] -= 1
            else:
                kept.append(excess)
        self.excess = kept


class MonthCount:
    """Count of one merchant's month, card by card, for each acceptor that it sent by."""

    def __init__(self, merchant_id: str, begin: datetime, end: datetime, region: str) -> None:
        self._merchant_id, self._begin, self._end, self._region = merchant_id, begin, end, region
        self.acceptors: dict[str, AcceptorCount] = {}

    def add_card(self, sends: Sequence[LoggedSend]) -> None:
        """All of one card's sends, of all that are joined to it, by whomever; of claims only the
        merchant's count. Those before the month as far as a window or a lasting answer reaches."""
        mine = [send for send in sends if self._is_mine(send)]
        self._add_schemes([logged for logged in mine if self._in_month(logged)])
        rows = sorted(
            (
                send
                for send in sends
                if send.is_sent and (self._is_mine(send) or not send.send.claimed)
            ),
            key=lambda send: (send.send.at, send.send_id),
        )
        carried: set[tuple[str, str, str, str]] = set()
        for index, logged in enumerate(rows):
            if not self._is_mine(logged) or not self._in_month(logged):
                continue
            region = logged.region or self._region
            self._acceptor(logged).region = region
            for row in rules_at(logged.scheme, logged.send.at, region):
                count = self._rule(logged, row)
                if logged.send.claimed:
                    count.reported += 1
                else:
                    count.sends += logged.send.network_attempts
                if row.maximum_sends > 0:
                    self._add_window(rows[: index + 1], logged, row, count, carried)
                else:
                    self._add_ban(rows[:index], logged, row, count)

    def _is_mine(self, logged: LoggedSend) -> bool:
        return logged.send.merchant_id == self._merchant_id

    def _in_month(self, logged: LoggedSend) -> bool:
        return self._begin <= logged.send.at < self._end

    def _acceptor(self, logged: LoggedSend) -> AcceptorCount:
        return self.acceptors.setdefault(logged.send.acceptor_id, AcceptorCount())

    def _rule(self, logged: LoggedSend, row: LimitRow) -> RuleCount:
        """A rule that changes within the month is counted in one place, under its last row; each
        send is held against the row of its own day."""
        count = self._acceptor(logged).rules.setdefault(
            (logged.scheme, row.rule_id), RuleCount(row)
        )
        count.row = max(count.row, row, key=lambda each: each.valid_from)
        return count

    def _add_schemes(self, mine: Sequence[LoggedSend]) -> None:
        with_card = set()
        for logged in mine:
            count = self._acceptor(logged).schemes.setdefault(logged.scheme, SchemeCount())
            if (logged.send.acceptor_id, logged.scheme) not in with_card and logged.is_sent:
                with_card.add((logged.send.acceptor_id, logged.scheme))
                count.cards += 1
            _add_send(count, logged)

    def _add_window(
        self,
        rows: Sequence[LoggedSend],
        logged: LoggedSend,
        row: LimitRow,
        count: RuleCount,
        carried: set[tuple[str, str, str, str]],
    ) -> None:
        """`rows`: up to `logged`, in their order."""
        held = _held(rows, logged, row)
        own = [other for other in held if self._is_mine(other)]
        for other in own:
            key = (logged.send.acceptor_id, logged.scheme, row.rule_id, other.send_id)
            if other.send.at < self._begin and key not in carried:
                carried.add(key)
                count.carried += other.send.network_attempts
        count.closest = _closer(count.closest, own, logged, row)
        if logged.send.claimed:
            if _weight(own) > row.maximum_sends:
                self._add_excess(
                    logged, row, count, "merchant", _weight(own), without_reported=True
                )
            return
        count.closest_sent = _closer(
            count.closest_sent, [o for o in own if not o.send.claimed], logged, row
        )
        of_all = [other for other in held if not other.send.claimed]
        for counted in (own, of_all):
            if _weight(counted) > row.maximum_sends:
                self._add_excess(
                    logged,
                    row,
                    count,
                    _cause_of_window(counted, logged, row),
                    _weight(own) if counted is own else row.maximum_sends + 1,
                    without_reported=_weight(of_all) <= row.maximum_sends,
                    at_once=tuple(
                        other.order_id for other in of_all if _left_at_once(other, logged)
                    ),
                )
                return

    def _add_ban(
        self, before: Sequence[LoggedSend], logged: LoggedSend, row: LimitRow, count: RuleCount
    ) -> None:
        count.bans += triggers(row, logged.send)
        answers = [other for other in before if self._forbids(other, logged, row)]
        if answers:
            self._add_excess(
                logged,
                row,
                count,
                "merchant" if logged.send.claimed else _cause_of_ban(answers, logged),
                1,
                without_reported=all(other.send.claimed for other in answers),
                stops=self._stops(answers, logged, row),
            )

    def _forbids(self, answer: LoggedSend, logged: LoggedSend, row: LimitRow) -> bool:
        """True when an answer forbids a send. What an issuer said of a number that was replaced
        since forbids no send of the new one."""
        span = span_of(row)
        if not triggers(row, answer.send) or not reaches(row, answer.send, logged.send):
            return False
        if self._may_be_lifted(answer) and logged.send.initiator == "customer":
            if answer.send.code in STOP_CODES:
                return False
            span = timedelta(hours=row.window_hours or 0)
        if span is not None and answer.send.at + span <= logged.send.at:
            return False
        is_of_old_number = (
            answer.is_replaced
            and answer.card_id != logged.card_id
            and answer.send.code in OF_THE_NUMBER
        )
        return not is_of_old_number or answer.send.advice is not None

    def _stops(
        self, answers: Sequence[LoggedSend], logged: LoggedSend, row: LimitRow
    ) -> tuple[str, ...]:
        """Stops that may have been lifted. As long as the network bills an advice it binds,
        whatever the customer says since."""
        billed = timedelta(hours=row.window_hours or 0)
        over = all(
            other.send.code in STOP_CODES or other.send.at + billed <= logged.send.at
            for other in answers
        )
        return (
            tuple(other.send_id for other in answers)
            if over and all(map(self._may_be_lifted, answers))
            else ()
        )

    def _may_be_lifted(self, answer: LoggedSend) -> bool:
        """True when the customer has stopped it at the bank: that binds its merchant, and not what
        the customer starts."""
        return self._is_mine(answer) and (
            answer.send.code in STOP_CODES or answer.send.advice == STOP_ADVICE
        )

    def _add_excess(
        self,
        logged: LoggedSend,
        row: LimitRow,
        count: RuleCount,
        cause: Cause,
        number: int,
        **more: Any,
    ) -> None:
        count.excess[cause] += 1
        self._acceptor(logged).excess.append(
            Excess(
                row.rule_id,
                logged.scheme,
                logged.send_id,
                logged.order_id,
                logged.send.at,
                logged.card_id,
                number,
                row.maximum_sends,
                cause,
                **more,
            )
        )


def _add_send(count: SchemeCount, logged: LoggedSend) -> None:
    send = logged.send
    if not logged.is_sent:
        count.not_sent += not send.claimed
        return
    # the network's own number
    count.category_3 += send.declined is True and send.visa_category == 3
    if send.claimed:
        count.reported += 1
        count.copied += logged.imported
        count.reported_again += logged.send_id != logged.order_id and not logged.imported
        return
    count.sends += send.network_attempts
    count.repeated += send.network_attempts - 1
    count.approved += send.declined is False
    count.declined += send.declined is True
    count.unanswered += send.declined is None


def _meets(other: Send, send: Send, row: LimitRow) -> bool:
    return (
        (not row.initiator_split or other.initiator == send.initiator)
        and ("acceptor" not in row.key or other.acceptor_id == send.acceptor_id)
        and (
            "amount" not in row.key or (other.units, other.currency) == (send.units, send.currency)
        )
    )


def _held(rows: Sequence[LoggedSend], logged: LoggedSend, row: LimitRow) -> list[LoggedSend]:
    """Sends that the window ending with `logged` holds, itself too."""
    span, held = span_of(row), []
    for other in reversed(rows):
        if span is not None and other.send.at <= logged.send.at - span:
            break
        if _meets(other.send, logged.send, row):
            held.append(other)
    return held


def _weight(sends: Sequence[LoggedSend]) -> int:
    return sum(send.send.network_attempts for send in sends)


def _closer(
    best: Closest | None, held: Sequence[LoggedSend], logged: LoggedSend, row: LimitRow
) -> Closest | None:
    closest = Closest(
        _weight(held), row.maximum_sends, logged.send.at, logged.card_id, logged.send_id
    )
    return closest if closest.is_closer(best) else best


def _cause_of_window(counted: Sequence[LoggedSend], logged: LoggedSend, row: LimitRow) -> Cause:
    """The cause that made it one too many: each step leaves out more of what was not known when the
    send left."""
    weights = [(other, _known_attempts(other, logged)) for other in counted]

    def has_room(test: Callable[[LoggedSend], bool]) -> bool:
        return sum(weight for other, weight in weights if test(other)) <= row.maximum_sends

    if has_room(lambda _: True):
        return "repeated"
    if has_room(lambda other: _was_sent(other, logged)):
        return "known_later"
    if has_room(lambda other: _was_sent(other, logged) and _were_joined(other, logged)):
        return "joined"
    return "gate"


def _cause_of_ban(answers: Sequence[LoggedSend], logged: LoggedSend) -> Cause:
    known = [other for other in answers if _was_known(other.answered_at, other, logged, _RACE)]
    if not known:
        return "known_later"
    return "gate" if any(_were_joined(other, logged) for other in known) else "joined"


def _was_sent(other: LoggedSend, logged: LoggedSend) -> bool:
    """True when the other was sent before. What we send is reserved under the card's lock, before
    the next may ask."""
    return _was_known(other.known_at, other, logged, _RACE if other.send.claimed else _NONE)


def _was_known(
    since: datetime | None, other: LoggedSend, logged: LoggedSend, race: timedelta = _NONE
) -> bool:
    """True when it was known as `logged` left. Where nobody kept the time, it is taken as known."""
    return (
        other is logged
        or since is None
        or logged.known_at is None
        or since + race <= logged.known_at
    )


def _were_joined(other: LoggedSend, logged: LoggedSend) -> bool:
    """True when their prints were known as one card when `logged` left."""
    if other.card_id == logged.card_id:
        return True
    since = [at for at in (other.joined_at, logged.joined_at) if at is not None]
    return bool(since) and logged.known_at is not None and max(since) <= logged.known_at


def _left_at_once(other: LoggedSend, logged: LoggedSend) -> bool:
    return other is not logged and other.known_at is not None and other.known_at == logged.known_at


def _known_attempts(other: LoggedSend, logged: LoggedSend) -> int:
    if other is logged or not _was_known(other.answered_at, other, logged):
        return 1
    return other.send.network_attempts
