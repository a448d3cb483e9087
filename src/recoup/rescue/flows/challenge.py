"""The hosted page of a challenge: what it shows, and what the customer's answer does.

Whatever they give is used once: a security code goes out with the try and is kept nowhere, a new
card goes into the vault, an address into the order's personal data.

A customer comes back from the processor's page. What their browser says proves nothing: the
processor is asked what became of the charge. They may come twice, late, never, by another browser,
or with anything in the address.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from recoup.cards.store.payers import set_billing
from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Actor
from recoup.keys.flows.outlive import outliving
from recoup.keys.rules.site_address import shop_address
from recoup.kit.world import World
from recoup.networks.codes import read_kept
from recoup.networks.magic import CONFIRMED, identity_of
from recoup.orders.flows.external_call import processor_of
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import ENDED, Stage
from recoup.orders.rules.typed_card import CardIds
from recoup.orders.store.find_orders import order_of_charge
from recoup.processors.gateways.port import Authenticates
from recoup.processors.rules.browser import Browser
from recoup.rescue.flows.carriers import confirms_by, is_known
from recoup.rescue.flows.inquire import ASK_SECONDS_MAX, inquire
from recoup.rescue.flows.locked import Job, Orders
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.flows.taken import CardholderInput
from recoup.rescue.flows.tokenize import CardGiven, Vault, check_number
from recoup.rescue.moves.challenge_answer import agree as agree_move
from recoup.rescue.moves.challenge_answer import answer as answer_move
from recoup.rescue.moves.challenge_answer import decline_by_customer
from recoup.rescue.moves.payer_redirected import payer_returned
from recoup.rescue.store.challenges import ChallengeRow, last_challenge

PAYER = Actor("payer", "page")
State = Literal["asked", "tried", "passed", "over"]
Money = Literal["none", "out", "returning", "returned", "releasing", "released", "kept"]


@dataclass(frozen=True, slots=True)
class ChallengePage:
    """Content of the page. `asks`: confirm, code, address or card; `tries` made so far; `shop`: the
    https address of the order's site, as the merchant set it; `ended` and `money`: of the order,
    and what became of the customer's money when it is over; `by_risk`: the risk check wants a
    confirmation, with this card; `bank_url`: the processor's page, where it can be given;
    `confirms`: how, with the routes that there are; `by_customer`: they wait at the checkout. The
    rest as in `ChallengeRow`. Nothing here is secret."""

    merchant_id: UUID
    order_id: UUID
    state: State
    asks: str
    tries: int
    merchant: str
    descriptor: str
    units: int
    asset: str
    scheme: str
    last4: str
    exp_month: int
    exp_year: int
    expires_at: datetime | None
    reason: str | None
    billing: dict[str, Any]
    shop: str | None
    ended: bool = False
    money: Money = "none"
    by_risk: bool = False
    bank_url: str | None = None
    confirms: Authenticates = "never"
    by_customer: bool = True
    planned: bool = False
    collected: int = 0
    typed_last4: str | None = None
    asks_again: int | None = None
    agreed: bool = False
    card_expired: bool = False
    item: str | None = None
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """The customer's input; empty is not given. `confirmed`: they passed the sandbox's 3-D Secure
    stand-in, or want to confirm with their bank."""

    code: str = field(default="", repr=False)
    pan: str = field(default="", repr=False)
    exp_month: int = 0
    exp_year: int = 0
    billing: dict[str, str] | None = field(default=None, repr=False)
    confirmed: bool = False
    browser: Browser = Browser()


async def show(world: World, merchant_id: UUID, order_id: UUID) -> ChallengePage:
    """Raises: Problem(not_found) for an order that asks its customer nothing and never did."""
    row = await last_challenge(world.db, merchant_id, order_id, world.clocks.wall())
    if row is None:
        raise Problem("not_found", "There is no such page.", cure="Check the link.")
    confirms = confirms_by(world, merchant_id, row.stored_at, row.bin)
    # What was asked before the routes were what they are now.
    is_vain = (
        confirms == "never" and not row.by_risk and is_known(world, merchant_id, row.stored_at)
    )
    asks = "card" if row.asks == "confirm" and is_vain else row.asks
    state: State = "over"
    if row.stage in (Stage.COMPLETED, Stage.AUTHORISED):
        state = "passed"
    elif row.stage not in ENDED and (row.state == "tried" or row.out):
        state = "tried"
    elif (
        row.stage in (Stage.CHALLENGED, Stage.PROCESSING)
        and row.state == "presented"
        and not row.lapsed
    ):
        state = "asked"
    return filled(
        ChallengePage,
        row,
        merchant_id=merchant_id,
        order_id=order_id,
        state=state,
        asks=asks,
        billing=row.billing or {},
        shop=shop_address(row.site_url),
        ended=row.stage in ENDED,
        money=_money(row),
        bank_url=row.bank_url if state == "tried" else None,
        confirms=confirms,
        by_customer=row.kind.startswith("cit"),
        card_expired=_reason(row) == "expired_card",
    )


def _reason(row: ChallengeRow) -> str:
    """The reason of the last decline, by whoever gave its code."""
    if row.last_reason is not None:
        return row.last_reason
    return read_kept(row.decline or {}, scheme=row.scheme, on=row.placed_at.date()).reason


def _money(row: ChallengeRow) -> Money:
    """State of the money of an order that was not paid: an attempt may still be out, or have been
    approved too late."""
    if row.back_state is None:
        return "out" if row.out else "none"
    if row.back_state == "refused":
        return "kept"
    over = row.back_state in ("done", "netted")
    if row.back_kind == "void":
        return "released" if over else "releasing"
    return "returned" if over else "returning"


async def answer(
    world: World,
    orders: Orders,
    vault: Vault,
    page: ChallengePage,
    answers: ChallengeAnswer,
    request_id: str,
) -> ChallengePage:
    """Tries the card with what was given, and answers what the page shows then.

    Raises: Problem invalid (naming the field), wrong_state, conflict, unavailable.
    """
    if page.state != "asked":
        raise Problem(
            "wrong_state",
            "No action by the customer is needed any more.",
            cure="The payment has ended.",
        )
    _check(page, answers)
    key = (page.merchant_id, page.order_id)
    card = await _vaulted(world, vault, page, answers) if answers.pan else None
    await orders.change(Job(key, lambda change: answer_move(change, card), PAYER, request_id))
    if answers.billing:
        await set_billing(world.db.alone, *key, page.billing | answers.billing)
    confirmed = (
        {"authenticationValue": CONFIRMED} if answers.confirmed and world.policy.test_mode else None
    )
    at_hand = CardholderInput(cvv=answers.code, three_d_secure=confirmed, browser=answers.browser)
    send = outliving(
        send_attempt(world, orders, key, actor=PAYER, request_id=request_id, at_hand=at_hand)
    )
    await asyncio.wait({send}, timeout=world.policy.call_timeout.total_seconds() + 1)
    return await show(world, *key)


async def agree(
    orders: Orders, page: ChallengePage, consent: dict[str, str], request_id: str
) -> None:
    """The customer lets the card that they typed be tried again later.

    Raises: Problem wrong_state, conflict.
    """

    def work(change: Change) -> None:
        agree_move(change, page.asks_again, consent)

    await orders.change(Job((page.merchant_id, page.order_id), work, PAYER, request_id))


async def refuse(
    world: World, orders: Orders, page: ChallengePage, request_id: str
) -> ChallengePage:
    """The customer says no, or the bank's page did not let them pass."""
    key = (page.merchant_id, page.order_id)

    def work(change: Change) -> None:
        decline_by_customer(change)

    await orders.change(Job(key, work, PAYER, request_id))
    return await show(world, *key)


def _check(page: ChallengePage, answers: ChallengeAnswer) -> None:
    """Raises: Problem(invalid) for a missing answer. Another card is always one."""
    if answers.pan and page.by_risk:  # else a thief would pass by with the next card
        raise invalid("Confirm the payment with this card.", "Confirmed")
    if answers.pan:
        return
    if page.asks == "card":
        raise invalid("Enter the card number.", "CardNumber")
    if page.asks == "code" and not answers.code:
        raise invalid("Enter the security code.", "Code")
    if page.asks == "address" and not (answers.billing or {}).get("addressLine1"):
        raise invalid("Enter the address.", "Address")
    if page.asks == "confirm" and not answers.confirmed:
        raise invalid("Confirm the payment, or use another card.", "Confirmed")


async def _vaulted(
    world: World, vault: Vault, page: ChallengePage, answers: ChallengeAnswer
) -> CardIds:
    check_number(world, page.merchant_id, answers.pan, "CardNumber")
    stored = await vault.store(
        CardGiven(page.merchant_id, new_id(), answers.pan, answers.exp_month, answers.exp_year)
    )
    return CardIds(
        stored.token_id, identity_of(page.order_id, stored.pan_id, stored.magic), stored.pan_id
    )


WORKER_LOOKS_AFTER: Final = timedelta(seconds=20)  # where the process that asks at once is gone
WAIT_SECONDS_MAX: Final = 5.0  # then the page says that the bank is waited for


async def come_back(
    world: World,
    orders: Orders,
    merchant_id: UUID,
    charge: UUID,
    query: Mapping[str, str],
    request_id: str,
) -> UUID:
    """The order of the attempt whose key that is. The first return is taken down, and only then the
    processor is asked; each later one changes nothing.

    Raises: Problem(not_found).
    """
    order_id = await order_of_charge(world.db, merchant_id, charge)
    if order_id is None:
        raise Problem("not_found", "There is no such page.", cure="Check the link.")
    key = (merchant_id, order_id)

    def work(change: Change) -> bool:
        attempt = next(
            attempt
            for attempt in reversed(change.order.attempts)
            if charge in (attempt.key, attempt.attempt_id)
        )
        brought = processor_of(world, attempt.route or "").brought_back(query)
        return payer_returned(change, attempt, brought, WORKER_LOOKS_AFTER)

    if await orders.change(Job(key, work, PAYER, request_id)):
        await asyncio.wait(
            {outliving(inquire(world, orders, key))}, timeout=min(WAIT_SECONDS_MAX, ASK_SECONDS_MAX)
        )
    return order_id
