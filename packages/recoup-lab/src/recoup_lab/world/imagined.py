"""What may stand behind a decline, imagined from the parameters: for each cause the spans in which a later send finds
nothing in its way. The draws are others than the world's own."""

from typing import Final

from recoup_lab.world.answers import Bank
from recoup_lab.world.cards import FOR_EVER_DAYS
from recoup_lab.world.codes import Cause
from recoup_lab.world.draws import Draws, quantile
from recoup_lab.world.money import HOUR, PLENTY, Account, Pulse
from recoup_lab.world.orders import Order
from recoup_lab.world.paydays import DAY

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
    return [(max(one, start), min(other, end)) for one, other in found if one < end and other > start]


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
    """A hold that one meets is longer than most: drawn by its length, met at an even place of it."""
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
    """Networks tell of the new card some days after the old one's end, which was some time of the month before."""
    settings = bank.parameters.cards
    if n[0] >= settings.updater_share:
        return []
    at = order.declined_at + int((quantile(settings.updater_days, n[1]) - n[2] * 30) * DAY)
    return [(max(at, order.declined_at + 1), order.expires_at)]
