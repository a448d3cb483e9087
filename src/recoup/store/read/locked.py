"""Locked rows and their evidence, as the values that rules and moves work on."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, get_type_hints
from uuid import UUID

import msgspec

from recoup.kernel.time import WallTime
from recoup.rules.money.disputes import Terms
from recoup.rules.money.exposure import Limits
from recoup.rules.money.fees import FeeTerm, Tariff, choose
from recoup.rules.order.known import RescueKnown, Seen
from recoup.rules.order.snapshot import (
    Advance,
    Attempt,
    CardFacts,
    Challenge,
    Dispute,
    Merchant,
    Modification,
    Order,
    Settlement,
)
from recoup.rules.rescue.arms import Known
from recoup.rules.rescue.arms import Terms as ArmTerms
from recoup.store.read.evidence import OrderEvidence
from recoup.store.write.locks import LockedOrder

_AS_LOCKED = tuple(name for name in LockedOrder.__struct_fields__ if name != "merchant_id")
_as_locked = attrgetter(*_AS_LOCKED)


def merchant_of(row: Mapping[str, Any]) -> Merchant:
    plain = (
        "version",
        "name",
        "offset_us",
        "mit_mode",
        "cit_web",
        "cit_callcenter",
        "mit",
        "region",
        "acceptor_id",
        "cit_unresolved",
        "killed",
        "capture_window_minutes",
        "unknown_sites",
        "state",
        "sight",
    )
    return Merchant(merchant_id=_id(row["merchant_id"]), **{name: row[name] for name in plain})


def fee_terms_of(rows: Iterable[Mapping[str, Any]] | None) -> tuple[FeeTerm, ...]:
    """Rows of fee_terms as JSON."""
    return tuple(
        FeeTerm(
            _id(r["term_id"]),
            datetime.fromisoformat(r["valid_from"]),
            Tariff(r["basis_points"], r["fixed_units"], r["minimum_units"], r["refund"], _id(r["term_id"])),
            site_id=_id(r["site_id"]) if r["site_id"] else None,
            order_type=r["order_type"],
            currency=r["currency"],
            ended=r["ended"],
        )
        for r in rows or ()
    )


def order_of(row: LockedOrder, evidence: OrderEvidence, wall: WallTime) -> Order:
    """`wall`: the instant of the transaction that has locked it."""
    card, merchant = evidence.card, _merchant_of(evidence.merchant)
    tariff = choose(
        _terms_of(evidence.fee_terms),
        site_id=row.site_id,
        order_type=row.order_type,
        currency=row.asset,
        at=merchant.business(wall),
    )
    return Order(
        merchant=merchant,
        tariff=tariff,
        approval=evidence.approval or {},
        held=evidence.held or {},
        notices=evidence.notices or {},
        card=_card(card) if card else None,
        attempts=[_typed(Attempt, a) for a in evidence.attempts or ()],
        refunds=[_typed(Modification, r) for r in evidence.refunds or ()],
        challenges=[_typed(Challenge, c) for c in evidence.challenges or ()],
        sends=[{**s, "at": datetime.fromisoformat(s["at"])} for s in evidence.sends or ()],
        blocks=[*(evidence.blocks or ()), *(evidence.blocked or ())],
        settlements=[_typed(Settlement, s) for s in evidence.settlements or ()],
        advance=_typed(Advance, evidence.advance) if evidence.advance else None,
        rescue=known_of(evidence.known, evidence.others_open) if evidence.known else None,
        limits=limits_of(evidence.limits) if evidence.limits else None,
        payer_id=_id(payer) if (payer := (evidence.limits or {}).get("payer_id")) else None,
        disputes=[_typed(Dispute, d) for d in evidence.disputes or ()],
        dispute_terms=[terms_of(t) for t in evidence.dispute_terms or ()],
        arm_known=_arm_known(evidence.arm) if evidence.arm else None,
        **dict(zip(_AS_LOCKED, _as_locked(row), strict=True)),
    )


@lru_cache(maxsize=4096)
def _merchant_of(text: str) -> Merchant:
    return merchant_of(msgspec.json.decode(text))


@lru_cache(maxsize=4096)
def _terms_of(text: str | None) -> tuple[FeeTerm, ...]:
    return fee_terms_of(msgspec.json.decode(text) if text else None)


def limits_of(row: Mapping[str, Any]) -> Limits:
    return Limits(**{f.name: row[f.name] for f in fields(Limits)})


def arm_terms_of(row: Mapping[str, Any]) -> ArmTerms:
    return ArmTerms(**{f.name: row[f.name] for f in fields(ArmTerms)})


def _arm_known(stored: Mapping[str, Any]) -> Known:
    return Known(arm_terms_of(stored["terms"]), stored["stopped"])


def known_of(row: Mapping[str, Any], others_open: int) -> RescueKnown:
    looks = row["looks"] or {"at": (), "answers": (), "tries": (), "orders": ()}
    seen = (
        Seen(datetime.fromisoformat(at), answer, tries, _id(order_id) if order_id else None)
        for at, answer, tries, order_id in zip(
            *(looks[name] for name in ("at", "answers", "tries", "orders")), strict=True
        )
    )
    return RescueKnown(tuple(seen), others_open, tuple(row["issuer_answers"] or ()))


def _card(row: Mapping[str, Any]) -> CardFacts:
    sealed = (row["kek_id"], *(bytes.fromhex(row[name][2:]) for name in ("wrapped_dek", "nonce", "ciphertext")))
    plain = {name: row[name] for name in ("scheme", "bin", "last4", "magic", "exp_month", "exp_year", "issuer_digits")}
    return CardFacts(token_id=_id(row["token_id"]), sealed=sealed, **plain)


def terms_of(row: Mapping[str, Any]) -> Terms:
    valid_from = row["valid_from"]
    if isinstance(valid_from, str):
        valid_from = datetime.fromisoformat(valid_from)
    plain = {name: row[name] for name in ("asset", "service_borne_by", "fee_units", "fee_borne_by", "block_cards")}
    return Terms(valid_from=valid_from, **plain)


def _typed(cls: type, raw: Mapping[str, Any]) -> Any:
    """A row that came as JSON: texts become the dates and ids that the value declares."""
    return cls(
        **{name: raw[name] if read is None or raw[name] is None else read(raw[name]) for name, read in _readers(cls)}
    )


@cache
def _readers(cls: type) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    found = []
    for name, hint in get_type_hints(cls).items():
        kind = str(hint)
        one = datetime.fromisoformat if "datetime" in kind else _id if "UUID" in kind else None
        found.append((name, _ids if "tuple" in kind else one))
    return tuple(found)


def _ids(values: Iterable[Any]) -> tuple[UUID, ...]:
    return tuple(_id(value) for value in values)


def _id(value: Any) -> UUID:
    return value if type(value) is UUID else UUID(str(value))
