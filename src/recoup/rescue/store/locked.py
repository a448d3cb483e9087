"""Locked rows and their evidence, as the values that rules and moves work on."""

from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from msgspec import convert

from recoup.db.statement import Row
from recoup.db.table import Hex, listed
from recoup.kernel.filled import filled
from recoup.kernel.time import WallTime
from recoup.merchants.rules.merchant import Merchant
from recoup.networks.disputes import Terms
from recoup.networks.limits import Send
from recoup.networks.magic import identity_of
from recoup.networks.other_card import CardOnFile
from recoup.orders.rules.card_facts import CardFacts, StoredMethod, sealed_of
from recoup.orders.rules.card_sends import CardBlock, CardSend, initiator_of, own_tries
from recoup.orders.rules.consent import NOTHING_KEPT, KeptIds
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.known import RescueKnown, Seen
from recoup.orders.rules.snapshot import (
    Advance,
    Attempt,
    Challenge,
    LockedOrder,
    Modification,
    Order,
    Settlement,
)
from recoup.orders.store.own_tries import OwnTries
from recoup.orders.store.rows import CardFace, NetworkSend
from recoup.policies.rules.stored import held_of
from recoup.rescue.store.evidence import OrderEvidence
from recoup.terms.rules.advance_bounds import Bounds
from recoup.terms.rules.arm_terms import Known
from recoup.terms.rules.exposure import Limits
from recoup.terms.rules.fees import FeeTerm, choose
from recoup.terms.store.fee_rows import fee_terms_of

_AS_LOCKED = tuple(field.name for field in fields(LockedOrder))
_as_locked = attrgetter(*_AS_LOCKED)


def order_of(row: LockedOrder, evidence: OrderEvidence, wall: WallTime) -> Order:
    """`wall`: the instant of the transaction that has locked it."""
    merchant = _merchant_of(evidence.merchant)
    tariff = choose(
        _terms_of(evidence.fee_terms),
        site_id=row.site_id,
        order_type=row.order_type,
        currency=row.asset,
        at=merchant.business(wall),
    )
    return Order(
        merchant=merchant,
        retry=held_of(evidence.policies, merchant.business(wall)),
        tariff=tariff,
        approval=convert(evidence.approval or {}, dict[str, Any]),
        held=convert(evidence.held or {}, dict[str, Any]),
        notices=convert(evidence.notices or {}, dict[str, bool]),
        card=convert(evidence.card, _StoredCard).facts() if evidence.card else None,
        attempts=listed(evidence.attempts, Attempt),
        modifications=listed(evidence.modifications, Modification),
        challenges=listed(evidence.challenges, Challenge),
        sends=[card_send_of(row) for row in listed(evidence.sends, NetworkSend)],
        own_tries_beside=_own_tries(evidence.own_tries, merchant),
        blocks=listed(evidence.blocks, CardBlock) + listed(evidence.blocked, CardBlock),
        settlements=listed(evidence.settlements, Settlement),
        advance=convert(evidence.advance, Advance) if evidence.advance else None,
        other_card=_other_card(row.order_id, evidence.other_card),
        rescue=_rescue_known(evidence.known, evidence.others_open) if evidence.known else None,
        limits=convert(evidence.limits, Limits) if evidence.limits else None,
        advance_bounds=_bounds_of(evidence.limits),
        payer_id=contact_of(evidence).payer_id,
        disputes=listed(evidence.disputes, Dispute),
        dispute_terms=listed(evidence.dispute_terms, Terms),
        same_cards=evidence.same_cards,
        kept_ids=convert(evidence.kept_ids, KeptIds) if evidence.kept_ids else NOTHING_KEPT,
        facets=evidence.facets or {},
        arm_known=convert(evidence.arm, Known) if evidence.arm else None,
        **dict(zip(_AS_LOCKED, _as_locked(row), strict=True)),
    )


def _own_tries(others: tuple[OwnTries, ...], merchant: Merchant) -> tuple[Send, ...]:
    """Attempts of the merchant's other orders of the card."""
    return tuple(
        send
        for other in others
        for send in own_tries(
            other.facts,
            units=other.units,
            currency=other.asset,
            acceptor_id=merchant.acceptor_id,
            merchant_id=merchant.merchant_id,
            offset=merchant.offset,
        )
    )


@lru_cache(maxsize=4096)
def _merchant_of(text: str) -> Merchant:
    return _read_merchant(text)


_read_merchant = msgspec.json.Decoder(Merchant).decode


@lru_cache(maxsize=4096)
def _terms_of(text: str | None) -> tuple[FeeTerm, ...]:
    return fee_terms_of(msgspec.json.decode(text) if text else None)


def card_send_of(row: NetworkSend) -> CardSend:
    send = Send(
        at=row.at,
        units=row.units,
        currency=row.currency,
        initiator=initiator_of(row.initiator),
        acceptor_id=row.acceptor_id,
        merchant_id=str(row.merchant_id),
        state="reserved" if row.state == "reserved" else "sent",
        declined=row.declined,
        visa_category=row.visa_category,
        advice=row.advice_code,
        code=row.scheme_code,
        klass=row.klass,
        claimed=row.claimed,
        network_attempts=row.network_attempts,
    )
    return CardSend(row.send_id, send)


class Contact(Row, frozen=True):
    """Contacts by which the customer of an order is also known."""

    payer_id: UUID | None = None
    email: str | None = None
    phone: str | None = None


_UNKNOWN = Contact()


def contact_of(evidence: OrderEvidence) -> Contact:
    """The contact of an order that may be advanced; empty for others."""
    return convert(evidence.limits, Contact) if evidence.limits else _UNKNOWN


def _bounds_of(limits: object) -> Bounds | None:
    """Bounds of an order that may be advanced, once there is a version."""
    stored = limits.get("bounds") if isinstance(limits, dict) else None
    return convert(stored, Bounds) if stored else None


class _CardOnFile(Row, frozen=True):
    token_id: UUID
    pan_id: UUID
    magic: str | None
    exp_month: int
    exp_year: int


def _other_card(order_id: UUID, stored: object) -> CardOnFile | None:
    if not stored:
        return None
    row = convert(stored, _CardOnFile)
    card_id = identity_of(order_id, row.pan_id, row.magic)
    return CardOnFile(row.token_id, card_id, row.pan_id, row.exp_month, row.exp_year)


class _Looks(Row, frozen=True):
    at: tuple[datetime, ...]
    answers: tuple[int, ...]
    tries: tuple[int, ...]
    orders: tuple[UUID | None, ...]


class _Known(Row, frozen=True):
    looks: _Looks | None
    issuer_answers: tuple[int, ...] | None
    links: tuple[int, int] | None = None


def _rescue_known(stored: object, others_open: int) -> RescueKnown:
    known = convert(stored, _Known)
    looks = known.looks
    seen = map(Seen, looks.at, looks.answers, looks.tries, looks.orders) if looks else ()
    return RescueKnown(tuple(seen), others_open, known.issuer_answers or (), links=known.links)


class _StoredCard(CardFace):
    """A card of the vault, with what a processor calls it."""

    token_id: UUID
    magic: str | None
    issuer_digits: str
    kek_id: str | None
    wrapped_dek: Hex | None
    nonce: Hex | None
    ciphertext: Hex | None
    stored: StoredMethod | None = None

    def facts(self) -> CardFacts:
        return filled(CardFacts, self, sealed=self._sealed())

    def _sealed(self) -> tuple[str, bytes, bytes, bytes] | None:
        return sealed_of(self.kek_id, self.wrapped_dek, self.nonce, self.ciphertext)
