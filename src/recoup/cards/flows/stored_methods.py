"""Cards that a processor keeps: a call names processor and method, and no vault is sealed or opened
for them.

Such a card's identity, by which limits count, is a keyed hash of the account and the processor's
fingerprint of it; where the processor does not say one, of the method's id.

A method, and the customer that it belongs to, is the merchant's that named it first: on a route
that several merchants use no other one charges it, unless the operator lets them share. Nobody
learns that it is there.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from recoup.cards.flows.joined_cards import fingerprinted, join, method_named, names_of
from recoup.cards.flows.method_facts import described
from recoup.cards.flows.method_names import method_id_of, routes_for_methods
from recoup.cards.store.stored_methods import (
    NewMethod,
    add_method,
    is_brought_by_another,
    is_method_known,
    lock_names,
)
from recoup.cards.store.vault import StoredCard, store_cards
from recoup.db.pool import retrying
from recoup.db.statement import Tx
from recoup.kernel.filled import filled
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.world import World
from recoup.networks.codes import SCHEMES
from recoup.networks.magic import classify
from recoup.networks.magic_methods import EXAMPLES, method_of
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.describing import (
    account_of,
    describes,
    has_guessable_ids,
    needs_customer,
)
from recoup.processors.gateways.port import Processor

_PROCESSOR = "PaymentMethod.Processor"
_ID = "PaymentMethod.Id"
_CUSTOMER = "PaymentMethod.Customer"
_LAST4 = "PaymentMethod.CardLast4Digits"
_BRANDS = {
    "american express": "amex",
    "diners": "discover",
    "jcb": "discover",
}  # whose network's rules hold


def check_route(world: World, merchant_id: UUID, given: Stored) -> None:
    """Raises: Problem(invalid) for a processor that is not one of this merchant's for stored
    methods, or that needs the customer too."""
    taking = routes_for_methods(world, merchant_id)
    if given.route not in taking:
        message = "No card processor of this name takes stored payment methods here."
        cure = "Send a token of /tokenize, or a card number."
        if taking:
            cure = Sentence("Send one of: {0}.", ", ".join(taking))
        raise invalid(message, _PROCESSOR, cure)
    if given.customer is None and needs_customer(world.processors[given.route]):
        message = "This processor finds a stored payment method only with its customer."
        cure = "Send customer too: the id by which the processor knows the payer."
        raise invalid(message, _CUSTOMER, cure)


def check_known_card(world: World, given: Stored, described: Stored | None = None) -> bool:
    """True when who names a method for the first time knows its card, where the id alone proves
    nothing: a number to count up, at an account that several merchants use. `described`: as the
    processor has it, None before it was asked.

    Raises: Problem(invalid) for a call that leaves out what would prove it.
    """
    processor, routes = world.processors[given.route], world.routes
    if (
        world.policy.test_mode
        or not has_guessable_ids(processor)
        or not routes.is_for_all(given.route)
    ):
        return True
    named = given.last4, given.exp_month, given.exp_year
    if None in named:
        message = (
            "A method of this processor is taken for the first time with its card's last "
            "four digits and expiry."
        )
        cure = (
            "Send cardLast4Digits, expirationMonth and expirationYear, as the processor has them."
        )
        raise invalid(message, _LAST4, cure)
    return described is None or named == (described.last4, described.exp_month, described.exp_year)


async def look_up_method(world: World, merchant_id: UUID, given: Stored) -> Stored:
    """A method that comes for the first time, as its processor has it; keeps nothing. Raises: as
    `keep_method`."""
    processor = world.processors[given.route]
    if world.unknown_methods.left(merchant_id, world.clocks.monotonic()) <= 0:
        message = (
            "Too many payment methods that the processor does not know were sent today; no "
            "new one is looked up."
        )
        cure = "Check processor and id. What is known goes on; send the new ones again tomorrow."
        raise Problem("too_many_requests", message, field=_ID, cure=cure, retry_after_seconds=3600)
    check_known_card(world, given)
    method = await _described(world, processor, given)
    if method is None or not check_known_card(world, given, method):
        raise _not_known(world, processor, merchant_id)
    async with world.db.transaction() as tx:
        if await _is_anothers(world, tx, merchant_id, method):
            raise _not_known(world, processor, merchant_id)
    return method


async def keep_method(world: World, merchant_id: UUID, given: Stored) -> None:
    """Keeps a method with what its processor says of it. What is known stays as it is.

    Raises: Problem(invalid) for one that the processor does not have; Problem(too_many_requests)
    after a hundred of those in a day; Problem(unavailable).
    """
    method_id = method_id_of(world, merchant_id, given)
    if await is_method_known(world.db, merchant_id, method_id):
        return
    processor, described = (
        world.processors[given.route],
        await look_up_method(world, merchant_id, given),
    )
    now = world.clocks.wall()
    card = _card(world, merchant_id, method_id, processor, described, now)
    method = filled(
        NewMethod,
        described,
        merchant_id=merchant_id,
        method_id=method_id,
        reference=described.id,
        created_at=now,
        described_at=now,
    )

    async def once() -> bool:
        async with world.db.transaction() as tx:
            if await _is_anothers(world, tx, merchant_id, described):
                return False
            await store_cards(tx, [card], [])
            await add_method(tx, method)
            return True

    # Before the method is known here: an order of it counts what was sent of its card under other
    # names.
    if card.magic is None:
        await join(
            world, card.pan_id, names_of(world, processor, described.account_reference, None)
        )
    if not await retrying(once):
        raise _not_known(world, processor, merchant_id)


async def _is_anothers(world: World, tx: Tx, merchant_id: UUID, method: Stored) -> bool:
    """True when another merchant brought the method or its customer, at this account of the
    processor."""
    processor = world.processors[method.route]
    if world.routes.shares_methods(method.route):
        return False
    is_test = (
        processor.kind == "sandbox" and method_of(method.id) is not None
    )  # its ids are everybody's
    if is_test and method.customer is None:
        return False
    account = _account(processor)
    visible = routes_for_methods(world, merchant_id)
    routes = [name for name in visible if _account(world.processors[name]) == account] or [
        method.route
    ]
    for name in sorted(
        {method.id, method.customer or method.id}
    ):  # who names the customer, and who does not
        await lock_names(tx, ":".join((*account, name)))
    return await is_brought_by_another(
        tx, merchant_id, routes, None if is_test else method.id, method.customer
    )


def _account(processor: Processor) -> tuple[str, str]:
    return processor.kind, account_of(processor)


def _not_known(world: World, processor: Processor, merchant_id: UUID) -> Problem:
    """The same of one that is not there and of one that is another merchant's."""
    world.unknown_methods.take(merchant_id, 1, world.clocks.monotonic())
    message = "The processor does not know this payment method."
    cure = "Send the id of a method that it stores, and the customer that it belongs to."
    if processor.kind == "sandbox":
        cure = Sentence("Use a test method: {0}.", ", ".join(EXAMPLES))
    return invalid(message, _ID, cure)


async def _described(world: World, processor: Processor, given: Stored) -> Stored | None:
    """Describes a method; what the processor says goes before what the merchant says."""
    method = await described(world, processor, given) if describes(processor) else given
    if method is None:
        return None
    scheme = _BRANDS.get(method.scheme, method.scheme)
    return replace(
        method,
        route=given.route,
        id=method.id or given.id,  # as it writes them: under another spelling it is no other method
        customer=method.customer or given.customer,
        last4=method.last4 or given.last4,
        scheme=scheme if scheme in SCHEMES else given.scheme,
        exp_month=method.exp_month or given.exp_month,
        exp_year=method.exp_year or given.exp_year,
        funding=method.funding or given.funding,
        country=method.country or given.country,
    )


def _card(
    world: World,
    merchant_id: UUID,
    method_id: UUID,
    processor: Processor,
    method: Stored,
    now: datetime,
) -> StoredCard:
    return StoredCard(
        merchant_id=merchant_id,
        token_id=method_id,
        pan_id=_identity(world, processor, method),
        magic=_magic(world, processor, method.id),
        scheme=method.scheme,
        bin="",
        last4=method.last4 or "",
        exp_month=method.exp_month or 0,
        exp_year=method.exp_year or 0,
        kek_id=None,
        wrapped_dek=None,
        nonce=None,
        ciphertext=None,
        created_at=now,
        issuer_digits="",
    )


def _identity(world: World, processor: Processor, method: Stored) -> UUID:
    """The card's identity; for a method whose fingerprint nobody says, its own, at this route."""
    if method.fingerprint:
        return fingerprinted(world, processor, method.fingerprint)
    return method_named(world, processor, method.route, method.id)


def _magic(world: World, processor: Processor, id: str) -> str | None:
    """The magic of the test card that a method stands for."""
    if processor.kind != "sandbox" or not world.policy.magic_inputs:
        return None
    method = method_of(id)
    magic = classify(method.number) if method else None
    return magic.kind if magic is not None and not magic.counts else None
