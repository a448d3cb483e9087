"""The installation's own attempts as columns: payments that came in declined, what was tried since, and the payments
that merchants process themselves.

Payers and orders are told apart by 64 bits of their ids, which are random: no name, e-mail or card number is read.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np

from recoup.flows.insight.learn.attempts import Attempts, Column
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.kernel.world import World
from recoup.rules.network.card import scheme_of
from recoup.rules.network.codes import read_decline
from recoup.rules.rescue.engine.bins import TRIES
from recoup.rules.rescue.engine.classes import APPROVED, class_of, key_of
from recoup.rules.rescue.engine.facts import MERCHANTS_MIN
from recoup.rules.rescue.engine.zones import offset_minutes
from recoup.rules.rescue.order_facts import zone_of
from recoup.store.read.past import merchants_to_learn, past_orders, past_transmissions

ATTEMPTS_MAX: Final = 4_000_000
APART_HOURS: Final = 45 * 24.0  # what comes later under the same order id is another payment
APPROVAL: Final = "00"


_LEFT_OUT_MAX: Final = (1 << 16) - 1  # then there is one customer with more than all that may be held


class Gathered(NamedTuple):
    """`lines`: issuers that may have a line of their own. `owners`: by payer, who owns the merchant. `merchants`: of
    whom there is anything."""

    attempts: Attempts
    lines: Column
    owners: Column
    merchants: int


@dataclass(slots=True)
class _Rows:
    """Columns as they grow, eight bytes a value; texts are numbered."""

    payer: "array[int]" = field(default_factory=lambda: array("q"))
    order: "array[int]" = field(default_factory=lambda: array("q"))
    at: "array[float]" = field(default_factory=lambda: array("d"))
    answer: "array[int]" = field(default_factory=lambda: array("b"))
    key: "array[int]" = field(default_factory=lambda: array("i"))
    issuer: "array[int]" = field(default_factory=lambda: array("i"))
    offset: "array[int]" = field(default_factory=lambda: array("h"))
    zone: "array[int]" = field(default_factory=lambda: array("b"))
    credit: "array[int]" = field(default_factory=lambda: array("b"))
    owner: "array[int]" = field(default_factory=lambda: array("i"))  # a partner with all its merchants is one
    keys: dict[str, int] = field(default_factory=dict)
    issuers: dict[str, int] = field(default_factory=dict)
    left_out: int = 0  # bits of a customer's number that are zero for those who are kept

    def add(
        self, owner: int, payer: int, order: int, at: float, told: tuple[int, str], issuer: str,
        zone: tuple[int, bool], credit: bool,
    ) -> None:  # fmt: skip
        if payer & self.left_out:
            return
        self.owner.append(owner)
        self.payer.append(payer)
        self.order.append(order)
        self.at.append(at)
        self.answer.append(told[0])
        self.key.append(self.keys.setdefault(told[1], len(self.keys)))
        self.issuer.append(self.issuers.setdefault(issuer, len(self.issuers)))
        self.offset.append(zone[0])
        self.zone.append(zone[1])
        self.credit.append(credit)

    def thin(self) -> None:
        """Leaves out every second of the customers, now and from now on."""
        self.left_out = self.left_out * 2 + 1
        kept = np.flatnonzero((np.array(self.payer, np.int64) & self.left_out) == 0)
        for one in fields(self):
            column = getattr(self, one.name)
            if isinstance(column, array):
                setattr(self, one.name, array(column.typecode, np.array(column)[kept].tobytes()))


async def gather(world: World, since: WallTime, at_most: int | None = None) -> Gathered | None:
    """What came since then; None: nothing did. `at_most`: of more attempts than that every second customer is left out,
    again and again; without it they are refused.

    Raises: Problem(too_large) for more than can be held in memory.
    """
    rows, found, after = _Rows(), 0, first_id_of(since)
    async with world.db.connection() as connection:
        merchants = await merchants_to_learn(connection)
        owners: dict[UUID, int] = {}
        for merchant in merchants:
            before, merchant_id = len(rows.at), merchant["merchant_id"]
            number = owners.setdefault(merchant["owner"], len(owners))
            async for orders, attempts in past_orders(connection, merchant_id, after):
                _add_orders(rows, number, merchant["region"], orders, attempts)
                _check_size(rows, at_most)
            async for copies in past_transmissions(connection, merchant_id, after):
                _add_transmissions(rows, number, merchant_id, merchant["region"], copies)
                _check_size(rows, at_most)
            found += len(rows.at) > before
    shared = len(merchants) >= MERCHANTS_MIN and len(owners) > 1
    return Gathered(*_columns(rows, shared=shared), found) if len(rows.at) else None


def _check_size(rows: _Rows, at_most: int | None) -> None:
    if at_most is not None:
        while len(rows.at) > at_most and rows.left_out < _LEFT_OUT_MAX:
            rows.thin()
    if len(rows.at) > ATTEMPTS_MAX:
        message = f"There are more than {ATTEMPTS_MAX:,} attempts."
        raise Problem("too_large", message, field="--months", cure="Choose fewer months with --months.")


def _add_orders(
    rows: _Rows, owner: int, region: str, orders: Sequence[Any], attempts: Iterable[Any]
) -> None:  # fmt: skip
    by_id = {}
    for one in orders:
        order = _bits(one["order_id"])
        payer = _bits(one["payer_id"]) if one["payer_id"] else order
        zone = zone_of(one["zone_facts"])
        told = _told(one["scheme"], one["source"], one["code"], one["text"], one["advice"], one["on"], region)
        rows.add(owner, payer, order, one["at"], told, one["issuer"], zone, one["credit"])
        by_id[one["order_id"]] = order, payer, zone, one["scheme"], one["issuer"], one["credit"]
    for one in attempts:
        known = by_id.get(one["order_id"])
        if known is None:
            continue
        order, payer, zone, scheme, issuer, credit = known
        told = _APPROVED if one["state"] == "approved" else _told(
            scheme, None, one["scheme_code"] or one["processor_code"], None, one["advice_code"], one["on"], region
        )  # fmt: skip
        rows.add(owner, payer, order, one["at"], told, issuer, zone, credit)


def _add_transmissions(rows: _Rows, owner: int, merchant_id: UUID, region: str, copies: Iterable[Any]) -> None:
    for one in copies:
        named = blake2b(merchant_id.bytes + one["external_id"].encode(), digest_size=8).digest()
        order = _bits(one["order_id"]) if one["order_id"] else _signed(named)
        payer = _bits(one["payer_id"]) if one["payer_id"] else order
        told = _APPROVED if not one["is_declined"] else _told(
            scheme_of(one["bin"]), one["code_source"], one["code"], None, None, one["on"], region
        )  # fmt: skip
        rows.add(owner, payer, order, one["at"], told, one["bin"], offset_minutes(None, _country(one["country"])),
                 one["credit"])  # fmt: skip


_APPROVED: Final = (APPROVED, APPROVAL)


@lru_cache(maxsize=65_536)
def _told(
    scheme: str, source: str | None, code: str | None, text: str | None, advice: str | None, on: date, region: str
) -> tuple[int, str]:  # fmt: skip
    reading = read_decline(scheme=scheme, source=source, code=code, text=text, advice=advice, on=on, region=region)
    return class_of(reading), key_of(reading)


def _country(told: str | None) -> str | None:
    return told if told is not None and len(told) == 2 else None


def _bits(value: UUID) -> int:
    """Of an id of ours the random half, of a payer's, a keyed hash, any half."""
    return _signed(value.bytes[8:])


def _signed(raw: bytes) -> int:
    return int.from_bytes(raw, "big", signed=True)


def _columns(rows: _Rows, *, shared: bool) -> tuple[Attempts, Column, Column]:
    """`shared`: there are merchants enough for an issuer's line to be of several of them, so that nobody's customers
    can be read off it."""
    at, answer, order = np.array(rows.at, float), np.array(rows.answer, np.int64), np.array(rows.order, np.int64)
    payer = np.array(rows.payer, np.int64)
    by_order = np.lexsort((at, order))
    at, answer, order, payer = at[by_order], answer[by_order], order[by_order], payer[by_order]
    begins = np.r_[True, order[1:] != order[:-1]]
    anew = begins | np.r_[False, (answer[:-1] == APPROVED) | (at[1:] - at[:-1] > APART_HOURS)]
    place, first_of = np.arange(len(at)), np.flatnonzero(begins)
    payer = payer[first_of[np.cumsum(begins) - 1]]  # of its order's first
    starts = np.flatnonzero(anew)
    payment = np.cumsum(anew) - 1
    tries = np.minimum(place - starts[payment], TRIES - 1)
    final = np.lexsort((tries, payment, at, payer))
    issuer, lines, issuers = _issuers(rows, shared)
    attempts = Attempts(
        np.unique(payer[final], return_inverse=True)[1], np.unique(payment[final], return_inverse=True)[1], at[final],
        tries[final], answer[final], np.array(rows.key, np.int64)[by_order][final], issuer[by_order][final],
        np.array(rows.offset)[by_order][final] / 60.0, np.array(rows.zone, np.int64)[by_order][final],
        np.array(rows.credit, np.int64)[by_order][final], tuple(rows.keys), issuers,
    )  # fmt: skip
    owners = np.zeros(attempts.payers, np.int64)
    owners[attempts.payer] = np.array(rows.owner, np.int64)[by_order][final]
    return attempts, lines, owners


def _issuers(rows: _Rows, shared: bool) -> tuple[Column, Column, tuple[str, ...]]:
    """Those without a line of their own are one: nobody's. A line is of several owners, and mostly of none of them."""
    issuer, names = np.array(rows.issuer, np.int64), list(rows.issuers)
    pairs, counts = np.unique(issuer * (1 << 32) + np.array(rows.owner, np.int64), return_counts=True)
    most = np.zeros(len(names), np.int64)
    np.maximum.at(most, pairs >> 32, counts)
    of_several = np.ones(len(names), bool)
    if shared:
        of_several = np.bincount(pairs >> 32, minlength=len(names)) >= MERCHANTS_MIN
        of_several &= 2 * most <= np.bincount(issuer, minlength=len(names))
    kept = [n for n, name in enumerate(names) if of_several[n] and name]
    number = np.zeros(len(names), np.int64)
    number[kept] = np.arange(1, len(kept) + 1)
    lines = np.r_[False, np.ones(len(kept), bool)]
    return number[issuer], lines, ("", *(names[n] for n in kept))
