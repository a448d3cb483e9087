"""/evaluate: a declined payment is taken over.

A managed MIT is only admitted, with whatever else came in then; the worker decides. A synchronous
MIT is then tried once inside its deadline, and worked on afterwards. With a CIT the customer waits:
tried once, and what is not said at the deadline is no, or the operator's risk. What is known by its
key or order id is read, never made twice.
"""

import asyncio
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from recoup.cards.flows.method_names import method_id_of, with_route
from recoup.cards.flows.stored_methods import check_route, keep_method, look_up_method
from recoup.db.coalesce import Together
from recoup.db.table import hex_of
from recoup.kernel.encode import encode_sorted
from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.lists.folding import search_text
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.merchants.rules.blocks import check_not_blocked
from recoup.merchants.rules.switches import Off, check_taken, refused
from recoup.merchants.store.merchants import MerchantSettings
from recoup.merchants.store.switches import last_actors
from recoup.networks.card import scheme_of
from recoup.networks.codes import Reading
from recoup.orders.rules.causes import GOES_ON, Cause
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.order_events import submitted_data
from recoup.orders.store.intake import NewOrder
from recoup.processors.rules.route_terms import CARD, Carried, check_carried, needs
from recoup.rescue.flows.admit import Admissions, settled
from recoup.rescue.flows.arm_place import arm_place
from recoup.rescue.flows.carriers import refusals, region_before
from recoup.rescue.flows.due import give_up
from recoup.rescue.flows.first_try import FirstTries, Tried
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.seen_before import ARCHIVED, SeenBefore, pan_of
from recoup.rescue.flows.taken import EvaluateRequest, EvaluateResult, result_of, result_of_order
from recoup.rescue.flows.tokenize import CardGiven, Vault, check_number
from recoup.rescue.moves.plan import INLINE_GRACE
from recoup.rescue.rules.arms import has_arm
from recoup.rescue.rules.indian_mandates import check_notice
from recoup.rescue.rules.intake import expiry_of, kind_of
from recoup.rescue.rules.intake_warnings import COUNTS_AS_NOW, NO_CODE, NO_IP, STALE, of_time
from recoup.rescue.rules.order_evidence import read_declined
from recoup.rescue.rules.origin import Named, origin_of
from recoup.rescue.rules.pause import check_taking
from recoup.rescue.store.evaluate import OrderOutcome, find_token, outcomes, with_cause
from recoup.terms.rules.terms import RiskTerms

_TRIES = 5
_UNPAID = frozenset({"DECLINED", "CHALLENGE"})
RECENT = timedelta(days=3)  # a transmission comes within a day of its payment
ANSWERING = timedelta(milliseconds=150)  # kept back from the deadline for the answer itself


class Evaluate:
    """The /evaluate flow, one a world and process: concurrent calls share the admission
    statement."""

    def __init__(
        self,
        world: World,
        orders: Orders,
        merchants: Merchants,
        vault: Vault,
        *,
        begin_after: timedelta = timedelta(0),
    ) -> None:
        """`begin_after`: how long managed orders wait in Draft before they are picked up."""
        self._world, self._orders, self._merchants, self._vault = world, orders, merchants, vault
        self._begin_after = begin_after
        self._admissions = Admissions(world, RECENT)
        self._tries = FirstTries(world, orders, vault)
        self._seen = SeenBefore(world, vault)
        self._outcomes: Together[OrderOutcome] = Together(world.db, outcomes)

    async def evaluate(self, scope: Scope, request: EvaluateRequest) -> EvaluateResult:
        """Answers a caller that waits for an attempt inside the deadline, counted from here.

        Raises: Problem invalid, conflict, in_progress, kind_switched_off, blocked, unavailable.
        """
        request = replace(
            request, method=with_route(self._world, scope.merchant_id, request.method)
        )
        patience = (self._world.policy.cit_deadline - ANSWERING) / timedelta(seconds=1)
        until = self._world.clocks.monotonic() + patience
        token_id = request.token_id or self._token_of(scope, request)
        input_mac = self._mac(request, token_id)
        kept, generation = request.token_id is not None, 1
        for attempt in range(_TRIES):
            settings = await self._merchants.get(scope.merchant_id)
            try:
                row, warnings = self._row(scope, settings, request, generation, token_id, input_mac)
                row = await self._assigned(scope, settings, request, row, token_id)
                await self._check_not_blocked(scope, settings, request, token_id)
                await self._check_scheme(scope, request, token_id)
            except Problem as problem:
                # What was taken once is answered again, even where it would be refused as new
                # today.
                seen = await self._found(scope, request, token_id, input_mac, (), until)
                if isinstance(seen, int) and attempt == 0:
                    self._merchants.forget(
                        scope.merchant_id
                    )  # kept settings, the clock too, may be a second old
                    continue
                if isinstance(seen, int):
                    raise await self._with_actors(scope, problem) from None
                return seen
            if not kept:
                # A number given outright goes into the vault only once it is known that this is
                # taken.
                seen = await self._found(scope, request, token_id, input_mac, warnings, until)
                if not isinstance(seen, int):
                    return seen
                await self._keep_card(scope, request, token_id)
                kept = True
                if seen != generation or request.method is not None:
                    generation = seen  # a stored method's own facts are checked, too
                    continue
                row = await self._assigned(scope, settings, request, row, token_id)
            admitted = await self._admit(scope, row, last=attempt == _TRIES - 1)
            if admitted is None:
                continue
            if admitted:
                return await self._first_result(
                    scope, request, row, admitted, warnings, until, settings.risk
                )
            seen = await self._found(scope, request, token_id, input_mac, warnings, until)
            if not isinstance(seen, int):
                return seen
            generation = seen
            self._merchants.forget(scope.merchant_id)
        raise Problem(
            "in_progress",
            "An earlier call for this order is still in progress.",
            retry_after_seconds=1,
            cure="Send it again with the same key in a second.",
        )

    async def _found(
        self,
        scope: Scope,
        request: EvaluateRequest,
        token_id: UUID,
        input_mac: bytes,
        warnings: tuple[str, ...],
        until: float,
    ) -> EvaluateResult | int:
        """The answer to what was taken before; else as `SeenBefore.find`."""
        seen = await self._seen.find(scope, request, token_id, input_mac)
        return await self._present(scope, seen, warnings, until) if isinstance(seen, UUID) else seen

    async def reading(self, scope: Scope, request: EvaluateRequest) -> Reading:
        """Returns how `evaluate` would read the decline now; keeps nothing. Raises: Problem, as
        `evaluate` does."""
        request = replace(
            request, method=with_route(self._world, scope.merchant_id, request.method)
        )
        merchant = (await self._merchants.get(scope.merchant_id)).merchant
        scheme = await self._scheme(
            scope, request, request.token_id or self._token_of(scope, request)
        )
        if scheme is None and request.method is not None:
            scheme = (await look_up_method(self._world, scope.merchant_id, request.method)).scheme
        now = merchant.business(self._world.clocks.wall())
        stored_at = request.method.route if request.method is not None else None
        region = region_before(self._world, scope.merchant_id, stored_at) or merchant.region
        return read_declined(request.decline, scheme or "generic", now, region)

    async def look(self, scope: Scope, request: EvaluateRequest) -> tuple[str, ...]:
        """Codes of what `evaluate` would warn of, had it come now; keeps nothing. Nothing of what
        was taken already.

        Raises: Problem, as `evaluate` does.
        """
        request = replace(
            request, method=with_route(self._world, scope.merchant_id, request.method)
        )
        token_id = request.token_id or self._token_of(scope, request)
        input_mac, settings = (
            self._mac(request, token_id),
            await self._merchants.get(scope.merchant_id),
        )
        if not await self._seen.is_new(scope, request, token_id, input_mac):
            return ()
        try:
            _, warnings = self._row(scope, settings, request, 1, token_id, input_mac)
            await self._check_not_blocked(scope, settings, request, token_id)
            await self._check_scheme(scope, request, token_id)
        except Problem as problem:
            raise await self._with_actors(scope, problem) from None
        return warnings

    # admission
    # ----------------------------------------------------------------------------------------------

    def _row(
        self,
        scope: Scope,
        settings: MerchantSettings,
        request: EvaluateRequest,
        generation: int,
        token_id: UUID,
        input_mac: bytes,
    ) -> tuple[NewOrder, tuple[str, ...]]:
        merchant, world, wall = settings.merchant, self._world, self._world.clocks.wall()
        payer, routes = (
            request.payer,
            self._world.routes.terms(self._world.processors, scope.merchant_id),
        )
        check_taking(merchant)
        now = merchant.business(wall)
        mode = "managed" if request.managed else merchant.mit_mode
        kind = kind_of(mode, request.is_mit, request.order_source, request.expires_at is not None)
        if kind != "mit_managed":
            world.standing.check()
        named = Named(request.site_id, request.site_url, request.descriptor, request.campaign)
        site, campaign, warnings = origin_of(
            settings.sites, settings.campaigns, named, merchant.unknown_sites
        )
        check_taken(kind, merchant, site, campaign)
        check_notice(
            request.currency, request.facts.get("issuer_country"), by_customer=not request.is_mit
        )
        expires_at, more = expiry_of(
            kind, request.expires_at, now, world.policy, bool(request.facts.get("is_recurring"))
        )
        warnings += (*more, *request.notes)
        if kind == "cit_web" and not request.payer.ip:
            warnings += (NO_IP,)
        at = request.decline.get("at")
        declined_at = datetime.fromisoformat(at) if at else None
        if declined_at is not None and declined_at < now - timedelta(days=1):
            warnings += (STALE,)
        warnings += of_time(declined_at, now)
        instead = {"at": now.isoformat()} if COUNTS_AS_NOW.intersection(warnings) else {}
        facts = request.facts | {"decline": request.decline | instead}
        if kind.startswith("cit"):
            facts["answer_by"] = (wall + world.policy.cit_deadline).isoformat()
        country = (payer.billing or {}).get("countryCode") or ""
        if needs(routes, "countries"):
            facts["country"] = country
        by = request.method.route if request.method else CARD
        carried = Carried(request.units, request.currency, country=country, credential=by)
        check_carried(
            routes, carried, without=("scheme",), refusals=refusals(world, routes, carried)
        )
        if warnings:
            facts["warnings"] = warnings
        order_id = new_id()
        managed = kind == "mit_managed"
        answer = {
            "order_id": order_id,
            "evaluate": "SUBMITTED",
            "outcome": "SUBMITTED",
            "warnings": warnings,
        }
        return filled(
            NewOrder,
            payer,
            merchant_id=merchant.merchant_id,
            merchant_version=merchant.version,
            order_id=order_id,
            operation="evaluate",
            key=request.key,
            input_mac=hex_of(input_mac),
            answer=answer,
            door="rescue",
            kind=kind,
            order_type="MIT" if request.is_mit else "CIT",
            source=request.order_source,
            external_id=request.external_id,
            generation=generation,
            site_id=site.site_id,
            campaign_id=campaign.campaign_id if campaign else None,
            descriptor=request.descriptor or (campaign and campaign.descriptor) or site.descriptor,
            asset=request.currency,
            units=request.units,
            amount_text=str(request.units),
            token_id=token_id,
            transaction_id=request.transaction_id,
            placed_at=now,
            expires_at=expires_at,
            facts=facts,
            actor=scope.actor.text(),
            request_id=scope.request_id,
            recorded_at=wall,
            event_id=new_id(),
            subject_kind="order",
            due_kind="admit",
            due_at=now + (self._begin_after if managed else INLINE_GRACE),
            event=submitted_data(
                "DRAFT" if managed else "PROCESSING", request.units, request.currency, expires_at
            ),
            payer_id=self._payer_id(scope, request),
            payer_external_id=payer.external_id,
            search=_search_text(request),
            stage="received" if managed else "processing",
            happening="received" if managed else "began",
            status=0 if managed else 4,
        ), warnings

    async def _admit(
        self, scope: Scope, row: NewOrder, *, last: bool
    ) -> asyncio.Task[Tried] | bool | None:
        """Admits an order and tells whether it was admitted now; of a sync MIT returns the first
        attempt, under way. None: ask again, see `settled`."""
        if row.kind != "mit_sync":
            return await self._admissions.admit(row, last=last)
        return await settled(lambda: self._tries.admitted(scope, row, RECENT), last=last)

    async def _assigned(
        self,
        scope: Scope,
        settings: MerchantSettings,
        request: EvaluateRequest,
        row: NewOrder,
        token_id: UUID,
    ) -> NewOrder:
        """The order with its arm, by its customer's place among all customers; without a customer
        by the card's."""
        left = settings.arms_left(row.placed_at, row.site_id, row.campaign_id)
        if left.terms.mode == "off" or not has_arm(row.kind, settings.merchant.cit_unresolved):
            return row
        who = row.payer_id
        if who is None:
            who = await pan_of(self._world, self._vault, scope, request, token_id) or token_id
        return msgspec.structs.replace(
            row, **left.assigned(arm_place(self._world, scope.merchant_id, who))
        )

    async def _check_not_blocked(
        self, scope: Scope, settings: MerchantSettings, request: EvaluateRequest, token_id: UUID
    ) -> None:
        """Refuses a blocked card; look-ups that cost are made only for a merchant that has blocked
        one.

        Raises: Problem(blocked); Problem(invalid) for an unknown token.
        """
        if not settings.blocked:
            return
        check_not_blocked(settings.blocked, self._payer_id(scope, request))
        if "card" in settings.blocked.values():
            card_id = await pan_of(self._world, self._vault, scope, request, token_id)
            check_not_blocked(settings.blocked, card_id)

    async def _check_scheme(self, scope: Scope, request: EvaluateRequest, token_id: UUID) -> None:
        """Looked up only where a route takes some schemes alone. Raises: Problem(invalid) for a
        card that no route takes, or an unknown token."""
        world = self._world
        routes = world.routes.terms(world.processors, scope.merchant_id)
        if not needs(routes, "schemes"):
            return
        scheme = await self._scheme(scope, request, token_id)
        if scheme is None:  # whoever admits it says so
            return
        country = (request.payer.billing or {}).get("countryCode") or ""
        by = request.method.route if request.method else CARD
        carried = Carried(request.units, request.currency, scheme, country, by)
        check_carried(routes, carried, refusals=refusals(world, routes, carried))

    async def _scheme(self, scope: Scope, request: EvaluateRequest, token_id: UUID) -> str | None:
        """The card's network; None for a token or method that is not known here."""
        if request.pan is not None:
            return scheme_of(request.pan)
        token = await find_token(self._world.db, scope.merchant_id, token_id)
        return token.scheme if token is not None else None

    def _payer_id(self, scope: Scope, request: EvaluateRequest) -> UUID | None:
        who = request.payer.external_id or request.payer.email.lower()
        if not who:
            return None
        payer_id: UUID = self._world.keys.derived_id("payer", scope.merchant_id.bytes, who)
        return payer_id

    async def _first_result(
        self,
        scope: Scope,
        request: EvaluateRequest,
        row: NewOrder,
        admitted: asyncio.Task[Tried] | bool,
        warnings: tuple[str, ...],
        until: float,
        terms: RiskTerms,
    ) -> EvaluateResult:
        if row.kind == "mit_managed":
            return EvaluateResult(
                row.order_id,
                request.external_id,
                "SUBMITTED",
                "SUBMITTED",
                None,
                warnings,
                None,
                Cause(GOES_ON),
            )
        work = (
            self._tries.with_customer(scope, request, row, terms)
            if isinstance(admitted, bool)
            else admitted
        )
        # Late, a sync MIT's attempt stays `keep`: an approval is shown by the next evaluate and the
        # webhook.
        await asyncio.wait(
            {work}, timeout=max(0.0, until - self._tries.crowd() - self._world.clocks.monotonic())
        )
        tried = work.result() if work.done() else Tried()
        if tried.order is not None and tried.order.stage is Stage.COMPLETED:
            return result_of_order(tried.order, warnings)
        result = await self._present(scope, row.order_id, warnings, until)
        if tried.without_code and result.evaluate in _UNPAID:
            return replace(result, warnings=(*result.warnings, NO_CODE))
        return result

    async def _with_actors(self, scope: Scope, problem: Problem) -> Problem:
        """The refusal of a switch, with the actor of its last change: who may switch it on."""
        offs: tuple[Off, ...] = problem.facts.get("offs", ())
        if not offs:
            return problem
        switch = problem.facts["switch"]
        last = await last_actors(
            self._world.db, scope.merchant_id, [off.subject_id for off in offs], switch
        )
        return refused(switch, [off._replace(actor=last.get(off.subject_id)) for off in offs])

    async def _present(
        self, scope: Scope, order_id: UUID, warnings: tuple[str, ...], until: float
    ) -> EvaluateResult:
        """The order's word now; for one that another call is just trying, as soon as that is
        answered."""
        while True:
            row = await self._outcomes.get(scope.merchant_id, order_id)
            if row is None:
                raise copy(ARCHIVED)
            if not row.busy:
                row = await with_cause(self._world.db, scope.merchant_id, row)
                return result_of(row, warnings)
            if self._world.clocks.monotonic() >= until - self._tries.crowd():
                if not row.kind.startswith("cit"):
                    return result_of(row, warnings)
                # The customer needs an answer now, and it holds, whatever the processor says later.
                return result_of_order(
                    await give_up(self._orders, (scope.merchant_id, order_id), caller_waits=True),
                    warnings,
                )
            await asyncio.sleep(0.03)

    # the card, the input
    # --------------------------------------------------------------------------------------

    def _token_of(self, scope: Scope, request: EvaluateRequest) -> UUID:
        """The id of a number given outright, made from order and number: a repeat stores nothing;
        of a stored method its own."""
        if request.method is not None:
            check_route(self._world, scope.merchant_id, request.method)
            return method_id_of(self._world, scope.merchant_id, request.method)
        assert request.pan is not None
        check_number(self._world, scope.merchant_id, request.pan, "PaymentMethod.CardNumber")
        token_id: UUID = self._world.keys.derived_id(
            "pan-token", scope.merchant_id.bytes, request.external_id, request.pan
        )
        return token_id

    async def _keep_card(self, scope: Scope, request: EvaluateRequest, token_id: UUID) -> None:
        if request.method is not None:
            await keep_method(self._world, scope.merchant_id, request.method)
            return
        assert request.pan is not None
        card = CardGiven(
            scope.merchant_id,
            token_id,
            request.pan,
            request.exp_month,
            request.exp_year,
            request.cvv,
        )
        await self._vault.store(card)

    def _mac(self, request: EvaluateRequest, token_id: UUID) -> bytes:
        """MAC over what the caller means: codes of the card and the moment of the decline do not
        count."""
        decline = {k: v for k, v in request.decline.items() if k != "at"}
        facts = {
            k: v
            for k, v in request.facts.items()
            if k not in ("utc_offset", "zone", "sense_key", "device")
        }
        meant = [
            request.external_id,
            request.is_mit,
            request.order_source,
            request.expires_at,
            request.units,
            request.currency,
            token_id,
            request.transaction_id,
            decline,
            request.site_id,
            request.site_url,
            request.descriptor,
            request.campaign,
            facts,
            request.exp_month,
            request.exp_year,
            request.payer,
        ]
        mac: bytes = self._world.keys.mac("evaluate", encode_sorted(meant))
        return mac


def _search_text(request: EvaluateRequest) -> str:
    """Names, e-mail, references; ids of ours are found exactly, their digits would only blur a
    search."""
    payer = request.payer
    return search_text(
        payer.first_name,
        payer.last_name,
        (payer.email, request.external_id, request.transaction_id),
    )
