"""Earlier traces of a call of /evaluate, before anything is done: its key, its order id, its
card."""

from copy import copy
from dataclasses import replace
from typing import Final
from uuid import UUID

from recoup.db.coalesce import Together
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.networks.magic import identity_of
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.store.requests import remember
from recoup.rescue.flows.taken import EvaluateRequest, EvaluateResult, result_of
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.store.evaluate import LatestOrder, Trace, find_token, order_outcome, traces

ARCHIVED: Final = Problem(
    "conflict",
    "The order with this orderId was archived.",
    field="OrderId",
    cure="Use another orderId for another payment.",
)
_ENDED_FOR_GOOD = (Stage.DECLINED, Stage.EXPIRED)


class SeenBefore:
    """Looks for traces, one a world and process: concurrent calls are looked up together."""

    def __init__(self, world: World, vault: Vault) -> None:
        self._world, self._vault = world, vault
        self._traces: Together[Trace] = Together(world.db, traces)

    async def find(
        self, scope: Scope, request: EvaluateRequest, token_id: UUID, input_mac: bytes
    ) -> EvaluateResult | UUID | int:
        """The stored word of a known key; the order whose present word is the answer; or, for what
        is new, the generation under which it is.

        Raises: Problem(conflict) for a key with other content, or an order id with another amount
        or card; Problem(invalid) for an unknown token.
        """
        merchant_id, db = scope.merchant_id, self._world.db
        trace = await self._trace(scope, request)
        if trace.input_mac is not None:
            check_same(trace.input_mac, input_mac)
            assert trace.subject_id is not None
            assert trace.answer is not None
            first = await order_outcome(db, merchant_id, trace.subject_id)
            if first is None:
                raise copy(ARCHIVED)
            if first.kind != "mit_managed":
                return first.order_id
            result = result_of(first, tuple(trace.answer["warnings"]))
            # The first answer; whether it is over is true now.
            return replace(result, evaluate=trace.answer["evaluate"])
        # In this order: an order that is seen had its card kept before it.
        card_id = await pan_of(self._world, self._vault, scope, request, token_id)
        generation = _generation(request, trace.latest, card_id)
        if generation is not None:
            return generation
        assert trace.latest is not None
        result = result_of(trace.latest)
        answer = {
            "order_id": result.order_id,
            "evaluate": result.evaluate,
            "outcome": result.outcome,
            "warnings": (),
        }
        await remember(
            db.alone,
            merchant_id,
            "evaluate",
            request.key,
            input_mac,
            result.order_id,
            answer,
            self._world.clocks.wall(),
        )
        return result.order_id

    async def is_new(
        self, scope: Scope, request: EvaluateRequest, token_id: UUID, input_mac: bytes
    ) -> bool:
        """True when nothing of the call was taken already. Raises: as `find`; keeps nothing."""
        trace = await self._trace(scope, request)
        if trace.input_mac is not None:
            check_same(trace.input_mac, input_mac)
            return False
        card_id = await pan_of(self._world, self._vault, scope, request, token_id)
        return _generation(request, trace.latest, card_id) is not None

    async def _trace(self, scope: Scope, request: EvaluateRequest) -> Trace:
        trace = await self._traces.get(scope.merchant_id, request.key, request.external_id)
        assert trace is not None
        if trace.is_archived:
            raise copy(ARCHIVED)
        return trace


async def pan_of(
    world: World, vault: Vault, scope: Scope, request: EvaluateRequest, token_id: UUID
) -> UUID | None:
    """The card's id; None for a number or stored method that came for the first time.

    Raises: Problem(invalid) for an unknown token.
    """
    if request.pan is not None:
        return await vault.card_of(request.pan)
    token = await find_token(world.db, scope.merchant_id, token_id)
    if token is None and request.method is not None:
        return None
    if token is None:
        message = "The card token is not known for this merchant."
        cure = "Tokenize the card first, or send its number."
        raise invalid(message, "PaymentMethod.CardNumber", cure)
    return token.pan_id


def check_same(before: bytes, now: bytes) -> None:
    """Raises: Problem(conflict)."""
    if before != now:
        message = "This idempotencyKey came before with other content."
        cure = (
            "Use a new idempotencyKey for new content; repeat a call unchanged, also its "
            "expiryDateUtc."
        )
        raise Problem("conflict", message, field="IdempotencyKey", cure=cure)


def _generation(
    request: EvaluateRequest, last: LatestOrder | None, pan_id: UUID | None
) -> int | None:
    """Number of the rescue of this order id that the call begins; None when it only queries how the
    last one stands.

    Raises: Problem(conflict) for another amount or card while that one counts.
    """
    if last is None:
        return 1
    known_card = _had_card(last, pan_id)
    same = known_card and (last.units, last.asset) == (request.units, request.currency)
    if last.stage in _ENDED_FOR_GOOD and not (
        same and last.transaction_id == request.transaction_id
    ):
        return last.generation + 1
    if not same:
        what = "amount" if known_card else "card"
        message = Sentence("A rescue of this orderId exists with another {0}.", what)
        raise Problem(
            "conflict",
            message,
            field="OrderId",
            cure="Use another orderId for another payment.",
            order_id=str(last.order_id),
        )
    return None


def _had_card(last: LatestOrder, pan_id: UUID | None) -> bool:
    """True when it is the order's card, or one that it had before the merchant gave another."""
    before = last.cards_before
    return pan_id == last.pan_id or (
        pan_id is not None
        and (pan_id in before or identity_of(last.order_id, pan_id, "any") in before)
    )
