"""What the sandbox issuer's own book says about network limits. It imports nothing of what it
judges.

The book has what arrived; the driver adds the moments that it alone knows, in a journal that
outlives its process.
"""

import json
import os
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple


class CameIn(NamedTuple):
    """A merchant's own decline, which counts for that merchant's sends; `known`: on the machine's
    monotonic clock."""

    card: str
    merchant: str
    currency: str
    units: int
    initiator: str
    acceptor: str
    at: float
    known: int


@dataclass
class Seen:
    """What the driver knows and the issuer's book does not: moments, and the declines that came in.

    `journal`: a file to which each is written at once, before anything that depends on it, for a
    process that may be killed at any moment.
    """

    sends: dict[str, tuple[int, int]] = field(default_factory=dict)  # attempt -> began, ended
    came_in: list[CameIn] = field(default_factory=list)
    refused: int = 0
    tried: int = 0
    journal: int | None = None

    def begun(self, id: str, began: int) -> None:
        self.sends[id] = began, 0
        self._note("begun", id, began)

    def ended(self, id: str, ended: int) -> None:
        self.sends[id] = self.sends[id][0], ended
        self._note("ended", id, ended)

    def decline(self, one: CameIn) -> None:
        self.came_in.append(one)
        self._note("decline", *one)

    def turn(self, *, refused: bool) -> None:
        self.tried, self.refused = self.tried + 1, self.refused + refused
        self._note("turn", refused)

    def add(self, other: "Seen") -> None:
        self.sends |= other.sends
        self.came_in += other.came_in
        self.refused, self.tried = self.refused + other.refused, self.tried + other.tried

    def _note(self, *words: Any) -> None:
        if self.journal is not None:
            os.write(self.journal, json.dumps(words).encode() + b"\n")


def read_journal(path: Path) -> Seen:
    """Of all processes that wrote there, one after another."""
    seen = Seen()
    with path.open("rb") as file:
        for line in file:
            match json.loads(line):
                case ["begun", id, began]:
                    seen.begun(id, began)
                case ["ended", id, ended]:
                    seen.ended(id, ended)
                case ["decline", *words]:
                    seen.decline(CameIn(*words))
                case ["turn", refused]:
                    seen.turn(refused=refused)
                case other:
                    raise AssertionError(other)
    return seen


# the judge
# --------------------------------------------------------------------------------------------------

LATEST = 1 << 62
HOURS_24, DAYS_30 = 24 * 3600.0, 30 * 24 * 3600.0
# Since 2026-11-30 they bind the merchant that heard them, and its customer for the same amount; R0
# and R1 bind less than a merchant, R3 every merchant that charges without the customer.
BANS = {"visa": {"04", "07", "12", "14", "15", "41", "43", "46", "57"}}
ADVICE = {"03", "21"}


@dataclass
class Verdict:
    """What the book says. `sends`: by their ids; `twice`: those that arrived more than once;
    `judged`: those whose moments the driver saw. `worst`: for each rule the fullest window found.
    """

    judged: int
    sends: int = 0
    twice: int = 0
    unknown: int = 0
    bans: int = 0
    breaches: tuple[str, ...] = ()
    worst: dict[str, int] = field(default_factory=lambda: defaultdict(int))


async def judge(connection: Any, seen: Seen) -> Verdict:
    came_in: dict[str, list[CameIn]] = defaultdict(list)
    for one in seen.came_in:
        came_in[one.card].append(one)
    found = Verdict(len(seen.sends))
    async with connection.transaction():
        async for rows in _cards(connection):
            found.sends += len({row["id"] for row in rows})
            found.twice += sum(row["arrived"] > 1 for row in rows)
            found.unknown += sum(row["decision"] is None for row in rows)
            _windows(rows, came_in.get(rows[0]["card"], ()), seen, found)
            _after_bans(rows, seen, found)
    return found


async def _cards(connection: Any) -> AsyncIterator[list[Any]]:
    """The charges that arrived, card by card."""
    sql = (
        "SELECT c.id, encode(c.card_mac, 'hex') AS card, c.scheme, c.units, c.currency, "
        "c.initiator, c.acceptor_id,"
        " c.merchant_id, extract(epoch FROM c.sent_at)::float8 AS at, s.decision, s.scheme_code, "
        "s.advice_code,"
        " count(*) AS arrived FROM issuer.calls c LEFT JOIN issuer.sends s ON s.id = c.id WHERE "
        "c.kind = 'charge'"
        " GROUP BY c.id, c.card_mac, c.scheme, c.units, c.currency, c.initiator, c.acceptor_id, "
        "c.merchant_id,"
        " c.sent_at, s.id ORDER BY c.card_mac"
    )
    rows: list[Any] = []
    async for row in connection.cursor(sql, prefetch=5_000):
        if rows and rows[0]["card"] != row["card"]:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def _windows(rows: Sequence[Any], declines: Sequence[CameIn], seen: Seen, found: Verdict) -> None:
    scheme = rows[0]["scheme"]
    windows: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in rows:
        for key in _keys(
            scheme, row["currency"], row["units"], row["initiator"], row["acceptor_id"]
        ):
            windows[key].append(row)
    told: dict[tuple[Any, ...], list[tuple[float, int]]] = defaultdict(
        list
    )  # by merchant and window
    for one in declines:
        for key in _keys(scheme, one.currency, one.units, one.initiator, one.acceptor):
            told[one.merchant, *key].append((one.at, one.known))
    for key, sends in windows.items():
        rule, span, most = key[0], key[1], key[2]
        # With the moment from which it was known that the send had left: never, of one that the
        # driver saw no end of.
        of_each: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for row in sends:
            ended = seen.sends.get(str(row["id"]), (0, 0))[1]
            of_each[str(row["merchant_id"])].append((row["at"], ended or LATEST))
        times = sorted(time for several in of_each.values() for time in several)
        for row in sends:
            at, began = row["at"], seen.sends.get(str(row["id"]), (0, 0))[0]
            inside = _within(times, at, span)
            theirs = _within(sorted(told.get((str(row["merchant_id"]), *key), ())), at, span)
            # What its own merchant reported counts with what had left of that merchant before it.
            reported = sum(known < began for _, known in theirs)
            own = _within(sorted(of_each[str(row["merchant_id"])]), at, span)
            before = sum(known < began for _, known in own) + 1 + reported if reported else 0
            count = max(len(inside), before)
            found.worst[rule] = max(found.worst[rule], count)
            if count > most:
                moment = datetime.fromtimestamp(at)  # noqa: DTZ006
                found.breaches += (f"{rule}: {count} in the window of {row['id']} at {moment}",)


def _within(
    times: Sequence[tuple[float, int]], at: float, span: float
) -> Sequence[tuple[float, int]]:
    return times[bisect_right(times, (at - span, LATEST)) : bisect_right(times, (at, LATEST))]


def _keys(
    scheme: str, currency: str, units: int, initiator: str, acceptor: str
) -> list[tuple[Any, ...]]:
    if scheme == "visa":
        return [("visa 20 in 30 days", DAYS_30, 20, units, currency, initiator)]
    if scheme == "mastercard":
        return [
            ("mastercard 10 in 24 hours", HOURS_24, 10, acceptor),
            ("mastercard 35 in 30 days", DAYS_30, 35, acceptor, units, currency),
        ]
    return [(f"{scheme} 20 in 30 days", DAYS_30, 20, units, currency)]


def _after_bans(rows: Sequence[Any], seen: Seen, found: Verdict) -> None:
    """Sends that were begun after a ban was known. Only declines whose moment the driver saw can be
    held against it."""
    bans: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in rows:
        ended = seen.sends.get(str(row["id"]), (0, 0))[1]
        if row["decision"] != "declined" or not ended:
            continue
        is_advised = row["scheme"] == "mastercard" and row["advice_code"] in ADVICE
        if is_advised or row["scheme_code"] in BANS.get(row["scheme"], ()):
            bans["merchant", row["merchant_id"]].append(ended)
            bans["amount", row["merchant_id"], row["units"], row["currency"]].append(ended)
        elif row["scheme"] == "visa" and row["scheme_code"] == "R3":
            bans["card",].append(ended)
        else:
            continue
        found.bans += 1
    for known in bans.values():
        known.sort()
    for row in rows:
        began = seen.sends.get(str(row["id"]), (0, 0))[0]
        amount = ("amount", row["merchant_id"], row["units"], row["currency"])
        by_merchant = [("merchant", row["merchant_id"]), ("card",)]
        for key in by_merchant if row["initiator"] == "merchant" else [amount]:
            if began and bisect_left(bans.get(key, ()), began) > 0:
                found.breaches += (
                    f"{row['scheme']}: {row['id']} was sent after the card was barred",
                )
