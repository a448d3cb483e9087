"""Visit of somebody who is signed in: who, which merchant, what time it is there."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import BusinessTime
from recoup.kit.edge.asgi import state
from recoup.kit.edge.called import called_by
from recoup.kit.edge.tracing import request_id
from recoup.kit.personal import pii_access_of
from recoup.kit.world import World
from recoup.merchants.flows.demo_clock import demo_played
from recoup.merchants.store.merchants import MerchantSettings
from recoup.people.flows.sessions import Session
from recoup.people.page.bounds import check_behind
from recoup.people.page.endpoint import SignedVisit, id_in_path, redirect
from recoup.people.page.permissions import whom_to_ask
from recoup.people.page.portal import Portal
from recoup.people.store.people import names_of

R = TypeVar("R")


@frozen
class Visit(SignedVisit):
    """Visit of a merchant. `now` is the merchant's business time, `wall` the machine's."""

    merchant_id: UUID
    known: MerchantSettings
    now: BusinessTime

    @property
    def person_id(self) -> UUID:
        """The real user, also while impersonating."""
        behind = self.session.behind
        return behind.staff_id if behind else self.session.user_id

    @property
    def pii_access(self) -> str:
        """The way this person sees customers' data here: shown, reveal or masked."""
        role = self.session.merchant.role if self.session.merchant else ""
        return pii_access_of(role, self.known.merchant.sight)

    @property
    def partner_id(self) -> UUID | None:
        """The partner that this person belongs to."""
        return self.session.seat.partner_id if self.session.seat else None

    def may(self, action: str, *, or_operator: bool = False) -> bool:
        return self.session.may(action) or or_operator and self.is_operator

    def only(self, action: str, doing: str, *, or_operator: bool = False) -> None:
        """`doing` as "cancel orders". Raises: Problem(forbidden) for a role that may not."""
        if not self.may(action, or_operator=or_operator):
            raise Problem(
                "forbidden",
                Sentence("Your role may not {0}; nothing was done.", doing),
                whom_to_ask(action),
            )

    def acting(self, action: str, doing: str) -> Scope:
        """The scope of an act, on whose behalf it is: the operator's people do it as the operator.
        Raises: as `only`."""
        if self.is_operator:
            return self.operator_scope
        self.only(action, doing)
        return self.scope

    @property
    def scope(self) -> Scope:
        merchant = self.session.merchant
        assert merchant
        return Scope(
            self.merchant_id, self.session.actor, request_id(self.request.scope), merchant.role
        )

    @property
    def operator_scope(self) -> Scope:
        """The scope of what the operator's people do as the operator."""
        return Scope(
            self.merchant_id,
            Actor("operator", str(self.session.user_id)),
            request_id(self.request.scope),
        )

    def values(self, **more: Any) -> dict[str, Any]:
        """The values that the layout needs, and `more`."""
        offset = self.known.merchant.offset
        own = {
            "merchant": self.known.merchant,
            "sites": self.known.sites,
            "now": self.now,
            "offset": offset if abs(offset.total_seconds()) >= 1 else None,
            "playing": demo_played(self.world, self.merchant_id, offset),
            "pii_access": self.pii_access,
        }
        return SignedVisit.values(self, **own) | more


async def member_visit(portal: Portal, request: Request, session: Session) -> Visit | Response:
    """The visit of a member at a merchant; bounds what an impersonator may do."""
    if session.merchant is None and session.seat:
        return redirect("/partner")
    if session.merchant is None:
        raise _nothing_to_see(session)
    merchant_id = session.merchant.merchant_id
    called_by(state(request.scope), merchant_id, session.actor.text())
    check_behind(request, session)
    settings = await portal.merchants.get(merchant_id)
    wall = portal.world.clocks.wall()
    return Visit(
        portal, request, session, wall, merchant_id, settings, settings.merchant.business(wall)
    )


def _nothing_to_see(session: Session) -> Problem:
    if session.is_operator:
        return Problem(
            "forbidden",
            "There is no merchant in this environment yet.",
            "A merchant goes live from its Onboarding page in the sandbox.",
        )
    return Problem(
        "forbidden",
        "You are signed in, but not a member of any merchant yet.",
        "Ask a merchant's owner or the operator to add you.",
    )


def found_by(
    name: str, missing: Problem, read: Callable[[World, UUID, UUID], Awaitable[R]]
) -> Callable[[Visit], Awaitable[R]]:
    """Makes a finder of what `read` finds of the visit's merchant by the id of that name in the
    address."""
    id_of = id_in_path(name, missing)

    async def find(visit: Visit) -> R:
        return await read(visit.world, visit.merchant_id, id_of(visit))

    return find


_OTHERS = {
    "worker": "Recoup", "partner": "the partner", "api": "a call by API",
    "link": "somebody with the link",
    "stranger": "somebody", "payer": "the customer", "processor": "the processor",
}  # fmt: skip


async def named(visit: Visit, actors: Iterable[str | None]) -> dict[str, str]:
    """Actor -> how the page calls it."""
    return await names_for(visit.portal, actors)


async def names_for(
    portal: Portal, actors: Iterable[str | None], *, staff: bool = False
) -> dict[str, str]:
    """The same for a page without a merchant. `staff`: the operator's and the partner's people by
    their names, too."""
    read = {actor: Actor.of(actor) for actor in actors if actor}
    kinds = {"user", "operator", "partner"} if staff else {"user"}
    ids = {actor.id for actor in read.values() if actor.kind in kinds} | {
        actor.behind for actor in read.values() if actor.behind
    }
    wanted = {text: user_id for text in ids if (user_id := parse_id(text)) is not None}
    names = {}
    if wanted:
        names = await names_of(portal.world.people.reader, list(wanted.values()))
    by_text = {text: names[user_id] for text, user_id in wanted.items() if user_id in names}
    return {text: _name_of(actor, by_text, staff=staff) for text, actor in read.items()}


async def names_of_actors(visit: Visit, actors: Iterable[str]) -> dict[str, str]:
    """Actor -> a person's name, and whom they act for; or whose key it was."""
    given = set(actors)
    names = await names_for(visit.portal, given, staff=True)
    return names | {
        actor: Sentence("key …{0}", actor[-6:]) for actor in given if actor.startswith("api:")
    }


def _name_of(actor: Actor, names: dict[str, str], *, staff: bool) -> str:
    if actor.kind == "user":
        whose = names.get(actor.id, Sentence("a former user") if parse_id(actor.id) else actor.id)
        return (
            Sentence("{0}, operator staff, as {1}", names.get(actor.behind, "somebody"), whose)
            if actor.behind
            else whose
        )
    title = _OTHERS.get(actor.kind, "the operator")
    of_theirs = staff and actor.kind in ("operator", "partner") and actor.id in names
    return Sentence("{0} ({1})", names[actor.id], title) if of_theirs else title
