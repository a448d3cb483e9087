"""The demo: a merchant whose clock begins weeks back, its orders played through the HTTP API, and what follows.

The merchant's own program makes calls while its clock moves; the people around it do what leaves one case on each desk.
With `months`, customers of a simulated world renew for three months, most decided by the rescue engine, the others by
the fixed schedule; the last of these months is the month of the file, too. Without, the month of the file is all.
The progress is kept in `<data-dir>/demo.json`; a demo that was broken off is continued by the next `recoup up --demo`.
"""

import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from recoup.doors.command.verbs import Opened
from recoup.doors.inbound.receiver import PATH as RECEIVER_PATH
from recoup.flows.advance_clock import advance_clock
from recoup.flows.bootstrap import DEMO_SITES, OPERATOR_USER, PORTAL_USER, make_demo_merchant
from recoup.flows.demo_clock import DEMO_DAYS, demo_merchant
from recoup.flows.messages.publish_now import publish_now
from recoup.flows.sandbox_issuer import sandbox_issuer
from recoup.flows.threads import run_stoppable
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.main.demo.business import Business
from recoup.main.demo.example import Line, cards_in, later, read_example
from recoup.main.demo.months import Months, Site, has_months, months_of
from recoup.main.demo.play import play
from recoup.main.demo.progress import BEHIND, DAYS, Mark
from recoup.rules.order.faces import STATUS_NAMES
from recoup.store.lists.order_counts import count_orders, count_statuses
from recoup.store.lists.order_filter import OrderFilter
from recoup.store.merchants.merchants import move_clock, offset_of

DAY: Final = timedelta(days=1)
MOMENT: Final = timedelta(hours=6)  # lines come together: each moment is a move of the clock
COUNTING: Final = "counting"


def over_a_month(lines: Iterable[Line], file_days: int, days: int) -> list[Line]:
    """Orders of the file's first day begin on any of `days` days, always the same one; what the file begins later, and
    orders that share one counted card, keep their distance from the end. Lines beyond the end are left out."""
    by_order: dict[str, list[Line]] = {}
    for line in lines:
        by_order.setdefault(line.order, []).append(line)
    found = []
    for order, several in by_order.items():
        anchored = several[0].at >= DAY or any(COUNTING in card for line in several for card in cards_in(line.body))
        shift = DAY * (days - file_days if anchored else zlib.crc32(order.encode()) % (days - 1))
        found += [replace(line, at=_moment(line.at, several[0].at) + shift) for line in several]
    return sorted((line for line in found if line.at < DAY * days), key=lambda line: (line.at, line.number))


def _moment(at: timedelta, first: timedelta) -> timedelta:
    """A beginning goes back to its moment, what follows it forward: never before what it waits for."""
    return at // MOMENT * MOMENT if at == first else -(-at // MOMENT) * MOMENT


# Beside the sources in a clone, under the environment's `share` when installed.
_FOLDERS: Final = (Path(__file__).resolve().parents[4] / "examples", Path(sys.prefix) / "share/recoup/examples")
EXAMPLES: Final = next((one for one in _FOLDERS if (one / "day.jsonl").exists()), _FOLDERS[0])
FILE_DAYS: Final = 22
MONTHS: Final = 3
RENEWALS: Final = 2_400  # declined ones, in the three months
PAID_FROM, PAID_TO = timedelta(days=14), timedelta(days=22)  # of the file's month: when the operator approves payouts
BEFORE_WALL: Final = timedelta(minutes=85)  # when customers pay
STRIDE: Final = timedelta(hours=1)
LOOK_EVERY: Final = timedelta(days=10)
FIRST_LOOK: Final = timedelta(days=40)
PAST_NAME: Final = "charges.csv"
_COMPLETED: Final = 7
Tell = Callable[[float, str], None]  # the share that is done, and words


async def load_demo(opened: Opened, url: str, tell: Tell, months: int = 0) -> str:
    """Plays it, or the rest of it, until the merchant's clock shows the wall's time; answers what came of it. `months`:
    0 or MONTHS; a demo that was broken off goes on as it began. Without the package recoup-lab there are no months.
    Raises: Problem(invalid) in a live world."""
    if not opened.world.policy.test_mode:
        raise Problem("invalid", "The demo plays in the sandbox only.", cure="Remove --live and RECOUP_WORLD.")
    world, data_dir, merchant_id = opened.world, opened.data_dir, demo_merchant(opened.world)
    started = world.clocks.monotonic()
    mark = Mark.read(data_dir)
    if mark is None:
        if await offset_of(world.db, merchant_id) is not None:
            Mark("done", world.clocks.wall(), None).write(data_dir)
            return "Demo: its merchant already exists and is unchanged."
        behind = timedelta(days=DEMO_DAYS) if months and has_months() and world.keys.has_vault else BEHIND
        mark = Mark("playing", _wall(world).replace(microsecond=0) - behind, None, behind)
        mark.write(data_dir)
    keys, _ = await make_demo_merchant(world, _wall(world) - mark.begun)
    credentials = {
        "mid": str(merchant_id),
        "app_key": keys.app_key,
        "app_secret": keys.app_secret,
        "tokenization_key": keys.tokenization_key,
        "stablecoin_key_id": keys.stablecoin_key_id,
        "stablecoin_secret": keys.stablecoin_secret,
    }
    business = Business(world, opened.orders, merchant_id, PORTAL_USER, OPERATOR_USER)
    await business.open()
    receiver = url + RECEIVER_PATH if world.policy.loopback_webhooks and url.startswith("http:") else None
    clock = _Clock(opened, merchant_id, mark, business, receiver)
    month = later(over_a_month(read_example(EXAMPLES / "day.jsonl"), FILE_DAYS, DAYS), mark.behind - BEHIND)
    lines = [*month, *later(read_example(EXAMPLES / "customers.jsonl"), mark.behind - BEFORE_WALL)]
    if mark.behind > BEHIND:
        lines += await clock.begin_months(month)
    played = await play(
        lines,
        url,
        credentials,
        clock=clock.to,
        after=mark.done,
        done=lambda at: replace(mark, done=at).write(data_dir),
        tell=lambda at, text: tell(at / mark.behind, text),
        stored=not world.keys.has_vault,
    )
    if await clock.to_wall():
        await business.leave_cases()
        await clock.stay()
    if mark.behind > BEHIND:
        await business.look_back()
        await business.ask_back_test()
    last = await play(read_example(EXAMPLES / "no-answer.jsonl"), url, credentials, stored=not world.keys.has_vault)
    replace(mark, state="done", done=mark.behind).write(data_dir)
    shown = await _shown(world, merchant_id)
    sent = sum(played.answers.get("transmit", Counter()).values())
    unplanned = [*played.complaints, *last.complaints]
    complaints = f" Not as planned: {'; '.join(unplanned)}." if unplanned else ""
    return f"Demo: {sent} transmissions, orders: {shown}; {world.clocks.monotonic() - started:.0f} s.{complaints}"


class _Clock:
    """Moves the demo merchant's clock, with everything that falls due on the way."""

    def __init__(
        self, opened: Opened, merchant_id: Any, mark: Mark, business: Business, receiver_url: str | None
    ) -> None:
        self._opened, self._merchant_id, self._business = opened, merchant_id, business
        self._begun, self._file_at = mark.begun, mark.behind - BEHIND
        self._stride = STRIDE if mark.behind > BEHIND else timedelta(0)
        self._receiver_url, self._listens, self._look_at = receiver_url, False, FIRST_LOOK
        self._months: Months | None = None

    async def begin_months(self, month: Sequence[Line]) -> list[Line]:
        """The engine is switched on, and the shop's past brought. Answers what the shop will send."""
        sites = [Site(url, descriptor, descriptor[5:8]) for url, _, descriptor in DEMO_SITES]
        names = {line.body["paymentMethod"]["holderName"] for line in month if "paymentMethod" in line.body}
        days = DEMO_DAYS - 1
        self._months = await run_stoppable(months_of(), self._begun, days, RENEWALS, sites, sorted(names))
        await self._business.bring_past(PAST_NAME, self._months.past())
        await self._business.begin_comparison()
        return self._months.lines(month[-1].number + 1)

    async def to(self, at: timedelta) -> datetime:
        """To that point of the file; never beyond the wall, never back."""
        world = self._opened.world
        wanted = min(self._begun + at, _wall(world))
        if at >= self._file_at and not self._listens:
            await self._business.listen(self._receiver_url)
            self._listens = True
        if self._months is not None and at in self._months.moments:
            timetables = await run_stoppable(self._months.timetables, self._months.moments[at])
            await sandbox_issuer(world).keep_timetables(timetables)
        by = wanted - await self._now()
        if by > timedelta(0):
            await self._advance(by)
        if PAID_FROM <= at - self._file_at < PAID_TO:
            await self._business.approve_payouts()
        if self._months is not None and at >= self._look_at:
            await self._business.look_back()
            self._look_at = at + LOOK_EVERY
        return max(wanted, await self._now())

    async def to_wall(self) -> bool:
        """False when it stood there already."""
        world = self._opened.world
        if await offset_of(world.db, self._merchant_id) == 0:
            return False
        await self.to(_wall(world) - self._begun)
        return True

    async def stay(self) -> None:
        """From here on it shows the wall's time."""
        await move_clock(self._opened.world.db.alone, self._merchant_id, 0)

    async def _now(self) -> datetime:
        world = self._opened.world
        offset = await offset_of(world.db, self._merchant_id)
        assert offset is not None
        return world.clocks.business(offset)

    async def _advance(self, by: timedelta) -> None:
        opened = self._opened
        await advance_clock(
            opened.world,
            opened.orders,
            self._merchant_id,
            by,
            lambda merchant_id: publish_now(opened.world, opened.deliveries, merchant_id),
            stride=self._stride,
        )


def _wall(world: World) -> datetime:
    return world.clocks.wall()


async def _shown(world: World, merchant_id: Any) -> str:
    """How many orders of each status, as the portal counts them."""
    order_filter = OrderFilter(merchant_id)
    async with world.db.connection() as connection:
        counts = await count_statuses(connection, order_filter)
        parts = await count_orders(connection, replace(order_filter, statuses=(_COMPLETED,), refunded=True))
    shown = [f"{count.value} {STATUS_NAMES[code]}" for code, count in sorted(counts.items()) if count.value]
    return ", ".join(shown) + f" ({parts.value} of them part-refunded)"
