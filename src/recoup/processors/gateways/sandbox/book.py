"""The issuer's book: what arrived, what was decided. Every function commits before it returns.

All SQL of the sandbox issuer stands here, in `disputes`, `faults` and `movements`; it touches the
schema `issuer` only.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from recoup.kernel.frozen import frozen
from recoup.processors.gateways.port import Charge, ModificationMessage
from recoup.processors.gateways.sandbox.connections import install_book


async def install(connection: asyncpg.Connection, role: str | None = None) -> None:
    """Make the book where it is missing, and let `role` write it. Safe to repeat and to run twice
    at once."""
    await install_book(connection, "recoup.processors.gateways.sandbox")
    if role is not None:
        quoted = '"' + role.replace('"', '""') + '"'
        await connection.execute(
            f"GRANT USAGE ON SCHEMA issuer TO {quoted};"
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA issuer TO {quoted};"
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA issuer TO {quoted}"
        )


NO_ANSWERS: Final = -1


class NoAnswerError(Exception):
    """The issuer does not answer inquiries about this message yet."""


@frozen
class Decided:
    """A decision as it stands in the book. `known_from`: until then nobody outside can know it.
    `units`: of a charge, what was asked for, or approved of it."""

    decision: str
    scheme_code: str | None
    advice_code: str | None = None
    why: str | None = None
    known_from: datetime | None = None
    units: int | None = None


@frozen
class Past:
    """Past of a charge in the book, before it is decided."""

    faults: frozenset[str]
    sends: int
    declines: int
    decided: Decided | None
    scripted: bool | None = None
    timed: str | None = None


_PAST = """
SELECT before.*, own.decision, own.scheme_code, own.advice_code, own.known_from, own.units,
       (SELECT array_agg(kind) FROM issuer.faults WHERE until > $4) AS faults,
       (SELECT approved FROM issuer.next_answers WHERE order_id = $2) AS scripted,
       (SELECT count(*) FROM issuer.dropped WHERE order_id = $2) AS dropped,
       (SELECT answers[greatest(width_bucket($6::timestamptz, since), 1)]
        FROM issuer.timetables WHERE card_mac = $3 AND units = $5) AS timed
FROM (
    SELECT count(*) AS sends, count(*) FILTER (WHERE decision = 'declined') AS declines
    FROM issuer.sends WHERE order_id = $2 AND card_mac = $3 AND id <> $1
) AS before LEFT JOIN issuer.sends AS own ON own.id = $1
"""


async def past(
    connection: asyncpg.Connection, charge: Charge, card_mac: bytes, now: datetime
) -> Past:
    """Counts are of the charge's order and card, this charge left out; what was dropped counts as
    sent. `timed`: what the card's timetable says at the charge's time."""
    row = await connection.fetchrow(
        _PAST, charge.id, charge.order_id, card_mac, now, charge.units, charge.sent_at
    )
    own = _decided(row) if row["decision"] is not None else None
    sends = row["sends"] + row["dropped"]
    return Past(
        frozenset(row["faults"] or ()), sends, row["declines"], own, row["scripted"], row["timed"]
    )


@frozen
class Timetable:
    """The issuer's answers to a card's charges of this amount: `answers[n]` from `since[n]` on."""

    pan: str
    units: int
    since: Sequence[datetime]
    answers: Sequence[str]


async def keep_timetables(
    connection: asyncpg.Connection, rows: Sequence[tuple[bytes, Timetable]]
) -> None:
    """Replaces earlier ones of the same cards and amounts."""
    await connection.executemany(
        "INSERT INTO issuer.timetables (card_mac, units, since, answers) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (card_mac, units) DO UPDATE SET since = excluded.since, answers = "
        "excluded.answers",
        [(mac, timetable.units, timetable.since, timetable.answers) for mac, timetable in rows],
    )


async def tell(connection: asyncpg.Connection, order_id: UUID, approved: bool) -> None:
    """The order's next charges get this answer, until another is set."""
    await connection.execute(
        "INSERT INTO issuer.next_answers VALUES ($1, $2)"
        " ON CONFLICT (order_id) DO UPDATE SET approved = excluded.approved",
        order_id,
        approved,
    )


def _decided(row: asyncpg.Record) -> Decided:
    return Decided(
        row["decision"],
        row["scheme_code"],
        row["advice_code"],
        None,
        row["known_from"],
        row["units"],
    )


_ARRIVED = """
INSERT INTO issuer.calls (id, kind, received_at, sent_at, charge_id, card_mac, scheme, units,
  currency,
                          initiator, acceptor_id, order_id, merchant_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


async def arrived(
    connection: asyncpg.Connection, charge: Charge, card_mac: bytes, now: datetime
) -> None:
    """A charge's message came in, and nothing was decided by it."""
    await connection.execute(
        _ARRIVED,
        charge.id,
        "charge",
        now,
        charge.sent_at,
        None,
        card_mac,
        charge.card.scheme,
        charge.units,
        charge.currency,
        charge.initiator,
        charge.acceptor_id,
        charge.order_id,
        charge.merchant_id,
    )


_DECIDE = """
WITH call AS (
    INSERT INTO issuer.calls (id, kind, received_at, sent_at, card_mac, scheme, units, currency,
      initiator,
                              acceptor_id, order_id, merchant_id)
    VALUES ($1, 'charge', $12, $11, $4, $5, $6, $7, $8, $9, $2, $3)
)
INSERT INTO issuer.sends (id, order_id, merchant_id, card_mac, scheme, units, currency, initiator,
                          acceptor_id, capture, sent_at, decided_at,
                          decision, scheme_code, advice_code, known_from,
                          hidden_inquiries, descriptor, route)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
ON CONFLICT (id) DO NOTHING
RETURNING id
"""


async def decide_charge(
    connection: asyncpg.Connection,
    charge: Charge,
    card_mac: bytes,
    now: datetime,
    decided: Decided,
    hidden: int,
    route: str,
) -> Decided:
    """The message arrives and is decided, once for its id: the loser of a race gets the winner's
    decision."""
    mine = await connection.fetchval(
        _DECIDE,
        charge.id,
        charge.order_id,
        charge.merchant_id,
        card_mac,
        charge.card.scheme,
        charge.units,
        charge.currency,
        charge.initiator,
        charge.acceptor_id,
        charge.capture,
        charge.sent_at,
        now,
        decided.decision,
        decided.scheme_code,
        decided.advice_code,
        decided.known_from,
        hidden,
        charge.descriptor,
        route,
    )
    if mine is not None:
        return decided
    return _decided(
        await connection.fetchrow("SELECT * FROM issuer.sends WHERE id = $1", charge.id)
    )


async def drop(connection: asyncpg.Connection, charge: Charge, why: str, now: datetime) -> None:
    await connection.execute(
        "INSERT INTO issuer.dropped (id, order_id, why, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO "
        "NOTHING",
        charge.id,
        charge.order_id,
        why,
        now,
    )


async def inquire(connection: asyncpg.Connection, id: UUID, now: datetime) -> Decided | None:
    """The decision that an inquiry by our id finds, as charge or reversal; the inquiry is written
    down itself. Raises: NoAnswerError."""
    async with connection.transaction():
        row = await connection.fetchrow(
            "SELECT decision, scheme_code, advice_code, known_from, units, hidden_inquiries,"
            " hidden_inquiries > (SELECT count(*) FROM issuer.calls AS c"
            " WHERE c.id = s.id AND c.kind = 'inquiry') AS hidden "
            "FROM issuer.sends s WHERE id = $1",
            id,
        )
        await connection.execute(
            "INSERT INTO issuer.calls (id, kind, received_at) VALUES ($1, 'inquiry', $2)", id, now
        )
        if row is None:
            return await find_reversal(connection, id)
        unknown_yet = row["known_from"] is not None and row["known_from"] > now
        if unknown_yet and row["hidden_inquiries"] == NO_ANSWERS:
            raise NoAnswerError
        if row["hidden"] or unknown_yet:
            return None
        return _decided(row)


async def end_silence(
    connection: asyncpg.Connection, ids: Sequence[UUID], now: datetime
) -> list[UUID]:
    """Ends the silence about those of these charges about which inquiries would have had no answer
    for longer: now they have. Returns them."""
    rows = await connection.fetch(
        "UPDATE issuer.sends SET known_from = $2 WHERE id = ANY ($1) AND hidden_inquiries = $3 AND "
        "known_from > $2"
        " RETURNING id",
        ids,
        now,
        NO_ANSWERS,
    )
    return [row["id"] for row in rows]


async def find_reversal(connection: asyncpg.Connection, id: UUID) -> Decided | None:
    row = await connection.fetchrow("SELECT decision, why FROM issuer.reversals WHERE id = $1", id)
    return Decided(row["decision"], None, None, row["why"]) if row else None


# The message arrives, and its charge is locked.
_CHARGED = """
WITH call AS (
    INSERT INTO issuer.calls (id, kind, received_at, sent_at, charge_id, units, currency)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
)
SELECT units, currency, capture, decision = 'approved' AND coalesce(known_from <= $3,
  true) AS charged
FROM issuer.sends WHERE id = $5 FOR UPDATE
"""
# `own_*`: what was decided for this very id.
_REVERSED = """
SELECT (SELECT decision FROM issuer.reversals WHERE id = $2) AS own_decision,
       (SELECT why FROM issuer.reversals WHERE id = $2) AS own_why,
       coalesce(sum(units) FILTER (WHERE kind = 'refund'
         AND failed_at IS NULL), 0)::bigint AS refunded,
       count(*) FILTER (WHERE kind = 'void') AS voids,
       coalesce(sum(units) FILTER (WHERE kind = 'capture'), 0)::bigint AS captured,
       coalesce(bool_or(kind = 'capture' AND final_part), false) AS closed,
       (SELECT coalesce(sum(units), 0)::bigint FROM issuer.disputes
        WHERE charge_id = $1 AND stage <> 'inquiry' AND status <> 'won') AS disputed
FROM issuer.reversals WHERE charge_id = $1 AND decision = 'approved'
"""


async def decide_reversal(
    connection: asyncpg.Connection,
    reversal: ModificationMessage,
    now: datetime,
    refuse: bool = False,
) -> Decided:
    """A refund, void or capture arrives and is decided, once for its id, in the order of arrival
    for its charge."""
    async with connection.transaction():
        charge = await connection.fetchrow(
            _CHARGED,
            reversal.id,
            reversal.kind,
            now,
            reversal.sent_at,
            reversal.charge_id,
            reversal.units,
            reversal.currency,
        )
        before = await connection.fetchrow(_REVERSED, reversal.charge_id, reversal.id)
        if before["own_decision"] is not None:
            return Decided(before["own_decision"], None, None, before["own_why"])
        why = "refused_by_test_card" if refuse else _refusal(reversal, charge, before)
        decision = "declined" if why else "approved"
        mine = await connection.fetchval(
            "INSERT INTO issuer.reversals (id, charge_id, kind, units, currency, sent_at, "
            "decided_at,"
            " decision, why, final_part) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (id) DO NOTHING RETURNING id",
            reversal.id,
            reversal.charge_id,
            reversal.kind,
            reversal.units,
            reversal.currency,
            reversal.sent_at,
            now,
            decision,
            why,
            reversal.final_part,
        )
        if (
            mine is None
        ):  # same id for another charge, or for one that does not exist, at the same time
            earlier = await find_reversal(connection, reversal.id)
            assert earlier is not None
            return earlier
        return Decided(decision, None, None, why)


def _refusal(
    reversal: ModificationMessage, charge: asyncpg.Record | None, before: asyncpg.Record
) -> str | None:
    """The reason why a refund, void or capture is refused: a processor code of ours, or None when
    it is done."""
    if charge is None or not charge["charged"]:
        return "no_such_charge"
    if reversal.currency != charge["currency"]:
        return "wrong_currency"
    taken = charge["units"] if charge["capture"] else before["captured"]
    if before["voids"] and not (reversal.kind == "refund" and taken):
        return "already_voided"
    if reversal.kind == "refund":
        if not taken:
            return "not_captured"
        if before["disputed"] and before["refunded"] + before["disputed"] + reversal.units > taken:
            return "charged_back"
        return "over_charge" if before["refunded"] + reversal.units > taken else None
    held = charge["units"] - before["captured"]
    if reversal.kind == "capture":
        if charge["capture"] or before["closed"] or not held:
            return "already_captured"
        return "more_than_is_held" if reversal.units > held else None
    if reversal.units != held:
        return "not_the_full_amount"
    return "already_refunded" if before["refunded"] else None


_STATEMENT = """
SELECT s.sent_at AS at, s.descriptor, coalesce(c.units, s.units) AS units, s.currency
  FROM issuer.sends s
LEFT JOIN issuer.reversals c ON c.charge_id = s.id AND c.kind = 'capture'
  AND c.decision = 'approved'
WHERE s.order_id = $1 AND s.decision = 'approved' AND coalesce(s.known_from <= $2, true)
UNION ALL
SELECT r.sent_at, s.descriptor || CASE r.kind WHEN 'void' THEN ' (let go)'
  ELSE ' (refund)' END, -r.units, r.currency
FROM issuer.reversals r JOIN issuer.sends s ON s.id = r.charge_id
WHERE s.order_id = $1 AND r.decision = 'approved' AND (r.kind = 'refund' AND r.failed_at IS NULL
  OR r.kind = 'void'
  AND NOT EXISTS (SELECT FROM issuer.reversals c
    WHERE c.charge_id = s.id AND c.kind = 'capture' AND c.decision = 'approved'))
ORDER BY at
"""


async def statement(
    connection: asyncpg.Connection, order_id: UUID, now: datetime
) -> list[asyncpg.Record]:
    """The cardholder's statement of an order: at, descriptor, units (refunds below zero),
    currency."""
    return list(await connection.fetch(_STATEMENT, order_id, now))
