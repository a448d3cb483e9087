"""The installation's own attempts as columns: payments that came in declined, what was tried since,
the payments that merchants process themselves, and what they imported of the time before.

Payers and orders are told apart by 64 bits of their ids, which are random: no name, e-mail or card
number is read.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np

from recoup.db.statement import Read
from recoup.engine.bins import TRIES
from recoup.engine.learn.attempts import Attempts, Column
from recoup.engine.learn.train import ISSUERS_MAX
from recoup.insight.store.past import (
    Learner,
    PastAttempt,
    PastOrder,
    PastPayment,
    merchants_to_learn,
    past_imported,
    past_orders,
    past_transmissions,
)
from recoup.kernel.cached import cached
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Problem, Sentence, figure
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.kit.zones import offset_minutes
from recoup.networks.card import scheme_of
from recoup.networks.codes import code_of, read_decline
from recoup.rescue.rules.answer_classes import APPROVED, class_of, key_of
from recoup.rescue.rules.facts import MERCHANTS_MIN
from recoup.rescue.rules.order_facts import zone_of

ATTEMPTS_MAX: Final = 4_000_000
APART_HOURS: Final = 45 * 24.0  # what comes later under the same order id is another payment
APPROVAL: Final = "00"
_LEFT_OUT_MAX: Final = (1 << 62) - 1  # of one customer there is more than all that may be held


class Gathered(NamedTuple):
    """`lines`: issuers that may have a line of their own. `owners`: their names, as the attempts
    number them. `merchants`: of whom there is anything."""

    attempts: Attempts
    lines: Column
    owners: tuple[str, ...]
    merchants: int


@dataclass(slots=True)
class _Names:
    """Texts of all owners' rows, numbered."""

    keys: dict[str, int] = field(default_factory=dict)
    issuers: dict[str, int] = field(default_factory=dict)


# An attempt in a row: `at` in hours since 1970, `offset` in minutes.
_ROW: Final = np.dtype(
    [("payer", "<i8"), ("order", "<i8"), ("at", "<f8"), ("answer", "i1"), ("key", "<i4"),
    ("issuer", "<i4"),
     ("offset", "<i2"), ("zone", "i1"), ("credit", "i1")]
)  # fmt: skip
_PACKED: Final = Struct("<qqdbiihbb")


@dataclass(slots=True)
class _Rows:
    """Rows of one owner as they grow. A partner with all its merchants is one owner."""

    names: _Names
    packed: bytearray = field(default_factory=bytearray)
    left_out: int = 0  # bits of a customer's number that are zero for those who are kept

    def __len__(self) -> int:
        return len(self.packed) // _ROW.itemsize

    @property
    def table(self) -> Column:
        """The rows as they stand; while somebody holds it, nothing can be added."""
        return np.frombuffer(self.packed, _ROW)

    def add(
        self,
        payer: int,
        order: int,
        at: float,
        told: tuple[int, str],
        issuer: str,
        zone: tuple[int, bool],
        credit: bool,
    ) -> None:
        if payer & self.left_out:
            return
        key = self.names.keys.setdefault(told[1], len(self.names.keys))
        number = self.names.issuers.setdefault(issuer, len(self.names.issuers))
        self.packed += _PACKED.pack(payer, order, at, told[0], key, number, *zone, credit)

    def thin(self) -> None:
        """Leaves out every second of the customers, now and from now on."""
        self.left_out = self.left_out * 2 + 1
        self.packed = bytearray(self.table[(self.table["payer"] & self.left_out) == 0].tobytes())


async def gather(world: World, since: WallTime, at_most: int | None = None) -> Gathered | None:
    """Gathers what came since then; None: nothing did. Of more attempts than `at_most`, else
    `ATTEMPTS_MAX`, every second customer of the owner who has most is left out, again and again.

    Raises: Problem(too_large) for more of a single customer.
    """
    names, by_owner, contributing = _Names(), dict[str, _Rows](), set[UUID]()
    until, after = world.clocks.wall().timestamp() / 3600.0, first_id_of(since)
    number = 0
    for cell in world.every:
        async with cell.db.connection() as connection:
            merchants = await merchants_to_learn(connection)
            number += len(merchants)
            for merchant in merchants:
                rows = by_owner.setdefault(_name(merchant), _Rows(names))
                async for _ in _read(connection, merchant, since, after, rows):
                    contributing.add(merchant.merchant_id)
                    _check_size(by_owner.values(), at_most or ATTEMPTS_MAX)
    owner, table = _joined(by_owner.values(), until)
    if not len(table):
        return None
    shared = number >= MERCHANTS_MIN and len(by_owner) > 1
    return Gathered(
        *_attempts(owner, table, names, shared=shared), tuple(by_owner), len(contributing)
    )


async def _read(
    connection: Read, merchant: Learner, since: WallTime, after: UUID, rows: _Rows
) -> AsyncIterator[None]:
    """A merchant's past into the rows of its owner, a part at a time."""
    merchant_id, region = merchant.merchant_id, merchant.region
    begin = len(rows)
    async for orders, attempts in past_orders(connection, merchant_id, after):
        _add_orders(rows, region, orders, attempts)
        yield
    async for copies in past_transmissions(connection, merchant_id, after):
        if copies:
            _add_payments(rows, merchant_id, region, copies, np.zeros(0, np.int64))
            yield
    known = np.unique(rows.table["order"][begin:])
    async for imported in past_imported(connection, merchant_id, since):
        _add_payments(rows, merchant_id, region, imported, known)
        yield


def _name(merchant: Learner) -> str:
    """Name of the merchant's owner."""
    kind = "merchant" if merchant.owner == merchant.merchant_id else "partner"
    return f"{kind} {merchant.owner}"


def _check_size(owners: Collection[_Rows], at_most: int) -> None:
    while sum(map(len, owners)) > at_most:
        most = max(owners, key=len)
        if most.left_out >= _LEFT_OUT_MAX:
            raise Problem(
                "too_large",
                Sentence("One customer has more than {0} attempts.", figure(at_most)),
                field="--months",
                cure="Choose fewer months with --months.",
            )
        most.thin()


def _add_orders(
    rows: _Rows, region: str, orders: Sequence[PastOrder], attempts: Iterable[PastAttempt]
) -> None:
    by_id = {}
    for past in orders:
        order = _bits(past.order_id)
        payer = _bits(past.payer_id) if past.payer_id else order
        zone = zone_of(past.zone_facts)
        told = _told(past.scheme, past.source, past.code, past.text, past.advice, past.on, region)
        rows.add(payer, order, past.at, told, past.issuer, zone, past.credit)
        by_id[past.order_id] = order, payer, zone, past.scheme, past.issuer, past.credit
    for attempt in attempts:
        known = by_id.get(attempt.order_id)
        if known is None:
            continue
        order, payer, zone, scheme, issuer, credit = known
        told = _APPROVED
        if attempt.state != "approved":
            told = _told(scheme, None, attempt.code, None, attempt.advice_code, attempt.on, region)
        rows.add(payer, order, attempt.at, told, issuer, zone, credit)


def _add_payments(
    rows: _Rows, merchant_id: UUID, region: str, payments: Sequence[PastPayment], known: Column
) -> None:
    """Adds the payments except those that came to us otherwise, too: `known`, by their numbers.
    What an order or a copy told is trusted more than a file, and no attempt counts twice."""
    orders = [
        _bits(payment.order_id) if payment.order_id else _named(merchant_id, payment.external_id)
        for payment in payments
    ]
    for past, order, seen in zip(
        payments, orders, np.isin(np.array(orders, np.int64), known), strict=True
    ):
        if seen:
            continue
        told = _APPROVED
        if not past.approved:
            scheme = past.scheme or scheme_of(past.bin)
            told = _told(scheme, past.source, past.code, past.text, past.advice, past.on, region)
        payer = _bits(past.payer_id) if past.payer_id else order
        zone = offset_minutes(past.utc_offset, _country(past.country))
        rows.add(payer, order, past.at, told, past.bin, zone, past.credit)


_APPROVED: Final = (APPROVED, APPROVAL)


@cached(4_096)
def _told(
    scheme: str,
    source: str | None,
    code: str | None,
    text: str | None,
    advice: str | None,
    on: date,
    region: str,
) -> tuple[int, str]:
    reading = read_decline(
        scheme=scheme, code=code_of(source, code), text=text, advice=advice, on=on, region=region
    )
    return class_of(reading), key_of(reading)


def _country(told: str | None) -> str | None:
    return told if told is not None and len(told) == 2 else None


def _named(merchant_id: UUID, external_id: str) -> int:
    """The number of a payment that is no order here, by the merchant's own id of it."""
    return _signed(blake2b(merchant_id.bytes + external_id.encode(), digest_size=8).digest())


def _bits(value: UUID) -> int:
    """Half the bits of an id: of ours the random half, of a payer's, a keyed hash, any half."""
    return _signed(value.bytes[8:])


def _signed(raw: bytes) -> int:
    return int.from_bytes(raw, "big", signed=True)


def _joined(owners: Collection[_Rows], until: float) -> tuple[Column, Column]:
    """The owner of each row, and all rows. Among several owners only what happened `until` then,
    hours since 1970: who has moved a sandbox clock ahead is alone in that time, and what is learned
    and judged by the last weeks would be that owner's alone."""
    lengths = [len(rows) for rows in owners]
    owner = np.repeat(np.arange(len(owners)), lengths)
    table = np.concatenate([np.zeros(0, _ROW), *(rows.table for rows in owners)])
    if np.count_nonzero(lengths) < 2:
        return owner, table
    kept = table["at"] <= until
    return owner[kept], table[kept]


def _attempts(
    owner: Column, table: Column, names: _Names, *, shared: bool
) -> tuple[Attempts, Column]:
    """`shared`: there are merchants enough for an issuer's line to be of several of them, so that
    nobody's customers can be read off it."""
    by_order = np.lexsort((table["at"], table["order"]))
    at, answer, order, payer = (
        table[name][by_order] for name in ("at", "answer", "order", "payer")
    )
    begins = np.r_[True, order[1:] != order[:-1]]
    anew = begins | np.r_[False, (answer[:-1] == APPROVED) | (at[1:] - at[:-1] > APART_HOURS)]
    place, first_of = np.arange(len(at)), np.flatnonzero(begins)
    payer = payer[first_of[np.cumsum(begins) - 1]]  # of its order's first
    starts = np.flatnonzero(anew)
    payment = np.cumsum(anew) - 1
    tries = np.minimum(place - starts[payment], TRIES - 1)
    final = np.lexsort((tries, payment, at, payer))
    issuer, lines, issuers = _issuers(
        table["issuer"].astype(np.int64), owner, list(names.issuers), shared
    )
    placed = by_order[final]
    return Attempts(
        np.unique(payer[final], return_inverse=True)[1],
        np.unique(payment[final], return_inverse=True)[1],
        at[final],
        tries[final],
        answer[final].astype(np.int64),
        table["key"][placed].astype(np.int64),
        issuer[placed],
        table["offset"][placed] / 60.0,
        table["zone"][placed].astype(np.int64),
        table["credit"][placed].astype(np.int64),
        owner[placed],
        tuple(names.keys),
        issuers,
    ), lines


def _issuers(
    issuer: Column, owner: Column, names: Sequence[str], shared: bool
) -> tuple[Column, Column, tuple[str, ...]]:
    """Merges issuers without a line of their own into one: nobody's. A line is of several owners,
    and mostly of none of them. Of very many, those that most owners met, else those with the most
    attempts: each takes memory."""
    pairs, counts = np.unique(issuer * (1 << 32) + owner, return_counts=True)
    most = np.zeros(len(names), np.int64)
    np.maximum.at(most, pairs >> 32, counts)
    owners, all_counts = (
        np.bincount(pairs >> 32, minlength=len(names)),
        np.bincount(issuer, minlength=len(names)),
    )
    of_several = np.array([bool(name) for name in names]) & (all_counts > 0)
    if shared:
        of_several &= (owners >= MERCHANTS_MIN) & (2 * most <= all_counts)
    first = np.lexsort((-all_counts, -owners, ~of_several))[:ISSUERS_MAX]
    kept = np.sort(first[of_several[first]])
    number = np.zeros(len(names), np.int64)
    number[kept] = np.arange(1, len(kept) + 1)
    lines = np.r_[False, np.ones(len(kept), bool)]
    return number[issuer], lines, ("", *(names[n] for n in kept.tolist()))
