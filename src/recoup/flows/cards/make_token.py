"""Due work `network_token`: a token is made for a card, a token's service is asked how it stands, or deletes it because
its customer was erased.

Intent: the token's row and id, one for each card of a merchant; then the call; then the number is sealed and the token
is in use, in one transaction. A process that dies in between asks again under the same id, which makes no second one.
"""

import asyncio
import json
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.flows.cards.joined_cards import account_named, join
from recoup.flows.cards.network_token import expiry_of
from recoup.flows.locked import Orders
from recoup.flows.world import World
from recoup.gateways.cards.credential import Card
from recoup.gateways.cards.token_service import UNKNOWN, Deletion, TokenAnswer, TokenInquiry, TokenRequest, TokenService
from recoup.gateways.keys.sealing import Sealed
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import business_at
from recoup.rules.network.card import is_expired, luhn
from recoup.rules.network.magic_tokens import card_number
from recoup.rules.order.card_facts import TokenStanding
from recoup.store.cards.network_tokens import (
    CardOfToken,
    NetworkTokenRow,
    card_of_token,
    claim_network_token,
    find_network_token,
    keep_deletion,
    keep_network_token,
    owe_deletion,
    set_standing,
    token_worked,
)
from recoup.store.cards.vault import StoredCard, add_prints, find_prints, store_cards
from recoup.store.orders.due_work import Due, make_due
from recoup.store.statement import Tx
from recoup.store.table import hex_of

TRIES_MAX: Final = 6
DELETION_TRIES_MAX: Final = 1_000  # about a week; then `recoup doctor` says so
# A request that is on its way may still make a token that the service does not know yet.
ARRIVES_WITHIN: Final = timedelta(minutes=5)
TIMEOUT_SECONDS: Final = 10.0
NAME_MAX: Final = 64


async def work_network_token(world: World, orders: Orders, due: Due) -> None:
    """`due.subject_id`: a token that is made, or the card that one is to be made for. Raises: Problem(unavailable)
    while the service does not answer: a few times, then the card goes without."""
    begun = world.clocks.wall()
    async with world.db.connection() as connection:
        token = await find_network_token(connection, due.merchant_id, due.subject_id)
        card = None if token else await card_of_token(connection, due.merchant_id, due.subject_id)
    done = True
    if token is not None and token.deletion_owed:
        done = await _delete(world, due, token)
    elif token is not None:
        done = await _look_again(world, due.merchant_id, token)
    elif card is not None and card.wants:
        done = await _make(world, due, card)
    tries_max = DELETION_TRIES_MAX if token is not None and token.deletion_owed else TRIES_MAX
    if not done and due.tries < tries_max:
        raise Problem("unavailable", "The service of network tokens does not answer.", cure="It is asked again.")
    async with world.db.transaction() as tx:
        await token_worked(tx, due.merchant_id, due.subject_id, begun)


async def _look_again(world: World, merchant_id: UUID, token: NetworkTokenRow) -> bool:
    """Whether it is known how the token stands."""
    service = world.token_services.get(token.service)
    if service is None or token.state not in ("active", "suspended"):
        return True
    inquiry = TokenInquiry(token.network_token_id, merchant_id, TIMEOUT_SECONDS)
    said = await _answer(service.standing_of(inquiry))
    if said.kept_state is None:
        return False
    async with world.db.transaction() as tx:
        expiry = expiry_of(said.exp_month, said.exp_year)
        await set_standing(tx, merchant_id, token.network_token_id, said.kept_state, expiry, world.clocks.wall())
    return True


async def _delete(world: World, due: Due, token: NetworkTokenRow) -> bool:
    """At its service, whose customer was erased here. Whether that is done, or cannot be done there."""
    service, wall = world.token_services.get(token.service), world.clocks.wall()
    answer: Deletion = "unknown"
    if service is not None:
        with suppress(Exception):  # a service that breaks has not answered
            async with asyncio.timeout(TIMEOUT_SECONDS + 1):
                answer = await service.delete_token(
                    TokenInquiry(token.network_token_id, due.merchant_id, TIMEOUT_SECONDS)
                )
    if answer == "not_known" and wall < token.requested_at + ARRIVES_WITHIN:
        answer = "unknown"
    done = answer != "unknown"
    if done or due.tries >= DELETION_TRIES_MAX:
        async with world.db.transaction() as tx:
            await keep_deletion(tx, due.merchant_id, token.network_token_id, answer, not done)
    return done


async def _make(world: World, due: Due, card: CardOfToken) -> bool:
    """Whether there is an answer."""
    now, merchant_id = world.clocks.wall(), due.merchant_id
    found = _service_for(world, merchant_id, card.scheme)
    if found is None or is_expired(card.exp_month, card.exp_year, business_at(now, card.offset_us)):
        return True
    name, service = found
    async with world.db.transaction() as tx:
        row = await claim_network_token(tx, merchant_id, card.pan_id, due.subject_id, new_id(), name, now)
    if row is None:
        return True
    plain = _opened(world, merchant_id, due.subject_id, card)
    if plain is None:
        return True
    acceptor_id = world.routes.acceptor_of(name, card.acceptor_id)
    request = TokenRequest(row.network_token_id, merchant_id, acceptor_id, plain, TIMEOUT_SECONDS)
    said = await _answer(service.make_token(request))
    if said.state == "unknown":
        return False
    await _keep(world, merchant_id, row, card, plain, said)
    return True


def _service_for(world: World, merchant_id: UUID, scheme: str) -> tuple[str, TokenService] | None:
    """The first whose route takes the merchant's cards of that network."""
    terms = {one.name: one for one in world.routes.terms(world.processors, merchant_id)}
    for name, service in world.token_services.items():
        route = terms.get(name)
        if route is not None and route.cards and (not route.schemes or scheme in route.schemes):
            return name, service
    return None


def _opened(world: World, merchant_id: UUID, token_id: UUID, card: CardOfToken) -> Card | None:
    sealed = Sealed(card.kek_id, card.wrapped_dek, card.nonce, card.ciphertext)
    try:
        plain = world.keys.open_card(world.name, merchant_id, token_id, sealed)
    except Problem:
        return None
    return Card(json.loads(plain)["pan"], card.exp_month, card.exp_year, card.scheme)


async def _answer(call: Awaitable[TokenAnswer]) -> TokenAnswer:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS + 1):
            return await call
    except Exception:  # noqa: BLE001 - a service that breaks has not answered
        return UNKNOWN


async def _keep(
    world: World, merchant_id: UUID, row: NetworkTokenRow, card: CardOfToken, plain: Card, said: TokenAnswer
) -> None:
    """The token counts as its card: its number is another print of it, and the account behind it (PAR) a name."""
    now, number = world.clocks.wall(), said.number or ""
    expiry = expiry_of(said.exp_month, said.exp_year)
    usable = said.kept_state is not None and expiry is not None and _is_token(world, number, plain.pan)
    if usable and card.magic is None and said.account_reference:
        await join(world, card.pan_id, account_named(world, said.account_reference))
    state: TokenStanding = "refused"
    async with world.db.transaction() as tx:
        if usable and expiry is not None and await _is_this_cards(world, tx, number, card.pan_id):
            state = said.kept_state or "refused"
        requestor = said.requestor_id if said.requestor_id and _is_name(said.requestor_id) else None
        kept = await keep_network_token(tx, merchant_id, row.network_token_id, state, requestor, now)
        if kept is None:  # its customer was erased meanwhile: the number is not kept
            await owe_deletion(tx, merchant_id, row.network_token_id)
            await make_due(tx, merchant_id, "network_token", row.network_token_id, now)
        elif state != "refused" and expiry is not None:
            await store_cards(tx, [_row(world, merchant_id, row, card, number, expiry)], [])


async def _is_this_cards(world: World, tx: Tx, number: str, pan_id: UUID) -> bool:
    """From here on the number is a print of the card; one that is another card's already is no token of this one."""
    prints = world.keys.print_of(number)
    await add_prints(tx, [(*one, pan_id) for one in reversed(prints)])
    return set((await find_prints(tx, prints)).values()) == {pan_id}


def _is_token(world: World, number: str, pan: str) -> bool:
    """The sandbox takes no number but those of its own tokens."""
    if number == pan or not luhn(number):
        return False
    return not world.policy.magic_inputs or card_number(number) == pan


def _is_name(text: str) -> bool:
    return len(text) <= NAME_MAX and text.isascii() and text.isprintable()


def _row(
    world: World,
    merchant_id: UUID,
    row: NetworkTokenRow,
    card: CardOfToken,
    number: str,
    expiry: tuple[int, int],
) -> StoredCard:
    plain = json.dumps({"pan": number}).encode()
    sealed = world.keys.seal_card(world.name, merchant_id, row.network_token_id, plain)
    return StoredCard(
        merchant_id=merchant_id,
        token_id=row.network_token_id,
        pan_id=card.pan_id,
        magic=card.magic,
        scheme=card.scheme,
        bin=number[:6],
        last4=number[-4:],
        exp_month=expiry[0],
        exp_year=expiry[1],
        kek_id=sealed.kek_id,
        wrapped_dek=hex_of(sealed.wrapped_dek),
        nonce=hex_of(sealed.nonce),
        ciphertext=hex_of(sealed.ciphertext),
        created_at=world.clocks.wall(),
        issuer_digits=card.issuer_digits,
    )
