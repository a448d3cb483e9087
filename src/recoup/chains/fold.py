"""Fold of an order's deposits. Pure: the same deposits give the same result in any order of arrival
and however often each is told.

In time is what stands in a block no later than the order's end and one block. What is late by no
more than an hour can still complete the order; what comes later pays nothing by itself. All amounts
are in one unit, as a rule base units of the order's token.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Literal, NamedTuple

from recoup.kernel.frozen import frozen

GRACE: Final = timedelta(hours=1)
BLOCK: Final = timedelta(seconds=12)  # of a chain that is not named
State = Literal["seen", "confirmed", "orphaned"]


class Key(NamedTuple):
    """A transaction may hold several transfers: the log tells them apart."""

    chain: int
    tx: bytes
    log_index: int


@frozen
class Deposit:
    """A transfer to the order's address. `right`: of a token that pays this order. `block_at`: by
    the chain's clock."""

    key: Key
    block: int
    block_hash: bytes
    block_at: datetime
    value: int
    right: bool
    state: State


@frozen
class Outcome:
    """`received`: confirmed, of a right token; `seen`: not yet confirmed. `missing` and `excess`:
    to what is due, never both. `short`: what is not there of an order that is paid with less.
    `late`: the part of `received` that came after the end. `unmatched`: the part of it that came
    too late to pay. `wrong`: other tokens. `paid_by`: the transfer that completed the order, in the
    order of blocks.

    received + missing + short = due + excess + unmatched.
    """

    due: int
    received: int
    seen: int
    missing: int
    excess: int
    late: int
    unmatched: int
    wrong: tuple[Deposit, ...]
    paid_by: Key | None
    last_tx: bytes | None = None  # of the last confirmed transfer that counts
    short: int = 0

    @property
    def rest(self) -> int:
        """The amount still asked of the payer; what was seen is on its way."""
        return max(self.missing - self.seen, 0)


def fold(
    deposits: Iterable[Deposit],
    due: int,
    expires_at: datetime,
    block_times: Mapping[int, timedelta] | None = None,
    enough: int | None = None,
) -> Outcome:
    """`due` > 0. `block_times`: by chain. `enough`: what pays the order, by its merchant's
    tolerance; None: all that is due."""
    least = due if enough is None else enough
    if not 0 < least <= due:
        raise ValueError("an order is due more than nothing, and no more is enough")
    times = block_times or {}
    kept = _kept(deposits)
    right = [d for d in kept if d.right and d.value > 0]
    confirmed = [d for d in right if d.state == "confirmed"]
    ends = {d.key: expires_at + times.get(d.key.chain, BLOCK) for d in confirmed}
    total, completed = 0, None
    for d in confirmed:
        if d.block_at > expires_at + GRACE:
            break
        total += d.value
        if total >= least:
            completed = d
            break
    received = sum(d.value for d in confirmed)
    unmatched = (
        0 if completed else sum(d.value for d in confirmed if d.block_at > expires_at + GRACE)
    )
    return Outcome(
        due=due,
        received=received,
        seen=sum(d.value for d in right if d.state == "seen"),
        missing=0 if completed else due - received + unmatched,
        excess=max(received - due, 0) if completed else 0,
        late=sum(d.value for d in confirmed if d.block_at > ends[d.key]),
        unmatched=unmatched,
        wrong=tuple(d for d in kept if not d.right and d.value > 0),
        paid_by=completed.key if completed else None,
        last_tx=confirmed[-1].key.tx if confirmed else None,
        short=max(due - received, 0) if completed else 0,
    )


def _kept(deposits: Iterable[Deposit]) -> list[Deposit]:
    """Each transfer once, by time, without those that are in no block any more."""
    kept = []
    reports = sorted(set(deposits), key=lambda d: (d.key, d.block_hash, _rank(d)))
    for _, same_key in groupby(reports, key=lambda d: d.key):
        # Of one block: orphaned is later news than seen; confirmed is never undone.
        places = [
            list(same_place)[-1] for _, same_place in groupby(same_key, key=lambda d: d.block_hash)
        ]
        living = [d for d in places if d.state != "orphaned"]
        # In two blocks at once is only what moved: confirmed before seen, else the higher block.
        if living:
            kept.append(max(living, key=lambda d: (d.state == "confirmed", d.block, d.block_hash)))
    kept.sort(key=lambda d: (d.block_at, d.key.chain, d.block, d.key.log_index, d.key.tx))
    return kept


def _rank(deposit: Deposit) -> tuple[object, ...]:
    """The last of several words on one transfer in one block holds; if they differ in content, the
    least of them."""
    news = {"seen": 0, "orphaned": 1, "confirmed": 2}[deposit.state]
    return news, not deposit.right, -deposit.value, deposit.block_at, deposit.block
