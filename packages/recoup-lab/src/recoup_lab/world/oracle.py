"""Who knows all parameters of a world and of its subjects, but none of its draws: how good any
policy could be.

It knows how each customer is paid, how issuers word their refusals and what holds, outages and
cards are like, and what has been observed; not when this pay comes, how much it is or whether this
card has ended. For each order it imagines what may stand behind the decline, drops what a failed
send has disproved, and sends where most is left open. What codes mean it has counted in a world of
the same parameters and another seed.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

from recoup_lab.world.answers import Bank, Standing
from recoup_lab.world.codes import Cause
from recoup_lab.world.customers import FOR_EVER_DAYS, Card
from recoup_lab.world.draws import Choice, Draws, quantile
from recoup_lab.world.issuers import approval_factor
from recoup_lab.world.money import HOUR, PLENTY, Account, Pulse
from recoup_lab.world.orders import Order, as_instant
from recoup_lab.world.paydays import DAY
from recoup_lab.world.world import LabWorld, build

Span = tuple[int, int]
_COIN: Final = 6 * HOUR
_LATE: Final = 4 * DAY  # pay of so long ago may still come
_TRIES: Final = 6


def spans(bank: Bank, order: Order, cause: Cause, draws: Draws) -> list[Span]:
    """Within the order's window."""
    start, end = order.declined_at, order.expires_at
    n = draws.many(b"imagined", order.number)
    found: list[Span]
    if cause == "funds":
        found = _with_money(bank, order, draws, start, end)
    elif cause in ("hold", "fraud"):
        found = _after_hold(bank, order, cause, n)
    elif cause in ("coin", "mood"):
        found = [((start // _COIN + 1) * _COIN, end)]
    elif cause in ("outage", "maintenance"):
        issuers = bank.parameters.issuers
        hours = issuers.outage_hours if cause == "outage" else issuers.maintenance_hours
        found = [(start + 1 + int(quantile(hours, n[0]) * n[1] * HOUR), end)]
    elif cause == "limit":
        local = start + order.card.account.offset
        found = [(start + DAY - local % DAY, end)]
    elif cause in ("expired", "replaced"):
        found = _after_update(bank, order, n)
    else:
        found = []
    return [
        (max(one, start), min(other, end)) for one, other in found if one < end and other > start
    ]


def _with_money(bank: Bank, order: Order, draws: Draws, start: int, end: int) -> list[Span]:
    account, amount = order.card.account, order.payment.amount
    if account.steady:
        return []
    return [
        span
        for pulse in bank.purse.pulses(account, draws, (start - _LATE, end))
        if pulse.start < end
        for span in _enough(pulse, amount)
        if not span[0] <= start < span[1]
    ]


def _enough(pulse: Pulse, amount: int) -> list[Span]:
    """When the pulse holds the amount: until a bill comes, and perhaps on after it."""
    if pulse.level >= PLENTY:
        return [(pulse.start, pulse.ends)]
    until = pulse.start + pulse.lasts * (pulse.level - amount) // pulse.level
    if until <= pulse.start:
        return []
    if until <= pulse.bill_at:
        return [(pulse.start, until)]
    after = pulse.start + pulse.lasts * (pulse.level - amount - pulse.bill) // pulse.level
    return [(pulse.start, max(pulse.bill_at, after))]


def _after_hold(bank: Bank, order: Order, cause: Cause, n: tuple[float, ...]) -> list[Span]:
    """A hold that one meets is longer than most:
    drawn by its length, met at an even place of it."""
    settings, start, end = bank.parameters.cards, order.declined_at, order.expires_at
    fraud = cause == "fraud"
    days = settings.fraud_days if fraud else settings.hold_days
    ever = settings.fraud_for_ever_share if fraud else settings.hold_for_ever_share
    mean = sum(days) / len(days)
    lasting = ever * FOR_EVER_DAYS / (ever * FOR_EVER_DAYS + (1 - ever) * mean) if ever else 0.0
    if n[0] < lasting:
        until = start + int(FOR_EVER_DAYS * DAY * n[1])
    else:
        length = 0.0
        for place in range(_TRIES):
            length = quantile(days, n[2 + place])
            if n[8 + place] * days[-1] < length:
                break
        until = start + int(length * DAY * n[1])
    found = [(until, end)]
    if not fraud and n[14] < settings.hold_easy_share:
        found += _easy(bank, order.card.account, order, min(until, end))
    return found


def _easy(bank: Bank, account: Account, order: Order, until: int) -> list[Span]:
    issuer = order.card.issuer
    found = []
    midnight = (order.declined_at + account.offset) // DAY * DAY - account.offset
    while midnight < until:
        habits = issuer.habits if midnight < bank.change_at else issuer.later_habits
        begin = midnight + int(habits.easy_from * HOUR)
        found.append((begin, min(until, begin + int(habits.easy_hours * HOUR))))
        midnight += DAY
    return [span for span in found if span[0] < span[1]]


def _after_update(bank: Bank, order: Order, n: tuple[float, ...]) -> list[Span]:
    """Networks tell of the new card some days after the old one's end, which was some time of the
    month before."""
    settings = bank.parameters.cards
    if n[0] >= settings.updater_share:
        return []
    at = order.declined_at + int((quantile(settings.updater_days, n[1]) - n[2] * 30) * DAY)
    return [(max(at, order.declined_at + 1), order.expires_at)]


FUTURES: Final = 40  # imagined for each order
STEP: Final = 2 * HOUR  # a send is planned to such a step
_OTHER_SEED: Final = 2**40
_ORDERS_COUNTED_MAX: Final = 3_000
_SENDS_MAX: Final = 12
_LATER: Final = 600  # seconds into a step
# What a future counts after so many failed sends that should have met it: it may have been by a
# little.
_DOUBT: Final = (1.0, 0.15, 0.05, 0.02)
_ALL: Final = (1 << FUTURES) - 1
_WEEK: Final = 7 * 24
_THURSDAY: Final = 3 * 24  # 1970 began on one


# Of the futures, a bit each: those that no failed send has met, and those that one, two and three
# have.
Met = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Planned:
    """`gain`: the chance that it is this send that is approved. `worth`: of all sends that are
    worth so much, it is one."""

    at: int
    gain: float
    worth: float


class Run(NamedTuple):
    """Steps in which the same futures are open. `futures`: a bit each."""

    begin: int
    end: int
    futures: int
    best: int  # the step at which the issuer approves most


@dataclass(slots=True)
class Outlook:
    """`approval`: for each step of the window the issuer's own chance,
    when nothing is in the way."""

    order: Order
    runs: list[Run]
    approval: list[float]

    def at(self, step: int) -> int:
        return self.order.declined_at + step * STEP + _LATER

    def step(self, instant: int) -> int:
        """The step whose instant is the nearest."""
        return min(
            len(self.approval) - 1,
            max(0, (instant - self.order.declined_at - _LATER + STEP // 2) // STEP),
        )

    def open(self, step: int) -> int:
        return next((run.futures for run in self.runs if run.begin <= step < run.end), 0)

    def choices(self, earliest: int) -> list[tuple[int, int, float]]:
        """Step, futures and approval of the best step of each run that is not past."""
        first = max(0, -((self.order.declined_at + _LATER - earliest) // STEP))
        found = []
        for run in self.runs:
            if run.end > first:
                step = run.best if run.best >= first else _highest(self.approval, first, run.end)
                found.append((step, run.futures, self.approval[step]))
        return found


def _count(futures: int, met: Met) -> float:
    never, once, twice, thrice = met
    count = float((futures & never).bit_count())
    if futures & never == futures:
        return count
    return (
        count
        + _DOUBT[1] * (futures & once).bit_count()
        + _DOUBT[2] * (futures & twice).bit_count()
        + _DOUBT[3] * (futures & thrice).bit_count()
    )


def _after(met: Met, futures: int) -> Met:
    """A send failed that these futures would have let through."""
    never, once, twice, thrice = met
    return (
        never & ~futures,
        once & ~futures | never & futures,
        twice & ~futures | once & futures,
        thrice & ~futures | twice & futures,
    )


def _highest(values: Sequence[float], begin: int, end: int) -> int:
    part = values[begin:end]
    return begin + part.index(max(part))


class Oracle:
    def __init__(self, world: LabWorld) -> None:
        self._world = world
        self._imagined = [Draws(_OTHER_SEED + number) for number in range(FUTURES)]
        self._causes = _count_causes(world)
        self._outlooks: dict[int, Outlook] = {}
        self._weeks: dict[tuple[int, bool], list[float]] = {}

    def chance(self, order_id: str, at: datetime, failed: Sequence[datetime] = ()) -> float:
        """Of approval at that instant, after sends at others failed."""
        outlook = self._outlook(self._world.by_id[order_id])
        met = self._met(outlook, failed)
        step = outlook.step(int(at.timestamp()))
        whole = _count(_ALL, met)
        return _count(outlook.open(step), met) / whole * outlook.approval[step] if whole else 0.0

    def next_send(
        self, order_id: str, earliest: datetime, failed: Sequence[datetime], worth: float
    ) -> datetime | None:
        """When to send next, of sends whose chance is `worth` at least; None: no more."""
        order = self._world.by_id[order_id]
        outlook = self._outlook(order)
        plan = self._plan(outlook, self._met(outlook, failed), int(earliest.timestamp()))
        due = [one.at for one in plan if one.worth >= worth]
        return as_instant(min(due)) if due else None

    def worth_of(self, sends: float, sample: int = 2_000) -> float:
        """The least worth of a send with which orders get so many sends on average."""
        orders = self._world.all_orders
        step = max(1, len(orders) // sample)
        plans = [self._whole_plan(order) for order in orders[::step]]
        low, high = 0.0, 1.0
        for _ in range(20):
            middle = (low + high) / 2
            if sum(_expected_sends(plan, middle) for plan in plans) / len(plans) > sends:
                low = middle
            else:
                high = middle
        return high

    def plan(self, order_id: str, worth: float) -> list[tuple[datetime, float]]:
        """All sends for a declined payment, in turn, each with its chance to be the one that is
        approved."""
        order = self._world.by_id[order_id]
        chosen = sorted((one.at, one.gain) for one in self._whole_plan(order) if one.worth >= worth)
        return [(as_instant(at), gain) for at, gain in chosen]

    def _whole_plan(self, order: Order) -> list[Planned]:
        outlook = self._outlook(order)
        return self._plan(outlook, self._met(outlook, ()), order.declined_at)

    def _plan(self, outlook: Outlook, met: Met, earliest: int) -> list[Planned]:
        """The step in which most futures are open, then the one with most of the others,
        and so on."""
        found: list[Planned] = []
        choices = outlook.choices(earliest)
        whole, worth = max(1.0, _count(_ALL, met)), 1.0
        while len(found) < _SENDS_MAX and choices:
            gain, place = max(
                (_count(futures, met) * approval, -number)
                for number, (_, futures, approval) in enumerate(choices)
            )
            if gain <= 0:
                break
            step, futures, _ = choices[-place]
            at, gain = outlook.at(step), gain / whole
            worth = min(worth, gain / max(0.05, 1 - sum(one.gain for one in found if one.at < at)))
            found.append(Planned(at, gain, worth))
            met = _after(met, futures)
        return found

    def _met(self, outlook: Outlook, failed: Sequence[datetime]) -> Met:
        met: Met = (_ALL, 0, 0, 0)
        for instant in failed:
            met = _after(met, outlook.open(outlook.step(int(instant.timestamp()))))
        return met

    def _outlook(self, order: Order) -> Outlook:
        found = self._outlooks.get(order.number)
        if found is None:
            found = self._outlooks[order.number] = self._make_outlook(order)
        return found

    def _make_outlook(self, order: Order) -> Outlook:
        start, steps = (
            order.declined_at,
            (order.expires_at - order.declined_at - _LATER) // STEP + 1,
        )
        turns: Counter[int] = Counter()  # step -> the futures that open or close there
        causes = self._causes.of(order)
        for number, draws in enumerate(self._imagined):
            cause = causes.of((number + draws.one(b"cause", order.number)) / FUTURES)
            done = 0
            for span in sorted(spans(self._world.bank, order, cause, draws)):
                begin, end = (max(done, -((start + _LATER - instant) // STEP)) for instant in span)
                if begin < end:
                    turns[begin] ^= 1 << number
                    turns[end] ^= 1 << number
                    done = end
        approval = self._approval(order, steps)
        runs, futures = [], 0
        marks = [*sorted(step for step in turns if step < steps), steps]
        for begin, end in pairwise(marks):
            futures ^= turns[begin]
            if futures:
                runs.append(Run(begin, end, futures, _highest(approval, begin, end)))
        return Outlook(order, runs, approval)

    def _approval(self, order: Order, steps: int) -> list[float]:
        """From the issuer's week; after the decline its mood mends."""
        bank, card, start = self._world.bank, order.card, order.declined_at
        found: list[float] = []
        for later in (False, True):
            until = order.expires_at if later else min(bank.change_at, order.expires_at)
            week = self._week(card, later)
            number = max(0, min(steps, -((start + _LATER - until) // STEP)) - len(found))
            begin = (
                (start + len(found) * STEP + _LATER + card.account.offset) // HOUR + _THURSDAY
            ) % _WEEK
            found += [week[(begin + step * (STEP // HOUR)) % _WEEK] for step in range(number)]
        standing = Standing()
        standing.hardened(start, card)
        for step in range(steps):
            at = start + step * STEP + _LATER
            if standing.mood_now(at, card.issuer.mend_seconds) <= 0:
                break
            found[step] = bank.chance(card, at, 0, standing)
        return found

    def _week(self, card: Card, later: bool) -> list[float]:
        key = card.issuer.number, later
        found = self._weeks.get(key)
        if found is None:
            habits = card.issuer.later_habits if later else card.issuer.habits
            settings = (
                self._world.parameters.routes.weak_factor if card.issuer.weak_route == 0 else 1.0
            )
            first = (_WEEK - _THURSDAY) * HOUR  # a Monday
            found = self._weeks[key] = [
                card.issuer.approval * approval_factor(habits, first + hour * HOUR) * settings
                for hour in range(_WEEK)
            ]
        return found


class _Causes:
    """How often which cause stood behind a code."""

    def __init__(self, orders: Sequence[Order]) -> None:
        counts: dict[tuple[object, ...], Counter[Cause]] = defaultdict(Counter)
        for order in orders:
            for key in _keys(order):
                if order.verdict.cause is not None:
                    counts[key][order.verdict.cause] += 1
        self._choices = {key: Choice(sorted(found.items())) for key, found in counts.items()}
        self._all: Choice[Cause] = Choice([("funds", 1.0), ("hold", 1.0), ("closed", 1.0)])

    def of(self, order: Order) -> Choice[Cause]:
        return next((self._choices[key] for key in _keys(order) if key in self._choices), self._all)


def _keys(order: Order) -> tuple[tuple[object, ...], ...]:
    """The narrowest first."""
    payment, steady = order.payment, order.card.account.steady
    code = payment.scheme_code
    return (payment.card.scheme, code, payment.advice_code, steady), (code, steady), (steady,)


def _count_causes(world: LabWorld) -> _Causes:
    settings = world.parameters
    orders = min(settings.world.orders, _ORDERS_COUNTED_MAX)
    general = replace(settings.world, seed=settings.world.seed + _OTHER_SEED, orders=orders)
    return _Causes(build(replace(settings, world=general)).all_orders)


def _expected_sends(plan: Sequence[Planned], worth: float) -> float:
    left, sends = 1.0, 0.0
    for one in sorted((one for one in plan if one.worth >= worth), key=lambda one: one.at):
        sends += left
        left -= one.gain
    return sends
