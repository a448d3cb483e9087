"""The first try of an order whose caller waits. It goes on when the caller goes away."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, Final, NamedTuple

from recoup.kernel.feature import Place
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.keys.flows.outlive import outliving
from recoup.kit.world import World
from recoup.orders.rules.snapshot import Order
from recoup.orders.store.intake import NewOrder
from recoup.rescue.flows.locked import Admission, Orders
from recoup.rescue.flows.pick_route import ways_of
from recoup.rescue.flows.send import carry_out, finish, first_of_new, intent_of, send_attempt
from recoup.rescue.flows.taken import CardholderInput, EvaluateRequest
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.moves.start import Check
from recoup.terms.rules.terms import RiskTerms

CROWD_SECONDS_EACH = 0.006
CROWD_SECONDS_MAX = 0.6
CheckOf = Callable[[RiskTerms, EvaluateRequest, NewOrder], Awaitable[Check | None]]
# One a world and process: how an order that was admitted just now is looked at, if it is at all.
FIRST_CHECK: Final = Place[Callable[[World], CheckOf]]("first_check")


class Tried(NamedTuple):
    """`order`: as the try left it, where that is known. `without_code`: it went without a security
    code that could have come along: the customer's card is a token, and its code was never given or
    is used up."""

    order: Order | None = None
    without_code: bool = False


class FirstTries:
    """First attempts under way. One object a flow and process."""

    def __init__(self, world: World, orders: Orders, vault: Vault) -> None:
        self._world, self._orders, self._vault = world, orders, vault
        self._out: set[asyncio.Task[Tried]] = set()
        makes = FIRST_CHECK.first()
        self._check_of = makes(world) if makes is not None else None

    def crowd(self) -> float:
        """Seconds earlier to decide, for those that are tried side by side will all have to be
        answered at once."""
        return min(CROWD_SECONDS_MAX, CROWD_SECONDS_EACH * len(self._out))

    async def admitted(
        self, scope: Scope, row: NewOrder, recent: timedelta
    ) -> asyncio.Task[Tried] | bool:
        """The try of a sync MIT that is admitted with it, in one transaction; False for an order
        that is not new.

        Raises: Problem(unavailable).
        """
        known: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        work = self._begin(self._admit_and_try(scope, row, recent, known))
        return work if await known else False

    def with_customer(
        self, scope: Scope, request: EvaluateRequest, row: NewOrder, terms: RiskTerms
    ) -> asyncio.Task[Tried]:
        """The try of an order that stands, made while the customer waits. `terms`: of the risk
        check before it."""
        return self._begin(self._try_with_customer(scope, request, row, terms))

    def _begin(self, work: Coroutine[Any, Any, Tried]) -> asyncio.Task[Tried]:
        task = outliving(work)
        self._out.add(task)
        task.add_done_callback(self._out.discard)
        return task

    async def _admit_and_try(
        self, scope: Scope, row: NewOrder, recent: timedelta, known: asyncio.Future[bool]
    ) -> Tried:
        """`known`: whether it was admitted now; its caller may be gone."""
        admission = Admission(row, first_id_of(self._world.clocks.wall() - recent))
        try:
            taken = await first_of_new(
                self._world, self._orders, admission, actor=scope.actor, request_id=scope.request_id
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, it is the caller's
            if not known.done():
                known.set_exception(error)
            return Tried()
        if not known.done():
            known.set_result(taken is not None)
        if taken is None or taken.answer is None:
            return Tried()
        if isinstance(taken.answer, Problem):
            raise taken.answer
        return Tried(
            await finish(
                self._world,
                self._orders,
                taken.answer,
                actor=scope.actor,
                request_id=scope.request_id,
            )
        )

    async def _try_with_customer(
        self, scope: Scope, request: EvaluateRequest, row: NewOrder, terms: RiskTerms
    ) -> Tried:
        assert row.token_id is not None
        key = (scope.merchant_id, row.order_id)
        code = request.cvv
        if not code and request.method is None:
            code = await self._vault.code(scope.merchant_id, row.token_id)
        at_hand = CardholderInput(request.payer.phone, code)
        check = await self._check_of(terms, request, row) if self._check_of is not None else None
        intent = intent_of(self._world, pick_up=True, with_customer=True, check=check)
        state = await carry_out(
            self._world,
            self._orders,
            key,
            intent,
            actor=scope.actor,
            request_id=scope.request_id,
            at_hand=at_hand,
        )
        if state == "not_sent" and ways_of(self._world, scope.merchant_id) > 1:
            await send_attempt(
                self._world,
                self._orders,
                key,
                actor=scope.actor,
                request_id=scope.request_id,
                at_hand=at_hand,
            )
        return Tried(
            without_code=row.kind == "cit_web" and request.token_id is not None and not code
        )
