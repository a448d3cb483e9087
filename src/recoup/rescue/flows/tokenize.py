"""A card number becomes a token of the merchant's vault; its identity is a keyed hash that rotates
with the keys."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from msgspec.structs import asdict

from recoup.cards.store.vault import (
    Print,
    StoredCard,
    StoredCode,
    add_prints,
    find_code,
    find_prints,
    store_cards,
)
from recoup.db.coalesce import Coalescer
from recoup.db.pool import retrying
from recoup.db.statement import Tx
from recoup.db.table import hex_of
from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.networks.card import issuer_digits, luhn, scheme_of
from recoup.networks.magic import classify
from recoup.processors.rules.route_terms import check_takes_numbers
from recoup.rescue.store.evaluate import KnownCard


@dataclass(frozen=True, slots=True)
class CardGiven:
    """A card as a caller sent it, its form checked. `token_id` is ours; the same id again stores
    nothing new."""

    merchant_id: UUID
    token_id: UUID
    pan: str = field(repr=False)
    exp_month: int
    exp_year: int
    cvv: str = field(default="", repr=False)


class Stored(KnownCard):
    token_id: UUID


def check_number(world: World, merchant_id: UUID, pan: str, field_name: str) -> None:
    """Raises: Problem(invalid). The sandbox refuses every number that is not documented, real ones
    above all; a world whose routes take stored methods only, or whose keys are without a vault,
    refuses all."""
    routes = world.routes.terms(world.processors, merchant_id)
    check_takes_numbers(routes, field_name, vault=world.keys.has_vault)
    if world.policy.magic_inputs:
        if classify(pan, with_world=world.policy.world_cards) is None:
            real = luhn(pan)
            message = (
                "This card number is not one of the sandbox's test cards. Real card data must "
                "never be used here."
                if real
                else f"The field {field_name} is invalid."
            )
            cure = "Use a documented test card: `recoup sandbox inputs` lists them."
            raise Problem("invalid", message, field=field_name, cure=cure, verbatim=not real)
    elif not luhn(pan):
        raise Problem(
            "invalid",
            f"The field {field_name} is invalid.",
            field=field_name,
            cure="Send all digits of the card number; one of them is wrong or missing.",
            verbatim=True,
        )


class Vault:
    """Concurrent cards share their statements. One a world and process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store: Coalescer[CardGiven, Stored] = Coalescer(self._run)
        self._cards: Coalescer[Sequence[Print], UUID | None] = Coalescer(self._known)

    async def store(self, card: CardGiven) -> Stored:
        """Raises: Problem(unavailable)."""
        return await self._store.submit(card)

    async def card_of(self, pan: str) -> UUID | None:
        """The card's id; None for a number that came for the first time."""
        return await self._cards.submit(self._world.keys.print_of(pan))

    async def _known(self, numbers: Sequence[Sequence[Print]]) -> list[UUID | None]:
        known = await find_prints(self._world.db, [p for prints in numbers for p in prints])
        return [_card_of(prints, known) for prints in numbers]

    async def code(self, merchant_id: UUID, token_id: UUID) -> str:
        """The card's security code, where one was given within the hour and not used yet; else
        empty."""
        sealed = await find_code(self._world.db, merchant_id, token_id)
        if sealed is None:
            return ""
        plain = json.loads(
            self._world.keys.open_card(self._world.name, merchant_id, token_id, sealed)
        )
        return str(plain["cvv"])

    async def _run(self, cards: Sequence[CardGiven]) -> list[Stored]:
        return await retrying(lambda: self._transaction(cards))

    async def _transaction(self, cards: Sequence[CardGiven]) -> list[Stored]:
        keys = self._world.keys
        prints = {card.pan: keys.print_of(card.pan) for card in cards}
        known = await find_prints(
            self._world.db, [p for several in prints.values() for p in several]
        )
        missing = []
        for several in prints.values():
            card_id = _card_of(several, known) or new_id()
            missing += [(*p, card_id) for p in several if p not in known]
        if not missing:
            return await self._sealed_in(self._world.db.alone, cards, prints, known)
        async with self._world.db.transaction() as tx:
            known = await self._keep_prints(tx, prints, missing)
            return await self._sealed_in(tx, cards, prints, known)

    async def _sealed_in(
        self,
        db: Tx,
        cards: Sequence[CardGiven],
        prints: Mapping[str, Sequence[Print]],
        known: Mapping[Print, UUID],
    ) -> list[Stored]:
        stored = [self._stored(card, known[prints[card.pan][0]]) for card in cards]
        sealed = [self._row(card, made) for card, made in zip(cards, stored, strict=True)]
        codes = [self._sealed(card, {"cvv": card.cvv}) for card in cards if card.cvv]
        await store_cards(db, sealed, codes)
        return stored

    async def _keep_prints(
        self,
        tx: Tx,
        prints: Mapping[str, Sequence[Print]],
        missing: Sequence[tuple[str, bytes, UUID]],
    ) -> dict[Print, UUID]:
        """The oldest print of each card decides: a process that does not know the newest key writes
        that one too."""
        every = [card_print for several in prints.values() for card_print in several]
        oldest = {several[-1] for several in prints.values()}
        await add_prints(tx, [row for row in missing if row[:2] in oldest])
        known = await find_prints(tx, every)
        cards = {
            card_print: known[several[-1]] for several in prints.values() for card_print in several
        }
        await add_prints(
            tx,
            [(*card_print, cards[card_print]) for card_print in every if card_print not in known],
        )
        return await find_prints(tx, every)

    def _stored(self, card: CardGiven, pan_id: UUID) -> Stored:
        policy = self._world.policy
        magic = classify(card.pan, with_world=policy.world_cards) if policy.magic_inputs else None
        kind = magic.kind if magic is not None and not magic.counts else None
        return Stored(pan_id, scheme_of(card.pan), card.pan[:6], card.pan[-4:], kind, card.token_id)

    def _row(self, card: CardGiven, stored: Stored) -> StoredCard:
        sealed = self._sealed(card, {"pan": card.pan})
        return filled(
            StoredCard,
            sealed,
            **asdict(stored),
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            issuer_digits=issuer_digits(card.pan),
        )

    def _sealed(self, card: CardGiven, plain: dict[str, str]) -> StoredCode:
        world = self._world
        sealed = world.keys.seal_card(
            world.name, card.merchant_id, card.token_id, json.dumps(plain).encode()
        )
        return StoredCode(
            merchant_id=card.merchant_id,
            token_id=card.token_id,
            kek_id=sealed.kek_id,
            wrapped_dek=hex_of(sealed.wrapped_dek),
            nonce=hex_of(sealed.nonce),
            ciphertext=hex_of(sealed.ciphertext),
            created_at=world.clocks.wall(),
        )


def _card_of(prints: Sequence[Print], known: Mapping[Print, UUID]) -> UUID | None:
    """The card that one of the number's prints is known of."""
    return next((known[card_print] for card_print in prints if card_print in known), None)
