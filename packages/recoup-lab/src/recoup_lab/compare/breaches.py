"""Sends beyond a network limit, counted after the fact from what was sent.

Nothing here comes from the gate or its tables: the limits are written down once more and each
card's sends are laid out in time, so that an error of the gate shows.

- Visa, Amex: 20 sends in 30 days of one card, amount and currency.
- Mastercard: 10 sends in 24 hours of one card; 35 in 30 days of one card, amount and currency.
- Visa: no send of a card after a decline of category 1.
- Mastercard: no send of a card within 30 days after advice 03 or 21.

Every send counts, approved, declined or unknown, and so does the declined payment that came in; a
send at exactly the window's length after another no longer meets it. A send that breaks several
limits is one beyond.

Apart from these: sends before the wait of Mastercard's advice 24 to 30 was over, which no network
counts as beyond.

Source: Visa Core Rules §7.3.6.3; Mastercard Transaction Processing Excellence, merchant advice
codes.
"""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from recoup_lab.compare.played import Sent

_MONTH: Final = timedelta(days=30)
_DAY: Final = timedelta(hours=24)
_FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)
_CATEGORY_1: Final = frozenset(
    {"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"}
)
_STOP_ADVICE: Final = frozenset({"03", "21"})
_WAIT_HOURS: Final = {"24": 1, "25": 24, "26": 48, "27": 96, "28": 144, "29": 192, "30": 240}


class _Window(NamedTuple):
    span: timedelta
    most: int
    by_amount: bool


_WINDOWS: Final = {
    "visa": (_Window(_MONTH, 20, True),),
    "amex": (_Window(_MONTH, 20, True),),
    "mastercard": (_Window(_DAY, 10, False), _Window(_MONTH, 35, True)),
}


def excess_by_order(sends: Iterable[Sent], orders: int) -> list[int]:
    """Counts each order's own sends beyond a limit. `sends`: in the order in which they left."""
    excess = [0] * orders
    cards: dict[str, list[Sent]] = {}
    for send in sends:
        cards.setdefault(send.card, []).append(send)
    for of_card in cards.values():
        # Of two at the same moment the payment that came in was first.
        of_card.sort(key=lambda one: (one.at, one.ours))
        for one in _beyond(of_card):
            excess[one.order] += 1
    return excess


def early_sends(sends: Iterable[Sent]) -> int:
    """Counts our sends that left before an advised wait for that card and amount was over."""
    waits: dict[tuple[str, int, str], tuple[datetime, datetime]] = {}
    early = 0
    for send in sorted(sends, key=lambda send: (send.at, send.ours)):
        key = (send.card, send.amount, send.currency)
        told_at, over = waits.get(key, (_FOR_EVER, _FOR_EVER))
        early += send.ours and told_at < send.at < over
        if send.scheme == "mastercard" and send.state == "declined" and send.advice in _WAIT_HOURS:
            wait = send.at + timedelta(hours=_WAIT_HOURS[send.advice])
            if key not in waits or wait > over:
                waits[key] = send.at, wait
    return early


def _beyond(of_card: list[Sent]) -> Iterable[Sent]:
    windows = _WINDOWS[of_card[0].scheme]
    seen: dict[tuple[int, object], deque[datetime]] = {}
    banned_until: datetime | None = None
    for one in of_card:
        full = [_is_full(seen, number, window, one) for number, window in enumerate(windows)]
        if one.ours and (any(full) or banned_until is not None and one.at < banned_until):
            yield one
        ban = _ban(one)
        if ban is not None:
            banned_until = max(ban, banned_until or ban)


def _is_full(
    seen: dict[tuple[int, object], deque[datetime]], number: int, window: _Window, one: Sent
) -> bool:
    """True when the window held its most before this send, which from now on is in it."""
    inside = seen.setdefault(
        (number, (one.amount, one.currency) if window.by_amount else None), deque()
    )
    while inside and inside[0] <= one.at - window.span:
        inside.popleft()
    inside.append(one.at)
    return len(inside) > window.most


def _ban(one: Sent) -> datetime | None:
    """The time until which the answer forbids further sends."""
    if one.state != "declined":
        return None
    if one.scheme == "visa":
        return _FOR_EVER if one.code in _CATEGORY_1 else None
    return one.at + _MONTH if one.scheme == "mastercard" and one.advice in _STOP_ADVICE else None
