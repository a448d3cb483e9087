"""/invitations: who belongs to the shop or partner, who is invited; inviting, and ending."""

from typing import Any, Final, Literal
from uuid import UUID

from starlette.responses import Response

from recoup.kernel.problem import Problem, invalid
from recoup.kit.edge.cookies import cookie
from recoup.kit.edge.tracing import request_id
from recoup.kit.rights import MAY
from recoup.merchants.flows.find_partner import read_partner
from recoup.people.flows.invitations import (
    Subject,
    invite,
    join_as,
    join_new,
    read_invitation,
    revoke,
)
from recoup.people.flows.lost_factor import help_member, whom_to_help
from recoup.people.flows.mails import send_invitations
from recoup.people.flows.memberships import end_membership
from recoup.people.flows.notices import inbox, keeps_mail
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.second_factor import require
from recoup.people.flows.sessions import Session, is_csrf, session_hash, switch_merchant
from recoup.people.flows.who import Oneself
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.bounds import check_behind
from recoup.people.page.endpoint import (
    COOKIE,
    SET_UP,
    id_in_path,
    locale,
    redirect,
    session_of,
    whence,
)
from recoup.people.page.form_shape import read_again
from recoup.people.page.menu import Entry, by_role, by_seat
from recoup.people.page.pages import Answer, Values, but, either, nothing, only, public, shown
from recoup.people.page.permissions import in_words
from recoup.people.page.portal_visit import Visit
from recoup.people.page.public_visit import PublicVisit
from recoup.people.page.rights import anybody
from recoup.people.page.signin import with_session
from recoup.people.page.words import State
from recoup.people.store.invitations import OpenInvitation, left, list_invitations, members_of
from recoup.people.store.second_factors import who_asks, with_factor

ROWS: Final = 100
LEFT_ROWS: Final = 20
STATES: Final = {
    "open": State("Open", "hold", "onhold", "The link works once, until it expires."),
    "accepted": State("Joined", "ok", "completed", "Somebody used the link."),
    "revoked": State("Revoked", "off", "cancelled", "The link no longer works."),
    "expired": State("Expired", "off", "cancelled", "The link was not used in time."),
}


_NO_INVITATION: Final = Problem(
    "not_found", "There is no such open invitation.", "Reload the page."
)
_invitation: Final = id_in_path("invitation_id", _NO_INVITATION)
_user: Final = id_in_path(
    "user_id", Problem("not_found", "There is no such member.", "Reload the page.")
)


@either.page(
    "/invitations",
    "people/invitations_people.html",
    menu=Entry(
        "Settings",
        5,
        "People",
        "team",
        sees=lambda session: by_role("invite")(session) or by_seat("invite")(session),
    ),
)
async def people(visit: AnyVisit) -> Values:
    world, subjects = visit.world, await _subjects(visit)
    groups: list[dict[str, Any]] = []
    open_: list[UUID] = []
    async with world.people.read() as connection:
        for key, subject in subjects.items():
            members = await members_of(connection, *subject.key, ROWS, world.name)
            rows = await list_invitations(connection, *subject.key, visit.wall, ROWS)
            secured = await with_factor(connection, [member.user_id for member in members])
            groups.append(
                {
                    "key": key,
                    "subject": subject,
                    "members": members,
                    "invitations": rows,
                    "left": await left(connection, *subject.key, LEFT_ROWS),
                    "secured": secured,
                    "rule": await who_asks(connection, *subject.key),
                    "may_invite": may_invite(visit, subject),
                }
            )
            open_ += [row.invitation_id for row in rows if row.state == "open"]
    return dict(
        groups=groups,
        roles={role: in_words(role) for role in MAY},
        email=read_again(post_invitation, visit.typed).email[:254],
        mails=await inbox(world, open_) if open_ else {},
        kept=keeps_mail(world),
    )


def _in_form(problem: Problem) -> bool:
    return problem.retry_after_seconds is None and problem.code != "forbidden"


@people.post(may=anybody, shows=_in_form)
async def post_invitation(visit: AnyVisit, *, subject: str, email: str, role: str) -> None:
    """`subject`, here and below: merchant or partner. `role`: there."""
    where = await subject_of(visit, subject)
    if not may_invite(visit, where):
        raise Problem(
            "forbidden", "Only an owner can invite people; nobody was invited.", "Ask the owner."
        )
    made = await invite(
        visit.world, where, visit.session.user_id, email, role, request_id=visit.scope.request_id
    )
    await send_invitations(visit.world, made)


@people.post("/invitations/{invitation_id}/revoke", may=anybody, shows=nothing)
async def post_revocation(visit: AnyVisit, *, subject: str) -> None:
    where = await subject_of(visit, subject)
    await revoke(
        visit.world,
        where,
        visit.session.user_id,
        _invitation(visit),
        request_id=visit.scope.request_id,
    )


@people.post("/invitations/members/{user_id}/end", may=anybody, shows=but("forbidden"))
async def post_end(visit: AnyVisit, *, subject: str, leave: bool) -> Answer:
    """A membership ends; `leave`: confirmed, as it is one's own."""
    where = await subject_of(visit, subject)
    user_id, me = _user(visit), visit.session.user_id
    if user_id == me and not leave:
        raise invalid(
            "You cannot end your own membership here.",
            "leave",
            "Tick the box if you really want to leave.",
        )
    await end_membership(visit.world, where, user_id, by=me, request_id=visit.scope.request_id)
    return redirect("/orders" if user_id == me else "/invitations")


def may_invite(visit: AnyVisit, subject: Subject) -> bool:
    """The operator's operations see and end, they do not invite."""
    return subject.kind == "partner" or visit.session.may_by_role("invite")


async def _subjects(visit: AnyVisit) -> dict[str, Subject]:
    """The subjects that this person is an owner of: the partner, the merchant that is looked at;
    for the operator this one. Raises: Problem(forbidden)."""
    subjects, seat = {}, visit.session.seat
    if seat and seat.may("invite"):
        subjects["partner"] = Subject(
            "partner", seat.partner_id, (await read_partner(visit.world, seat.partner_id)).name
        )
    if isinstance(visit, Visit) and (visit.is_operator or visit.session.may_by_role("invite")):
        subjects["merchant"] = Subject("merchant", visit.merchant_id, visit.known.merchant.name)
    if not subjects:
        raise Problem("forbidden", "Only an owner can view and invite people.", "Ask the owner.")
    return subjects


async def subject_of(visit: AnyVisit, key: str) -> Subject:
    """Raises: Problem(forbidden) for what is not this person's to open."""
    subject = (await _subjects(visit)).get(key)
    if subject is None:
        raise Problem(
            "forbidden", "You are not an owner there; nothing was done.", "Ask its owner."
        )
    if key == "partner" and (await read_partner(visit.world, subject.id)).state != "active":
        raise Problem(
            "forbidden", "This partner is paused: nothing can be changed.", "Ask the operator."
        )
    return subject


@people.post("/invitations/second-factor", may=anybody, shows=nothing)
async def post_rule(
    visit: AnyVisit, *, subject: str, required: Literal["yes", "no"] | None
) -> None:
    """`required`: of everybody at the `subject`."""
    where = await subject_of(visit, subject)
    if not may_invite(visit, where):
        raise Problem(
            "forbidden",
            "Only an owner can require it for everybody; nothing was done.",
            "Ask the owner.",
        )
    if required is None:
        raise invalid("Say whether it is required.", "required", "Reload the page.")
    me = visit.session.user_id
    await require(
        visit.world, where, me, required=required == "yes", request_id=visit.scope.request_id
    )


@either.page("/invitations/members/{user_id}/second-factor", "people/invitations_lost.html")
async def lost(visit: AnyVisit, *, subject: str) -> Values:
    """`subject`: the shop or partner, of the form, else of the address."""
    wanted = read_again(post_lost, visit.typed).subject if visit.typed else subject
    where, user_id = await subject_of(visit, wanted), _user(visit)
    name = await whom_to_help(visit.world, where, visit.session.user_id, user_id)
    return dict(name=name, user_id=user_id, subject=where)


@lost.post(may=anybody, shows=only("bad_credentials", "too_many_requests"))
async def post_lost(visit: AnyVisit, *, subject: str, password: str) -> Answer:
    """`password`: of who helps."""
    where, user_id = await subject_of(visit, subject), _user(visit)
    key = session_hash(visit.world, cookie(visit.request, COOKIE))
    me = Oneself(visit.session.user_id, key, whence(visit.request).address, visit.scope.request_id)
    await help_member(visit.world, visit.portal.get(Passwords), where, me, user_id, password)
    return redirect("/invitations")


@public.page("/invitations/{token}", "people/invitations_join.html")
async def join(visit: PublicVisit) -> Values | Answer:
    invitation = await read_invitation(visit.world, visit.request.path_params["token"])
    session = await session_of(visit.portal, visit.request) if visit.problem is None else None
    if session and session.must_set_up:
        return redirect(SET_UP)
    return {
        "found": invitation,
        "session": session,
        "name": read_again(post_join, visit.typed).name[:80],
        "language": locale(visit.request, session),
    }


@join.post(may=anybody, shows=nothing)
async def post_join(visit: PublicVisit, *, name: str, password: str, csrf: str) -> Answer:
    """`name`, `password`: of a new person; `csrf`: of one that is signed in."""
    request, token = visit.request, visit.request.path_params["token"]
    invitation = await read_invitation(visit.world, token)
    session = await session_of(visit.portal, request)
    if session and session.must_set_up:
        return redirect(SET_UP)
    if session:
        return await _join(visit, session, csrf, invitation)
    try:
        passwords, client = visit.portal.get(Passwords), whence(request)
        made = await join_new(
            visit.world,
            passwords,
            token,
            name,
            password,
            client,
            request_id=request_id(request.scope),
        )
    except Problem as problem:
        if problem.code not in ("invalid", "conflict"):
            raise
        return shown(problem)
    return with_session(redirect("/orders"), request, made)


async def _join(
    visit: PublicVisit, session: Session, csrf: str, invitation: OpenInvitation
) -> Response:
    request = visit.request
    check_behind(request, session)
    if not is_csrf(session, csrf):
        raise Problem(
            "forbidden", "This form is from another session; nothing was done.", "Reload the page."
        )
    await join_as(
        visit.world,
        request.path_params["token"],
        session.user_id,
        request_id=request_id(request.scope),
    )
    if invitation.subject_kind == "merchant":
        try:
            await switch_merchant(
                visit.world, cookie(request, COOKIE), session, invitation.subject_id
            )
        except Problem:
            pass  # this world does not have it: they are a member all the same
    return redirect("/orders")
