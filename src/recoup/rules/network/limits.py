"""The gate before every send: how often the networks let a card be tried, over all merchants and for ever.

Every send later than now − window counts: approved, declined, unknown and only reserved ones, those dated
after `now` (another sandbox merchant's clock may be ahead), and the declines that a merchant claims. What a
merchant claims binds that merchant alone, what we sent and heard binds all: nobody can use up or end a card
for others by saying so. Some networks do not count a first send and some count declines only; we count
everything, because whether an earlier send of this card and amount elsewhere was the first is not ours to see,
and an error in this direction costs a try, not a fee. So no window ever holds more than `maximum_sends` sends
that we made or the merchant claims.

Source: the dated network limits; design §4.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from recoup.rules.messages.local_time import noted
from recoup.rules.network.tables import LIMITS, LimitRow, valid_row

Initiator = Literal["merchant", "customer"]

LOOKBACK: Final = timedelta(days=30)  # the longest window; older sends matter only when `binds_for_ever`
FEW: Final = 5  # sends that are left of a card's allowance
_STOP_CODES: Final = frozenset({"R0", "R1", "R3"})
_SAME_DATA_FAILS: Final = frozenset({"hard", "data"})
_FOR_EVER: Final = frozenset({"mc-advice-03", "mc-advice-21"})  # billed for 30 days; we never send again


@dataclass(frozen=True, slots=True)
class Send:
    """One send of a card, ours or the merchant's own declined one.

    `at` is business time of the merchant that sent it. `claimed`: only the merchant says that it was sent and declined,
    as of the payment that came in. `declined` is None while the answer is not known.
    `visa_category`, `advice`, `code` and `klass` are of the reading of its decline, if it has one.
    """

    at: datetime
    units: int
    currency: str
    initiator: Initiator
    acceptor_id: str
    merchant_id: str
    state: Literal["reserved", "sent"] = "sent"
    declined: bool | None = None
    visa_category: int | None = None
    advice: str | None = None
    code: str | None = None
    klass: str | None = None
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """The send may be reserved now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """`until` is the first instant at which the rule would let it pass, None for never. `message` is for the
    merchant.
    """

    rule_id: str
    until: datetime | None
    message: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How one rule stood when it was asked: `counted` sends in its window (None: without end) against its `maximum`.
    A ban counts the answers that bring it. `free_at`: when it lets a send pass again, None for never; of a window that
    has room it says nothing."""

    rule_id: str
    ban: bool
    window_hours: float | None
    maximum: int
    counted: int
    free_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Wish:
    """The send that is asked for."""

    units: int
    currency: str
    initiator: Initiator
    acceptor_id: str
    merchant_id: str


def may_send(
    scheme: str,
    sends: Sequence[Send],
    now: datetime,
    *,
    units: int,
    currency: str,
    initiator: Initiator,
    acceptor_id: str,
    merchant_id: str,
    region: str = "world",
    visa_limit: int = 20,
) -> Allowed | Refused:
    """Whether one more send of this card may leave at `now`; of several refusals the one that lasts longest.

    `sends` are the card's sends later than `now − LOOKBACK`, and every older one that `binds_for_ever`.
    `visa_limit` lowers Visa's number of sends in 30 days; it cannot raise it. Never raises.
    """
    found = tallies(scheme, sends, now, units=units, currency=currency, initiator=initiator, acceptor_id=acceptor_id,
                    merchant_id=merchant_id, region=region, visa_limit=visa_limit)  # fmt: skip
    return judge(found, now)


def judge(found: Iterable[Tally], now: datetime) -> Allowed | Refused:
    """What the rules say together: of several refusals the one that lasts longest."""
    refusals = [refused for tally in found if (refused := _refusal(tally, now))]
    if not refusals:
        return Allowed()
    return max(refusals, key=lambda one: (one.until is None, one.until or now))


def tallies(
    scheme: str, sends: Sequence[Send], now: datetime, *, units: int, currency: str, initiator: Initiator,
    acceptor_id: str, merchant_id: str, region: str = "world", visa_limit: int = 20,
) -> tuple[Tally, ...]:  # fmt: skip
    """Every window that counts sends of this card, and the bans that an answer has brought; as `may_send` counts."""
    wish, found = _Wish(units, currency, initiator, acceptor_id, merchant_id), []
    sends = _binding(sends, wish)
    telling = [send for send in sends if _may_trigger(send)]
    for row in _rules(scheme, now, region):
        if row.maximum_sends > 0:
            maximum = min(row.maximum_sends, visa_limit) if row.rule_id == "visa-reattempt-30d" else row.maximum_sends
            found.append(_window(row, _meeting(row, sends, wish), now, maximum))
            continue
        triggers = [send for send in telling if _triggers(row, send) and _reaches(send, wish)]
        counted = _meeting(row, triggers, wish)
        if counted:
            found.append(_ban(row, counted))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Allowance:
    """Of the window that is nearest to full: how many of `maximum` sends are left, and when the next of those that are
    counted becomes free. Whose sends they were is not said."""

    left: int
    maximum: int
    window: timedelta
    free_at: datetime | None


def allowance(
    scheme: str, sends: Sequence[Send], now: datetime, *, units: int, currency: str, initiator: Initiator,
    acceptor_id: str, merchant_id: str, region: str = "world", visa_limit: int = 20,
) -> Allowance | None:  # fmt: skip
    """As `may_send` counts. None where no window is known."""
    wish, found = _Wish(units, currency, initiator, acceptor_id, merchant_id), []
    sends = _binding(sends, wish)
    for row in _rules(scheme, now, region):
        span = _span(row)
        if row.maximum_sends == 0 or span is None:
            continue
        maximum = min(row.maximum_sends, visa_limit) if row.rule_id == "visa-reattempt-30d" else row.maximum_sends
        inside = sorted(send.at for send in _meeting(row, sends, wish) if send.at > now - span)
        free_at = inside[max(0, len(inside) - maximum)] + span if inside else None
        found.append(Allowance(max(0, maximum - len(inside)), maximum, span, free_at))
    return min(found, key=lambda one: (one.left, -one.maximum), default=None)


def shown_allowance(
    scheme: str, sends: Sequence[Send], now: datetime, *, units: int, currency: str, initiator: Initiator,
    acceptor_id: str, merchant_id: str, region: str = "world", visa_limit: int = 20,
) -> Allowance | None:  # fmt: skip
    """What the merchant is shown: by its own sends alone while `FEW` or more are left, for a number that only others'
    sends explain would say which amounts they sent."""
    own = [send for send in sends if send.merchant_id == merchant_id]
    of_all, of_own = (
        allowance(scheme, counted, now, units=units, currency=currency, initiator=initiator, acceptor_id=acceptor_id,
                  merchant_id=merchant_id, region=region, visa_limit=visa_limit)
        for counted in (sends, own)
    )  # fmt: skip
    return of_own if of_all is not None and of_all.left >= FEW else of_all


def binds_for_ever(scheme: str, send: Send) -> bool:
    """Whether this send forbids others without end, so that it has to be kept in sight beyond LOOKBACK."""
    rows = [row for row in LIMITS if row.scheme == scheme and row.maximum_sends == 0 and _span(row) is None]
    return any(_triggers(row, send) for row in rows)


def _rules(scheme: str, now: datetime, region: str) -> tuple[LimitRow, ...]:
    return _rules_on(scheme, now.astimezone(UTC).date(), region)


@lru_cache(maxsize=4_096)
def _rules_on(scheme: str, on: date, region: str) -> tuple[LimitRow, ...]:
    rows = [row for row in LIMITS if row.scheme == scheme and row.key != "acceptor"]
    names = dict.fromkeys(row.rule_id for row in rows)
    found = (valid_row([row for row in rows if row.rule_id == name], on, region) for name in names)
    return tuple(row for row in found if row)


def _span(row: LimitRow) -> timedelta | None:
    if row.rule_id in _FOR_EVER or row.window_hours is None:
        return None
    return timedelta(hours=row.window_hours)


def _binding(sends: Sequence[Send], wish: _Wish) -> Sequence[Send]:
    """Without what other merchants claim."""
    return [send for send in sends if not send.claimed or send.merchant_id == wish.merchant_id]


def _meeting(row: LimitRow, sends: Sequence[Send], wish: _Wish) -> Sequence[Send]:
    """Those that the rule counts together with the send that is asked for."""
    if row.initiator_split:
        sends = [send for send in sends if send.initiator == wish.initiator]
    if "acceptor" in row.key:
        sends = [send for send in sends if send.acceptor_id == wish.acceptor_id]
    if "amount" in row.key:
        sends = [send for send in sends if send.units == wish.units and send.currency == wish.currency]
    return sends


def _may_trigger(send: Send) -> bool:
    """Whether any ban could be about its answer: of most sends none."""
    return send.declined is True and (
        send.advice is not None or send.visa_category == 1 or send.code in _STOP_CODES or send.klass in _SAME_DATA_FAILS
    )


def _triggers(row: LimitRow, send: Send) -> bool:
    """Whether the answer to this send is one that the ban is about."""
    if not send.declined:
        return False
    if row.rule_id == "visa-category-1":
        return send.visa_category == 1
    if row.rule_id == "visa-stop-instruction":
        return send.code in _STOP_CODES
    if row.rule_id == "elo-irreversible":
        # Data that could be corrected count too: what we resend is always the same data.
        return send.klass in _SAME_DATA_FAILS
    return send.advice is not None and row.rule_id == "mc-advice-" + send.advice


def _reaches(send: Send, wish: _Wish) -> bool:
    """A stop by the customer binds the merchant that was stopped; every other ban binds the card for all."""
    return send.code not in _STOP_CODES or send.merchant_id == wish.merchant_id


def _ban(row: LimitRow, triggers: Sequence[Send]) -> Tally:
    span = _span(row)
    until = max(send.at for send in triggers) + span if span is not None else None
    return Tally(row.rule_id, True, row.window_hours if span is not None else None, 0, len(triggers), until)


def _window(row: LimitRow, counted: Sequence[Send], now: datetime, maximum: int) -> Tally:
    span = _span(row)
    assert span is not None
    inside = sorted(send.at for send in counted if send.at > now - span)
    full = 0 < maximum <= len(inside)
    free_at = inside[len(inside) - maximum] + span if full else None
    return Tally(row.rule_id, False, row.window_hours, maximum, len(inside), free_at)


def _refusal(tally: Tally, now: datetime) -> Refused | None:
    until = tally.free_at
    if tally.ban:
        if until is None:
            message = "The bank allows no further try with this card. Only another card of the customer helps."
            return Refused(tally.rule_id, None, message)
        message = f"The bank asked not to try this card before {noted(until)}."
        return Refused(tally.rule_id, until, message) if until > now else None
    if tally.counted < tally.maximum:
        return None
    if until is None:
        return Refused(tally.rule_id, None, "The card's allowance is set to none.")
    return Refused(tally.rule_id, until, f"The card's allowance is used up until {noted(until)}.")
