"""An import begins with its due work, and ends it. Past attempts of cards that we hold become sends
that their merchant claims, under the locks of the cards."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.statement import Tx
from recoup.imports.rules.sends import (
    BESIDE,
    AttemptName,
    Candidate,
    Counted,
    CountedSend,
    counted_as,
    paired,
)
from recoup.imports.store.imported_sends import (
    WaitingSend,
    add_counted,
    mark_counted,
    merchant_sends,
    release_sends,
    taken_for,
    waiting_sends,
)
from recoup.imports.store.imports import NewImport, begin_import, drop_rest, finish_import
from recoup.kernel.filled import filled
from recoup.kernel.scope import Scope
from recoup.kernel.time import BusinessTime, WallTime
from recoup.kit.proofs.sends import find_sends
from recoup.networks.codes import Reading, answered_code, read_decline
from recoup.networks.limits import LOOKBACK, forbids_for_ever
from recoup.orders.moves.due import done_with, wait_for
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.locks import lock_cards
from recoup.orders.store.rows import NetworkSend


async def receive_import(tx: Tx, scope: Scope, new: NewImport) -> bool:
    """The import with the work that will look after it. False when the same file is one already."""
    if not await begin_import(tx, new):
        return False
    await wait_for(tx, new.merchant_id, "import", new.import_id, new.received_at)
    await note(tx, scope, new.received_at, "import.sent", new.import_id)
    return True


async def end_import(tx: Tx, key: tuple[UUID, UUID], state: str, wall: WallTime) -> None:
    """Ends the import, under its lock. `stopped`: what was not taken over goes."""
    if state == "stopped":
        await drop_rest(tx, *key)
    await finish_import(tx, *key, state, wall)
    await done_with(tx, key[0], "import", key[1])


class Part(NamedTuple):
    """A part of an import and what it is counted by. `now`: of the merchant; nothing counts
    later."""

    merchant_id: UUID
    import_id: UUID
    region: str
    now: BusinessTime
    wall: WallTime


class Attempt(NamedTuple):
    """An attempt of a card that we hold. `reading`: of its answer; None for what was not
    declined."""

    row: WaitingSend
    candidate: Candidate
    reading: Reading | None


class Judged(NamedTuple):
    """`known_as`: the send of ours that it is."""

    row: WaitingSend
    word: Counted
    known_as: UUID | None = None


async def count_sends(tx: Tx, part: Part, limit: int) -> int:
    """Counts attempts of the import as sends; answers how many were looked at; 0: none waits. Under
    the import's lock; each attempt is one send under its own id, however often it is counted. An
    attempt that a nearer one takes a send of ours from counts itself.

    Raises: SerializationError where a card was joined to another meanwhile; see `retrying`.
    """
    rows = await waiting_sends(tx, part.merchant_id, part.import_id, limit)
    if not rows:
        return 0
    named = [row for row in rows if row.card_id is not None]
    kept = await find_sends(
        tx, [row.card_id for row in named if row.card_id], [row.send_id for row in named]
    )
    there = {send.send_id for send in kept}
    attempts = [_attempt(row, part, is_counted=row.send_id in there) for row in named]
    words = {_name(row): Judged(row, "old") for row in rows}
    # What can be said before the cards are locked.
    words |= {
        _name(row): Judged(row, counted_as(candidate, part.now, ()))
        for row, candidate, _ in attempts
    }
    left = [attempt for attempt in attempts if words[_name(attempt.row)].word == "sent"]
    sends, cards = Rows(), sorted({attempt.row.card_id for attempt in left if attempt.row.card_id})
    if cards:
        heads = await lock_cards(tx, cards, part.wall)
        for attempt, judged in await _judged(tx, left, part, heads):
            words[_name(attempt.row)] = judged
            if judged.word == "sent":
                sends.network_sends.append(_send(attempt, part))
    await write(tx, sends)
    await _mark(tx, part, list(words.values()))
    added = Counter(send.order_id for send in sends.network_sends if send.send_id not in there)
    for import_id, number in sorted(added.items()):
        await add_counted(tx, part.merchant_id, import_id, number)
    return len(rows)


async def _mark(tx: Tx, part: Part, judged: Sequence[Judged]) -> None:
    released = [
        judgement.row.known_as for judgement in judged if judgement.row.known_as is not None
    ]
    await release_sends(tx, part.merchant_id, released)
    await mark_counted(
        tx,
        part.merchant_id,
        [judgement.row.provider for judgement in judged],
        [judgement.row.ref for judgement in judged],
        [judgement.word for judgement in judged],
        [judgement.known_as for judgement in judged],
    )


async def _counted(
    tx: Tx, part: Part, heads: Mapping[UUID, UUID]
) -> dict[UUID, dict[UUID, CountedSend]]:
    """Sends that count already, by the card that all are one with."""
    since = part.now - LOOKBACK - BESIDE
    by_card: dict[UUID, dict[UUID, CountedSend]] = defaultdict(dict)
    for row in await merchant_sends(tx, sorted(heads), part.merchant_id, since):
        send = CountedSend(row.send_id, row.at, row.units, row.currency, row.imported)
        by_card[heads[row.named]][row.send_id] = send
    return by_card


async def _judged(
    tx: Tx, attempts: Sequence[Attempt], part: Part, heads: Mapping[UUID, UUID]
) -> list[tuple[Attempt, Judged]]:
    """Judges the attempts of the part, and earlier ones that lose the send of ours that they were
    taken for."""
    counted = await _counted(tx, part, heads)
    ours = {
        send.send_id: head
        for head, beside in counted.items()
        for send in beside.values()
        if not send.imported
    }
    holders: dict[UUID, list[WaitingSend]] = defaultdict(list)
    for row in await taken_for(tx, part.merchant_id, sorted(ours)):
        assert row.known_as is not None
        holders[ours[row.known_as]].append(row)
    of_head: dict[UUID, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        assert attempt.row.card_id is not None
        of_head[heads[attempt.row.card_id]].append(attempt)
    return [
        judged
        for head, held in of_head.items()
        for judged in _of_card(held, holders[head], part, counted[head])
    ]


def _of_card(
    attempts: Sequence[Attempt],
    holders: Sequence[WaitingSend],
    part: Part,
    beside: dict[UUID, CountedSend],
) -> Iterator[tuple[Attempt, Judged]]:
    """The newest first: of more than are counted those that bind longest stay. What an erased
    customer's attempt was taken for stays with it."""
    before = [_attempt(row, part, is_counted=False) for row in holders if row.card_id is not None]
    kept = {row.known_as for row in holders if row.card_id is None}
    pairs = paired(
        [(_name(row), candidate) for row, candidate, _ in attempts if not candidate.is_counted],
        [send for send in beside.values() if send.send_id not in kept],
        {
            row.known_as: (_name(row), candidate)
            for row, candidate, _ in before
            if row.known_as is not None
        },
    )
    known = {name: send_id for send_id, name in pairs.items()}
    moved = [attempt for attempt in before if known.get(_name(attempt.row)) != attempt.row.known_as]
    for attempt in sorted([*attempts, *moved], key=lambda attempt: attempt.row.at, reverse=True):
        row, candidate, _ = attempt
        known_as = known.get(_name(row))
        word = counted_as(candidate, part.now, list(beside.values()), is_known=known_as is not None)
        if word == "sent":
            beside[row.send_id] = CountedSend(
                row.send_id, candidate.at, candidate.units, candidate.currency, True
            )
        yield attempt, Judged(row, word, known_as if word == "known" else None)


def _name(row: WaitingSend) -> AttemptName:
    return row.provider, row.ref


def _attempt(row: WaitingSend, part: Part, *, is_counted: bool) -> Attempt:
    at = min(row.at, part.now)
    reading = _reading(row, part, at)
    lasting = reading is not None and forbids_for_ever(reading)
    return Attempt(
        row,
        Candidate(at, row.units, row.asset, row.state != "not_sent", lasting, is_counted),
        reading,
    )


def _reading(row: WaitingSend, part: Part, at: datetime) -> Reading | None:
    """Reading of a decline; None for what was not declined."""
    if row.state != "declined":
        return None
    return read_decline(
        scheme=row.scheme,
        code=answered_code(row.scheme_code, row.processor_code, row.source),
        text=row.phrase or None,
        advice=row.advice_code or None,
        on=at.date(),
        region=part.region,
    )


def _send(attempt: Attempt, part: Part) -> NetworkSend:
    row, candidate, reading = attempt
    assert row.card_id is not None
    answered = row.state in ("approved", "declined")
    return filled(
        NetworkSend,
        row,
        currency=row.asset,
        merchant_id=part.merchant_id,
        order_id=row.import_id,
        at=candidate.at,
        state="not_sent" if row.state == "not_sent" else "sent",
        declined=row.state == "declined" if answered else None,
        scheme_code=reading.code if reading else None,
        advice_code=reading.advice if reading else None,
        visa_category=reading.visa_category if reading else None,
        klass=reading.klass if reading else None,
        lasting=candidate.lasting,
        claimed=True,
        known_at=part.wall,
        answered_at=part.wall if answered else None,
        imported=True,
    )
