"""An account's money as time goes: it comes at pay days and from elsewhere, other bills draw it
down.

Money comes in pulses. After a full pay the account has enough until the next one; after a lean pay
what is left after rent falls evenly to nothing, and a larger bill may take a part of it at once.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from recoup_lab.world.draws import Draws, instants, quantile
from recoup_lab.world.parameters import Change, Money
from recoup_lab.world.paydays import DAY, Rhythm, pay_days

HOUR: Final = 3_600
MONTH: Final = 30 * DAY
NEVER: Final = 1 << 60
PLENTY: Final = 1 << 40
_LOOK_BACK: Final = 3  # pulses that may overlap


class Pulse(NamedTuple):
    """`level` falls evenly to nothing in `lasts` seconds; at `bill_at` a bill takes `bill` of it. A
    full one does not fall and ends at `ends`."""

    start: int
    level: int
    lasts: int
    bill_at: int
    bill: int
    ends: int

    def at(self, instant: int) -> int:
        if instant < self.start or instant >= self.ends:
            return 0
        if self.level >= PLENTY:
            return self.level
        left = self.level - self.level * (instant - self.start) // self.lasts
        return max(0, left - self.bill if instant >= self.bill_at else left)


@dataclass(slots=True)
class Account:
    """Who has it is paid by `rhythm`, from the change half-way on by `later_rhythm`. `dry_from`: no
    money any more."""

    number: int
    offset: int  # seconds east of UTC
    rhythm: Rhythm
    later_rhythm: Rhythm
    changes: bool
    steady: bool
    lean_chance: float
    lasts_factor: float
    late_share: float
    posting_second: int
    dry_from: int = NEVER
    pulses: list[Pulse] | None = None
    starts: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Purse:
    """What all accounts have in common. `start` and `end` are the world's first and last second."""

    money: Money
    change: Change
    change_at: int
    start: int
    end: int

    def level(self, account: Account, instant: int, draws: Draws) -> tuple[int, int]:
        """What can be spent at the instant, and since when it is there."""
        if instant >= account.dry_from:
            return 0, instant
        if account.steady:
            return PLENTY, 0
        if account.pulses is None:
            account.pulses = self.pulses(account, draws)
            account.starts = [pulse.start for pulse in account.pulses]
        best, since = 0, instant
        place = bisect_right(account.starts, instant)
        for pulse in account.pulses[max(0, place - _LOOK_BACK) : place]:
            there = pulse.at(instant)
            if there > best:
                best, since = there, pulse.start
        return best, since

    def next_pay(self, account: Account, instant: int) -> int | None:
        """When money comes next, for an account whose pulses are known."""
        place = bisect_right(account.starts, instant)
        return account.starts[place] if place < len(account.starts) else None

    def pulses(
        self, account: Account, draws: Draws, span: tuple[int, int] | None = None
    ) -> list[Pulse]:
        """Of the world's whole time, or of that span, for an account that was lean before it."""
        start, end = span or (self.start - 32 * DAY, self.end)
        lean = span is not None or draws.one(b"lean at first", account.number) < account.lean_chance
        found = self._from_pay(account, draws, (start, end), lean)
        money = self.money
        gap = MONTH / money.elsewhere_rate if money.elsewhere_rate else 0.0
        for at in instants(draws, b"elsewhere", account.number, start, end, gap):
            n = draws.many(b"from elsewhere", account.number, at)
            lasts = 1 + int(quantile(money.elsewhere_hours, n[1]) * HOUR)
            found.append(
                Pulse(at, int(quantile(money.elsewhere_level, n[0])), lasts, NEVER, 0, at + lasts)
            )
        found.sort()
        kept: list[Pulse] = []
        full_until = 0  # what comes while there is enough changes nothing
        for pulse in found:
            if pulse.level >= PLENTY:
                full_until = pulse.ends
            if pulse.level >= PLENTY or pulse.start >= full_until:
                kept.append(pulse)
        return kept

    def _from_pay(
        self, account: Account, draws: Draws, span: tuple[int, int], lean: bool
    ) -> list[Pulse]:
        found: list[Pulse] = []
        open_at: int | None = None  # since when a full pay lasts
        for day in self._days(account, draws, span[0] // DAY, span[1] // DAY + 1):
            n = draws.many(b"pay", account.number, day)
            at = day * DAY - account.offset + account.posting_second + int(n[8] * 1_200)
            if n[1] < account.late_share:
                at += int(quantile(self.money.late_days, n[2]) * DAY)
            if at >= account.dry_from:
                break
            if open_at is not None:
                found.append(Pulse(open_at, PLENTY, 1, NEVER, 0, at))
                open_at = None
            lean = n[0] < (self.money.lean_again_share if lean else account.lean_chance)
            if lean:
                found.append(self._lean(account, at, n))
            else:
                open_at = at
        if open_at is not None:
            found.append(Pulse(open_at, PLENTY, 1, NEVER, 0, min(span[1], account.dry_from)))
        return found

    def _lean(self, account: Account, at: int, n: tuple[float, ...]) -> Pulse:
        money = self.money
        level = int(quantile(money.level, n[3]))
        factor = account.lasts_factor
        if at >= self.change_at:
            factor = factor * self.change.lasts_factor
        lasts = 1 + int(quantile(money.lasts_hours, n[4]) * HOUR * factor)
        bill_at, bill = NEVER, 0
        if n[5] < money.bill_share:
            bill_at = at + int(quantile(money.bill_after_hours, n[6]) * HOUR * factor)
            bill = int(level * quantile(money.bill_size, n[7]))
        return Pulse(at, level, lasts, bill_at, bill, at + lasts)

    def _days(self, account: Account, draws: Draws, first: int, end: int) -> list[int]:
        turn = self.change_at // DAY
        if not account.changes or turn >= end:
            return pay_days(account.rhythm, account.number, first, end, draws)
        before = (
            pay_days(account.rhythm, account.number, first, turn, draws) if first < turn else []
        )
        return before + pay_days(account.later_rhythm, account.number, max(first, turn), end, draws)


def spendable(pulse_level: int, since: int, spent: list[tuple[int, int]]) -> int:
    """`spent`: instants and amounts of what this arm took from the account; it is felt until money
    comes again."""
    if pulse_level >= PLENTY:
        return pulse_level
    return pulse_level - sum(amount for at, amount in spent if at >= since)
