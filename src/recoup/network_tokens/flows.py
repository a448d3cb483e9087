"""Network tokens: made for a card, asked about, deleted when the customer is erased; sent in the
card's place, with a cryptogram for each charge; and what an answer or a notice says of one.

Due work `network_token`: intent is the token's row and id, one for each card of a merchant; then
the call; then the number is sealed and the token is in use, in one transaction. A process that dies
in between asks again under the same id, which makes no second one.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, get_args
from uuid import UUID

from recoup.cards.flows.joined_cards import account_named, join
from recoup.cards.rules.token_notices import TOKEN_NOTICES, TokenNotice
from recoup.cards.store.vault import StoredCard, add_prints, find_prints, store_cards
from recoup.db.statement import Tx
from recoup.db.table import hex_of
from recoup.kernel.feature import FeatureDue
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, figure
from recoup.kernel.texts import is_printable
from recoup.kernel.time import business_at
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each, home_of
from recoup.network_tokens.rules import (
    TokenInput,
    TokenStanding,
    decide_token,
    is_wanted,
    speaks_of_token,
)
from recoup.network_tokens.store import (
    OF_CARD,
    CardOfToken,
    NetworkTokenRow,
    card_of_token,
    claim_network_token,
    count_undeleted,
    erase_tokens,
    find_network_token,
    keep_deletion,
    keep_network_token,
    owe_deletion,
    owe_deletions,
    set_standing,
)
from recoup.networks.card import is_expired, luhn
from recoup.networks.codes import Reading
from recoup.networks.magic_tokens import card_number
from recoup.orders.flows.find_order import find_one
from recoup.orders.moves.change import Change
from recoup.orders.rules.decision import Decision
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.orders.store.due_work import Due, end_work_begun, make_due
from recoup.outside.keys.sealing import Sealed
from recoup.processors.gateways.credential import Card, Token
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.sandbox.tokens import SandboxTokens, TokenChange
from recoup.processors.gateways.token_service import (
    UNKNOWN,
    CryptogramRequest,
    Deletion,
    TokenAnswer,
    TokenInquiry,
    TokenRequest,
    TokenService,
)
from recoup.processors.rules.credential import TokenState
from recoup.rescue.flows.locked import Orders
from recoup.routes.flows.signed_notices import read_signed
from recoup.routes.store.processor_notices import AtDoor, count_notice

DUE: Final = FeatureDue("network_token")
TRIES_MAX: Final = 6
CHANGES: Final[tuple[TokenChange, ...]] = get_args(TokenChange)  # by `recoup sandbox token`
DELETION_TRIES_MAX: Final = 1_000  # about a week; then `recoup doctor` says so
# A request that is on its way may still make a token that the service does not know yet.
ARRIVES_WITHIN: Final = timedelta(minutes=5)
TIMEOUT_SECONDS: Final = 10.0
NAME_MAX: Final = 64
CRYPTOGRAM_SECONDS_MAX: Final = 1.0
CRYPTOGRAM_SHARE: Final = 4  # of a charge's time at most a quarter is waited for it
CRYPTOGRAM_MAX: Final = 128


def want_token(change: Change, planned_at: datetime) -> None:
    """A later attempt of the merchant's may go by a network token, which is made meanwhile."""
    order = change.order
    if planned_at <= change.now or order.token_id is None or order.initiator != "merchant":
        return
    if is_wanted(order.facet(OF_CARD), change.wall):
        change.due(DUE, change.now, subject_id=order.token_id)


def gone(
    change: Change, attempt: Attempt, reading: Reading, standing: TokenState | None
) -> Callable[[], tuple[Decision, UUID]] | None:
    """The decision by a decline that speaks of the network token alone."""
    order = change.order
    if (
        standing is None
        or standing == "active"
        or attempt.by_token is None
        or not speaks_of_token(reading)
    ):
        return None
    given = TokenInput(reading, standing, change.now)

    def by_card() -> tuple[Decision, UUID]:
        decision = decide_token(given)
        return decision, change.decide(decision, given.features())

    return by_card if order.initiator == "merchant" or order.collecting() is not None else None


async def delete_tokens(
    tx: Tx, merchant_id: UUID, order_ids: Sequence[UUID], wall: datetime
) -> None:
    """Deletes the tokens of these orders' cards, before the orders are erased: here, and at their
    services."""
    for token_id in await owe_deletions(tx, merchant_id, order_ids):
        await make_due(tx, merchant_id, DUE, token_id, wall)
    await erase_tokens(tx, merchant_id, order_ids)


async def undeleted(world: World) -> list[tuple[str, str, str]]:
    """Network tokens of customers who were erased that no service deleted in time; nothing where
    there are none."""
    answers = await ask_each(world, lambda cell: count_undeleted(cell.db))
    left = sum(count for _, count in answers.said)
    finding = Sentence("{0} of erased customers were not deleted at their service", figure(left))
    cure = (
        "Delete them there by their ids: SELECT service, network_token_id FROM network_tokens "
        "WHERE deletion_owed."
    )
    return [("network tokens", finding, cure)] if left else []


async def work_network_token(world: World, orders: Orders, due: Due) -> None:
    """`due.subject_id`: a token that is made, or the card that one is to be made for. Raises:
    Problem(unavailable) while the service does not answer: a few times, then the card goes
    without."""
    begun = world.clocks.wall()
    token = await find_network_token(world.db, due.merchant_id, due.subject_id)
    card = None if token else await card_of_token(world.db, due.merchant_id, due.subject_id)
    done = True
    if token is not None and token.deletion_owed:
        done = await _delete(world, due, token)
    elif token is not None:
        done = await _look_again(world, due.merchant_id, token)
    elif card is not None and card.wants:
        done = await _make(world, due, card)
    tries_max = DELETION_TRIES_MAX if token is not None and token.deletion_owed else TRIES_MAX
    if not done and due.tries < tries_max:
        raise Problem(
            "unavailable",
            "The service of network tokens does not answer.",
            cure="It is asked again.",
        )
    async with world.db.transaction() as tx:
        await end_work_begun(tx, due.merchant_id, DUE, due.subject_id, begun)


async def _look_again(world: World, merchant_id: UUID, token: NetworkTokenRow) -> bool:
    """True when the token's state is now known."""
    service = world.token_services.get(token.service)
    if service is None or token.state not in ("active", "suspended"):
        return True
    inquiry = TokenInquiry(token.network_token_id, merchant_id, TIMEOUT_SECONDS)
    said = await _answer(service.standing_of(inquiry))
    if said.kept_state is None:
        return False
    async with world.db.transaction() as tx:
        expiry = expiry_of(said.exp_month, said.exp_year)
        await set_standing(
            tx, merchant_id, token.network_token_id, said.kept_state, expiry, world.clocks.wall()
        )
    return True


async def _delete(world: World, due: Due, token: NetworkTokenRow) -> bool:
    """Deletes at its service a token whose customer was erased here. True when that is done, or
    cannot be done there."""
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
    """Requests a token for the card. True when there is an answer."""
    now, merchant_id = world.clocks.wall(), due.merchant_id
    service_named = _service_for(world, merchant_id, card.scheme)
    if service_named is None or is_expired(
        card.exp_month, card.exp_year, business_at(now, card.offset_us)
    ):
        return True
    name, service = service_named
    async with world.db.transaction() as tx:
        row = await claim_network_token(
            tx, merchant_id, card.pan_id, due.subject_id, new_id(), name, now
        )
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
    terms = {term.name: term for term in world.routes.terms(world.processors, merchant_id)}
    for name, service in world.token_services.items():
        route = terms.get(name)
        if route is not None and route.cards and (not route.schemes or scheme in route.schemes):
            return name, service
    return None


def _opened(world: World, merchant_id: UUID, token_id: UUID, card: CardOfToken) -> Card | None:
    try:
        plain = world.keys.open_card(world.name, merchant_id, token_id, card)
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
    world: World,
    merchant_id: UUID,
    row: NetworkTokenRow,
    card: CardOfToken,
    plain: Card,
    said: TokenAnswer,
) -> None:
    """The token counts as its card: its number is another print of it, and the account behind it
    (PAR) a name."""
    now, number = world.clocks.wall(), said.number or ""
    expiry = expiry_of(said.exp_month, said.exp_year)
    usable = (
        said.kept_state is not None and expiry is not None and _is_token(world, number, plain.pan)
    )
    if usable and card.magic is None and said.account_reference:
        await join(world, card.pan_id, account_named(world, said.account_reference))
    state: TokenStanding = "refused"
    async with world.db.transaction() as tx:
        if usable and expiry is not None and await _is_this_cards(world, tx, number, card.pan_id):
            state = said.kept_state or "refused"
        requestor = said.requestor_id if said.requestor_id and _is_name(said.requestor_id) else None
        kept = await keep_network_token(
            tx, merchant_id, row.network_token_id, state, requestor, now
        )
        if kept is None:  # its customer was erased meanwhile: the number is not kept
            await owe_deletion(tx, merchant_id, row.network_token_id)
            await make_due(tx, merchant_id, DUE, row.network_token_id, now)
        elif state != "refused" and expiry is not None:
            await store_cards(tx, [_row(world, merchant_id, row, card, number, expiry)], [])


async def _is_this_cards(world: World, tx: Tx, number: str, pan_id: UUID) -> bool:
    """Records the number as a print of the card from here on; False when it is another card's
    already, and so no token of this one."""
    prints = world.keys.print_of(number)
    await add_prints(tx, [(*fingerprint, pan_id) for fingerprint in reversed(prints)])
    return set((await find_prints(tx, prints)).values()) == {pan_id}


def _is_token(world: World, number: str, pan: str) -> bool:
    """The sandbox takes no number but those of its own tokens."""
    if number == pan or not luhn(number):
        return False
    return not world.policy.magic_inputs or card_number(number) == pan


def _is_name(text: str) -> bool:
    return len(text) <= NAME_MAX and is_printable(text)


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


async def token_credential(world: World, order: Order, attempt: Attempt) -> Token | None:
    """The token that the attempt is sent with; None where it cannot be used: then nothing leaves. A
    charge whose customer is there needs a cryptogram, the merchant's own may go without."""
    token, token_id = order.facet(OF_CARD), attempt.by_token
    if (
        token is None
        or token_id is None
        or token.network_token_id != token_id
        or token.sealed is None
    ):
        return None
    try:
        plain = world.keys.open_card(world.name, order.merchant_id, token_id, Sealed(*token.sealed))
    except Problem:
        return None
    cryptogram = await _cryptogram(world, order, attempt, token.service, token_id)
    if cryptogram is None and attempt.initiator == "customer":
        return None
    scheme = order.card.scheme if order.card else "generic"
    number = json.loads(plain)["pan"]
    return Token(number, token.exp_month, token.exp_year, scheme, token.requestor_id, cryptogram)


async def _cryptogram(
    world: World, order: Order, attempt: Attempt, name: str, token_id: UUID
) -> str | None:
    service = world.token_services.get(name)
    if service is None:
        return None
    seconds = min(CRYPTOGRAM_SECONDS_MAX, (attempt.call_timeout_ms or 0) / 1000 / CRYPTOGRAM_SHARE)
    request = CryptogramRequest(
        attempt.attempt_id,
        token_id,
        order.merchant_id,
        attempt.units,
        attempt.asset,
        max(1, attempt.sends),
        seconds,
    )
    cryptogram = None
    with suppress(Exception):  # whatever became of it, there is none
        async with asyncio.timeout(seconds):
            cryptogram = await service.cryptogram(request)
    given = (
        cryptogram is not None
        and 0 < len(cryptogram) <= CRYPTOGRAM_MAX
        and is_printable(cryptogram)
    )
    return cryptogram if given else None


async def keep_token_news(world: World, order: Order, attempt: Attempt, outcome: Outcome) -> None:
    """Stores what the outcome says of the token, before the outcome is closed: a process that dies
    meanwhile hears it again when it inquires. Raises: Problem(unavailable)."""
    news = outcome.credential_news
    if attempt.by_token is None or news is None:
        return
    expiry = expiry_of(news.exp_month, news.exp_year)
    if news.standing is None and expiry is None:
        return
    async with world.db.transaction() as tx:
        now = world.clocks.wall()
        await set_standing(tx, order.merchant_id, attempt.by_token, news.standing, expiry, now)


def expiry_of(month: int | None, year: int | None) -> tuple[int, int] | None:
    """The expiry, if a token can have it."""
    if month is None or year is None or not (1 <= month <= 12 and 2000 <= year <= 2100):
        return None
    return month, year


async def take_token_notice(world: World, route: str, body: bytes, signature: str) -> str:
    """Answers the notice's id, whether or not the token is known here.

    Raises: Problem no_such_path, too_large, unauthenticated, malformed, invalid, unavailable.
    """
    if route not in world.token_services:
        message = "There is no such route, or it makes no network tokens."
        raise Problem("no_such_path", message, cure="Check the name of the route.")
    notice = await read_signed(world, TOKEN_NOTICES, route, body, signature)
    await _ring(world, route, notice)
    return notice.notice_id


async def _ring(world: World, route: str, notice: TokenNotice) -> None:
    home, now = await home_of(world, notice.merchant_id), world.clocks.wall()
    home.standing.check()
    token = await find_network_token(home.db, notice.merchant_id, notice.token_id)
    known = token is not None and token.service == route
    became: AtDoor = "taken" if known else "not_ours"
    async with home.db.transaction() as tx:
        if known:
            await make_due(tx, notice.merchant_id, DUE, notice.token_id, now)
        await count_notice(tx, f"{route}/network-tokens", now, became)


async def change_token(world: World, orders: Orders, key: str, change: TokenChange) -> UUID:
    """Answers the token's id. Raises: Problem(not_found) for an order whose card has none,
    Problem(wrong_state) for a token that is deleted."""
    merchant_id, order_id = await find_one(world, key)

    def look(change: Change) -> UUID | None:
        token = change.order.facet(OF_CARD)
        return token.network_token_id if token is not None and token.sealed is not None else None

    token_id = await orders.run(look, (merchant_id, order_id), cards=True)
    service = next(
        (
            service
            for service in world.token_services.values()
            if isinstance(service, SandboxTokens)
        ),
        None,
    )
    if token_id is None or service is None:
        cure = (
            "Switch network tokens on (recoup terms cards), and wait until an attempt is planned."
        )
        raise Problem("not_found", "The order's card has no network token.", cure=cure)
    if not await service.change(token_id, change):
        raise Problem(
            "wrong_state", "The network token is deleted.", cure="Use an order with another card."
        )
    async with world.db.transaction() as tx:
        await make_due(tx, merchant_id, DUE, token_id, world.clocks.wall())
    return token_id
