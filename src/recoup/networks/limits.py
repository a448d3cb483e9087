"""The gate before every send: how often the networks let a card be tried, over all merchants and
for ever.

Every send later than now − window counts: approved, declined, unknown and only reserved ones, those
dated after `now` (another sandbox merchant's clock may be ahead), and what a merchant claims. What
a merchant claims binds that merchant alone, what we sent and heard binds all: nobody can use up or
end a card for others by saying so. Some networks do not count a first send and some count declines
only; we count everything, because whether an earlier send of this card and amount elsewhere was the
first is not ours to see, and an error in this direction costs a try, not a fee.

So a window is counted twice: what we sent for all, and what the asking merchant sent and claims.
Neither ever holds more than `maximum_sends`. They are not added up: else a merchant who claims one
decline more each time would read off how many sends others made. Of the others' sends it hears only
that they leave no room, until which full hour or day; each binds until then.

Source: the dated network limits; design §4.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from recoup.kernel.cached import cached
from recoup.kernel.filled import filled
from recoup.kernel.frozen import frozen
from recoup.networks import whys
from recoup.networks.codes import Reading
from recoup.networks.reasons import reason_of
from recoup.networks.tables import LIMITS, LimitRow, valid_row

Initiator = Literal["merchant", "customer"]

# The longest window, to the end of its last day; older sends matter only when `binds_for_ever`.
LOOKBACK: Final = timedelta(days=31)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_FULL: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ROUNDED_TO_DAYS: Final = 2 * _DAY  # windows from this length on; shorter ones to hours
STOP_CODES: Final = frozenset({"R0", "R1", "R3"})  # the customer has stopped payments at the bank
STOP_ADVICE: Final = "21"  # so has this one's
OF_THE_NUMBER: Final = frozenset(
    {"14", "15", "46", "54"}
)  # said of a card's number or date, not of its holder
_FINAL: Final = frozenset({"lost_stolen", "closed_or_invalid_account", "revoked"})
_OF_FINAL: Final = frozenset({"hard", "fraud"})
_SAME_DATA_FAILS: Final = frozenset({"hard", "data"})
_ANY_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
SANDBOX_ACCEPTOR: Final = (
    "sandbox"  # the sandbox's merchants share it; there each is a merchant of its own
)


@frozen
class Send:
    """Send of a card, ours or the merchant's own declined one.

    `at` is business time of the merchant that sent it. `claimed`: only the merchant says that it
    was sent, as of the payment that came in. `declined` is None while the answer is not known.
    `network_attempts`: how many sends it cost, where the processor repeated it by itself.
    `visa_category`, `advice`, `code` and `klass` are of the reading of its decline, if it has one.
    `lifted`: a stop by the customer that is not about the send to decide on: it belongs to another
    agreement, or to a mandate that the customer has given since.
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
    network_attempts: int = 1
    lifted: bool = False


@frozen
class Allowed:
    """The send may be reserved now."""


@frozen
class Refused:
    """Refusal of a send. `until` is the first instant at which the rule would let it pass, None for
    never. `why`: a code of `networks.whys`, whose sentence is for the merchant."""

    rule_id: str
    until: datetime | None
    why: str


@frozen
class Tally:
    """Count of a single rule at a decision: `counted` sends in its window (None: without end)
    against its `maximum`. They are the asking merchant's, or `maximum` where all merchants' leave
    no room. A ban counts the answers that bring it. `free_at`: when it lets a send pass again, None
    for never; of a window that has room it says nothing."""

    rule_id: str
    ban: bool
    window_hours: float | None
    maximum: int
    counted: int
    free_at: datetime | None = None


@frozen
class Wish:
    """The send to decide on. `visa_limit` lowers the sends in 30 days that Visa allows.
    `own_tries`: the most that the processors of the card may still send by themselves, dated at
    their next: each window that may hold one of them keeps room for all."""

    units: int
    currency: str
    initiator: Initiator
    acceptor_id: str
    merchant_id: str
    region: str = "world"
    visa_limit: int = 20
    own_tries: Sequence[Send] = ()


def may_send(scheme: str, sends: Sequence[Send], now: datetime, wish: Wish) -> Allowed | Refused:
    """Decides whether one more send of this card may leave at `now`; of several refusals, returns
    the one that lasts longest.

    `sends` are the card's sends later than `now − LOOKBACK`, and every older one that
    `binds_for_ever`. Never raises.
    """
    return judge(tallies(scheme, sends, now, wish), now)


def judge(tallies: Iterable[Tally], now: datetime) -> Allowed | Refused:
    """The joint verdict of the rules: of several refusals the one that lasts longest."""
    refusals = [refused for tally in tallies if (refused := _refusal(tally, now))]
    if not refusals:
        return Allowed()
    return max(refusals, key=lambda refusal: (refusal.until is None, refusal.until or now))


def tallies(scheme: str, sends: Sequence[Send], now: datetime, wish: Wish) -> tuple[Tally, ...]:
    """Every window that counts sends of this card, and the bans that an answer has brought; as
    `may_send` counts."""
    tallied = []
    telling = [send for send in sends if _may_trigger(send) and _binds(send, wish)]
    for row in rules_at(scheme, now, wish.region):
        if row.maximum_sends > 0:
            window = _window(row, sends, now, wish)
            full = 0 < window.maximum <= window.counted
            tallied.append(
                Tally(
                    row.rule_id,
                    False,
                    row.window_hours,
                    window.maximum,
                    window.counted,
                    window.free_at if full else None,
                )
            )
            continue
        answers = [send for send in telling if triggers(row, send) and reaches(row, send, wish)]
        if answers:
            tallied.append(_ban(row, answers, wish))
    return tuple(tallied)


@frozen
class Allowance:
    """Allowance of the window that is nearest to full: how many of `maximum` sends are left, and
    when the next of those that are counted becomes free. By the merchant's own sends, or none where
    all merchants' leave no room."""

    left: int
    maximum: int
    window: timedelta
    free_at: datetime | None


def allowance(scheme: str, sends: Sequence[Send], now: datetime, wish: Wish) -> Allowance | None:
    """The allowance, counted as `tallies` does; None where no window is known."""
    rows = [
        (row, span)
        for row in rules_at(scheme, now, wish.region)
        if row.maximum_sends > 0 and (span := span_of(row))
    ]
    windows = [(_window(row, sends, now, wish), span) for row, span in rows]
    allowances = [
        Allowance(max(0, window.maximum - window.counted), window.maximum, span, window.free_at)
        for window, span in windows
    ]
    return min(allowances, key=lambda allowance: (allowance.left, -allowance.maximum), default=None)


class LimitWindow(NamedTuple):
    """Window of a single network's limit: as many sends as a card's window holds."""

    scheme: str
    rule_id: str
    hours: float
    maximum: int


def windows_of(on: date, region: str, visa_limit: int) -> tuple[LimitWindow, ...]:
    """The limit windows of every network, the shortest first. `visa_limit`: as in `may_send`."""
    windows = [
        LimitWindow(
            row.scheme,
            row.rule_id,
            row.window_hours,
            min(row.maximum_sends, visa_limit)
            if row.rule_id == "visa-reattempt-30d"
            else row.maximum_sends,
        )
        for scheme in dict.fromkeys(row.scheme for row in LIMITS)
        for row in _rules_on(scheme, on, region)
        if row.maximum_sends > 0 and row.window_hours is not None
    ]
    return tuple(sorted(windows, key=lambda window: (window.hours, window.maximum)))


def binds_for_ever(scheme: str, send: Send) -> bool:
    """True when this send forbids others without end, so that it has to be kept in sight beyond
    LOOKBACK."""
    rows = [
        row
        for row in LIMITS
        if row.scheme == scheme and row.maximum_sends == 0 and span_of(row) is None
    ]
    return any(triggers(row, send) for row in rows)


def forbids_for_ever(reading: Reading) -> bool:
    """True when a decline that is read so forbids further sends without end, whoever sent it, when
    and how much."""
    send = filled(
        Send,
        reading,
        at=_ANY_TIME,
        units=0,
        currency="",
        initiator="merchant",
        acceptor_id="",
        merchant_id="",
        declined=True,
    )
    return binds_for_ever(reading.scheme, send)


def rules_at(scheme: str, now: datetime, region: str) -> tuple[LimitRow, ...]:
    """The rules for the scheme's cards that bind on the day of `now`; volumes of an acceptor are
    left out."""
    return _rules_on(scheme, now.astimezone(UTC).date(), region)


@cached(4_096)
def _rules_on(scheme: str, on: date, region: str) -> tuple[LimitRow, ...]:
    rows = [row for row in LIMITS if row.scheme == scheme and row.key != "acceptor"]
    names = dict.fromkeys(row.rule_id for row in rows)
    valid_rows = (
        valid_row([row for row in rows if row.rule_id == name], on, region) for name in names
    )
    return tuple(row for row in valid_rows if row)


def span_of(row: LimitRow) -> timedelta | None:
    """The time for which a send counts, or an answer bans; None: for ever."""
    if row.lasts or row.window_hours is None:
        return None
    return timedelta(hours=row.window_hours)


def _binds(send: Send, wish: Wish) -> bool:
    """All but what other merchants claim."""
    return not send.claimed or send.merchant_id == wish.merchant_id


def _end(send: Send, span: timedelta, wish: Wish) -> datetime:
    """The time when a send binds no more; another merchant's at a full hour or day, so that nobody
    hears when it was."""
    end = send.at + span
    if send.merchant_id == wish.merchant_id:
        return end
    step = _DAY if span >= _ROUNDED_TO_DAYS else _HOUR
    return end + (_FULL - end) % step


def _meeting(row: LimitRow, sends: Sequence[Send], wish: Wish) -> Sequence[Send]:
    """The sends that the rule counts together with the send to decide on."""
    if row.initiator_split:
        sends = [send for send in sends if send.initiator == wish.initiator]
    if "acceptor" in row.key:
        sends = [send for send in sends if send.acceptor_id == wish.acceptor_id]
    if "amount" in row.key:
        sends = [
            send for send in sends if send.units == wish.units and send.currency == wish.currency
        ]
    return sends


def _may_trigger(send: Send) -> bool:
    """True when any ban could be about the send's answer: of most sends none."""
    return send.declined is True and (
        send.advice is not None
        or send.visa_category == 1
        or send.code in STOP_CODES
        or send.klass in _SAME_DATA_FAILS
    )


def is_final(klass: str | None, code: str | None) -> bool:
    """True when a decline says that its card is lost, stolen, closed or its mandate revoked."""
    return klass in _OF_FINAL and reason_of("response", code or "", klass or "") in _FINAL


def triggers(row: LimitRow, send: Send) -> bool:
    """True when the answer to this send is one that the ban is about."""
    if not send.declined or send.lifted and send.code in STOP_CODES:
        return False
    return any(_says(send, *answer.partition(":")[::2]) for answer in row.answers)


def _says(send: Send, kind: str, value: str) -> bool:
    match kind:
        case "category":
            return str(send.visa_category) == value and send.code not in STOP_CODES
        case "code":
            return send.code == value
        case "advice":
            return send.advice == value
        case "final":
            return is_final(send.klass, send.code)
    # Data that could be corrected count too: what we resend is always the same data.
    return kind == "irreversible" and send.klass in _SAME_DATA_FAILS


def reaches(row: LimitRow, answer: Send, wish: "Send | Wish") -> bool:
    """True when what the answer forbids is about the send to decide on. That a stop is of another
    order or agreement is said by `lifted`."""
    own = answer.merchant_id == wish.merchant_id
    same_amount = (answer.units, answer.currency) == (wish.units, wish.currency)
    shared = answer.acceptor_id == wish.acceptor_id
    by = row.key.split("+")
    if (
        wish.initiator == "customer"
        and "cit" not in row.kinds
        and not ("cit:amount" in row.kinds and same_amount)
    ):
        return False
    return (
        (own or not ("order" in by or "agreement" in by))
        and (own or not row.own_stops or answer.code not in STOP_CODES)
        and (own or "merchant" not in by or shared and answer.acceptor_id != SANDBOX_ACCEPTOR)
        and (shared or "acceptor" not in by)
        and (same_amount or "amount" not in by)
    )


def _ban(row: LimitRow, triggers: Sequence[Send], wish: Wish) -> Tally:
    """The tally of a ban; what the customer has taken back binds no longer than the network bills
    it."""
    span = span_of(row)
    if (
        span is None
        and row.rule_id == "mc-advice-" + STOP_ADVICE
        and all(send.lifted for send in triggers)
    ):
        span = timedelta(hours=row.window_hours or 0)
    until = max(_end(send, span, wish) for send in triggers) if span is not None else None
    return Tally(
        row.rule_id, True, row.window_hours if span is not None else None, 0, len(triggers), until
    )


class _Window(NamedTuple):
    """`free_at`: when the next of `counted` sends becomes free."""

    counted: int
    maximum: int
    free_at: datetime | None


def _window(row: LimitRow, sends: Sequence[Send], now: datetime, wish: Wish) -> _Window:
    """The window by the merchant's own sends, claims included, unless what we sent for all binds
    longer."""
    maximum = (
        min(row.maximum_sends, wish.visa_limit)
        if row.rule_id == "visa-reattempt-30d"
        else row.maximum_sends
    )
    span = span_of(row)
    assert span is not None
    together = [
        own_try for own_try in wish.own_tries if own_try.at < now + span
    ]  # in one window with a send at `now`
    counted = _meeting(row, [*sends, *together], wish)
    own = _ends((send for send in counted if send.merchant_id == wish.merchant_id), span, wish, now)
    free_at = own[max(0, len(own) - maximum)] if own and maximum else None
    of_all = _ends((send for send in counted if not send.claimed), span, wish, now)
    if 0 < maximum <= len(of_all):
        all_free_at = of_all[len(of_all) - maximum]
        if len(own) < maximum or free_at is None or all_free_at > free_at:
            return _Window(maximum, maximum, all_free_at)
    return _Window(len(own), maximum, free_at)


def _ends(sends: Iterable[Send], span: timedelta, wish: Wish, now: datetime) -> list[datetime]:
    return sorted(
        end
        for send in sends
        if (end := _end(send, span, wish)) > now
        for _ in range(send.network_attempts)
    )


def _refusal(tally: Tally, now: datetime) -> Refused | None:
    until = tally.free_at
    if tally.ban:
        if until is None:
            return Refused(tally.rule_id, None, whys.BANK_NEVER)
        return (
            Refused(tally.rule_id, until, whys.until(whys.BANK_WAITS, until))
            if until > now
            else None
        )
    if tally.counted < tally.maximum:
        return None
    if until is None:
        return Refused(tally.rule_id, None, whys.CARD_NEVER)
    return Refused(tally.rule_id, until, whys.until(whys.CARD_USED_UP, until))
