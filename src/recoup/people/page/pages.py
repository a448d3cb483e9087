"""A page is declared once, beside the function that makes it: its address, whose session it takes,
its template, its forms, and what somebody needs for each. All routes are made of these
declarations."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import field, replace
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypedDict, TypeVar, Unpack, overload
from uuid import UUID

from starlette.datastructures import FormData
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import ClientGone
from recoup.kit.edge.called import acted
from recoup.kit.files.cells import MARK
from recoup.merchants.flows.taken_files import note_file
from recoup.people.page import menu as menus
from recoup.people.page.account.visit import AccountVisit, account_visit
from recoup.people.page.any_visit import AnyVisit, any_visit
from recoup.people.page.endpoint import (
    PLACES,
    STATUSES,
    Endpoint,
    VisitOf,
    redirect,
    signed_in,
    unsigned,
)
from recoup.people.page.form_shape import Fields, read_address, read_fields, readers_of
from recoup.people.page.forms import Form, parts_of
from recoup.people.page.own_forms import checked_form, own_form
from recoup.people.page.partner_visit import PartnerVisit, partner_visit
from recoup.people.page.portal import Portal
from recoup.people.page.portal_visit import Visit, member_visit
from recoup.people.page.public_visit import PublicVisit, public_form
from recoup.people.page.rights import anybody
from recoup.people.page.templates import HEADERS, render

CSV: Final = "text/csv; charset=utf-8"
JSON_LINES: Final = "application/x-ndjson"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(parts: AsyncIterator[bytes], name: str, media_type: str = CSV) -> Response:
    """A CSV begins with the mark by which spreadsheets know that it is UTF-8."""
    marked = _marked(parts) if media_type == CSV else parts
    return StreamingResponse(marked, media_type=media_type, headers=attached(name))


def attachment(content: bytes | str, name: str, media_type: str) -> Response:
    """A whole file, never shown inside a page of ours."""
    return Response(content, media_type=media_type, headers=attached(name))


def attached(name: str) -> dict[str, str]:
    """The headers of a file."""
    return HEADERS | {"content-disposition": f'attachment; filename="{name}"'}


async def _marked(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield MARK.encode()
    async for part in parts:
        yield part


async def taken(visit: AnyVisit, what: str, subject_id: UUID | str = "", **facts: Any) -> None:
    """Notes that data was taken, `what` as "orders". `facts`: nobody's data, so no words that were
    searched for. A user without a merchant takes files of their partner's own applications only;
    these are not a merchant's to know."""
    if isinstance(visit, Visit):
        await note_file(visit.world, visit.scope, what, subject_id, **facts)
        acted(visit.request.scope)


V = TypeVar("V", bound=Visit | PartnerVisit | AccountVisit | PublicVisit)
F = TypeVar("F")
S = TypeVar("S")
P = ParamSpec("P")
Values = dict[str, Any]
Shows = Callable[[Problem], bool]


@frozen
class Shown:
    """A page: of its function `values` are all, of a form they come over the page's own. `problem`:
    what was refused; its status is the answer's, unless `status` says another."""

    values: Mapping[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    status: int | None = None


Answer = Shown | Response
Done = Answer | None  # of a form: None leads back to its page
# What a form does, with its fields as keyword parameters or as a shape; and to what the path names.
Pressed = Callable[Concatenate[V, P], Awaitable[Done]]
Sent = Callable[[V, F], Awaitable[Done]]
PressedOn = Callable[Concatenate[V, S, P], Awaitable[Done]]
SentTo = Callable[[V, F, S], Awaitable[Done]]


def shown(problem: Problem | None = None, *, status: int | None = None, **values: Any) -> Shown:
    return Shown(values, problem, status)


def every(problem: Problem) -> bool:
    return True


def nothing(problem: Problem) -> bool:
    """Shows no problem on the page: what is refused becomes an error page."""
    return False


def only(*codes: str) -> Shows:
    """Problems of these codes; others become an error page."""
    return lambda problem: problem.code in codes


def but(*codes: str) -> Shows:
    """Problems of all codes except these, which become an error page."""
    return lambda problem: problem.code not in codes


@frozen
class Sessions(Generic[V]):
    """Sessions that pages take. `endpoints`: under which addresses, and how a session becomes a
    visit. `form` reads a form that changes something there, `own_form` one that does not and so is
    open while a partner is paused. `sees`: who has their pages in the menu, unless an entry says
    otherwise; None: of pages that nobody is signed in for."""

    endpoints: Callable[[Portal, str, Callable[[V], Awaitable[Response]]], Mapping[str, Endpoint]]
    form: Callable[[V], Awaitable[Form]]
    sees: menus.Sees | None
    own_form: Callable[[Any], Awaitable[Form]] = own_form

    def page(
        self,
        path: str,
        template: str = "",
        *,
        may: Callable[[V], object] = anybody,
        menu: menus.Entry | tuple[menus.Entry, ...] = (),
    ) -> Callable[[Callable[Concatenate[V, P], Awaitable[Values | Answer]]], "Page[V]"]:
        """The function returns what the template needs beside the layout and its own `module`,
        whose names the template reads; a file, or another page, is an answer. Its keyword
        parameters are those of the address, read like a form's (`form_shape.py`), but nothing is
        refused. `menu`: where it stands in the menu of every page."""

        def declare(work: Callable[..., Awaitable[Values | Answer]]) -> Page[V]:
            readers_of(work)  # says at once what no address can hold
            made = Page(self, path, template, work)

            async def get(visit: V) -> Response:
                may(visit)
                return await made.answer(visit)

            DECLARED.append(Declared(self, path, "GET", get))
            if self.sees:
                PLACES.update(part for part in path.split("/")[1:2] if part and "{" not in part)
                for entry in (menu,) if isinstance(menu, menus.Entry) else menu:
                    menus.declare(entry, path, self.sees)
            return made

        return declare

    @property
    def no_page(self) -> "Page[V]":
        """A page for forms that stand on none of their own: what is refused becomes an error
        page."""
        return Page(self, "", "", _no_page, shows=nothing)


@frozen
class Declared:
    """A route to be."""

    sessions: Sessions[Any]
    path: str
    method: str
    work: Callable[[Any], Awaitable[Response]]

    def routes(self, portal: Portal) -> list[Route]:
        routes = self.sessions.endpoints(portal, self.path, self.work)
        return [Route(path, endpoint, methods=[self.method]) for path, endpoint in routes.items()]


DECLARED: Final[list[Declared]] = []  # of the modules that are imported


class Taking(TypedDict, Generic[V], total=False):
    """Taking of a form. `shows`: which Problems the page shows; `while_paused`: also then, as it
    changes nothing there; `in_quarantine`: also while the database is quarantined; `sessions`:
    whose it is, if not the page's; `reads`: how it is read, unless as usual."""

    shows: Shows
    while_paused: bool
    in_quarantine: bool
    sessions: Sessions[Any]
    reads: Callable[[V], Awaitable[Form | FormData | None]]


class Page(Generic[V]):
    """A page, for its forms and for others that lead to it."""

    def __init__(
        self,
        sessions: Sessions[V],
        path: str,
        template: str,
        work: Callable[..., Awaitable[Values | Answer]],
        *,
        shows: Shows = every,
    ) -> None:
        self._sessions, self._path, self._template, self._work, self._shows = (
            sessions,
            path,
            template,
            work,
            shows,
        )
        self._module = sys.modules[work.__module__]

    async def answer(self, visit: V, again: Shown | None = None) -> Response:
        """Answers with the page. `again`: with what a form has to say."""
        again = again or Shown()
        wanted = read_address(self._work, visit.request.query_params)
        result = await self._work(replace(visit, problem=again.problem), **wanted)
        if isinstance(result, Response):
            return result
        own = result if isinstance(result, Shown) else Shown(result)
        problem = again.problem or own.problem
        status = again.status or own.status or (STATUSES[problem.code] if problem else 200)
        values = visit.values(
            **{"problem": problem, "module": self._module, **own.values, **again.values}
        )
        answer = render(self._template, values, status=status)
        if problem and problem.retry_after_seconds is not None:
            answer.headers["retry-after"] = str(problem.retry_after_seconds)
        return answer

    @overload
    def post(
        self, path: str = "", *, may: Callable[[V], object], **how: Unpack[Taking[V]]
    ) -> Callable[[Pressed[V, P]], Pressed[V, P]]: ...

    @overload
    def post(
        self,
        path: str = "",
        *,
        may: Callable[[V], object],
        shape: type[F],
        **how: Unpack[Taking[V]],
    ) -> Callable[[Sent[V, F]], Sent[V, F]]: ...

    @overload
    def post(
        self,
        path: str = "",
        *,
        may: Callable[[V], object],
        find: Callable[[V], Awaitable[S]],
        **how: Unpack[Taking[V]],
    ) -> Callable[[PressedOn[V, S, P]], PressedOn[V, S, P]]: ...

    @overload
    def post(
        self,
        path: str = "",
        *,
        may: Callable[[V], object],
        shape: type[F],
        find: Callable[[V], Awaitable[S]],
        **how: Unpack[Taking[V]],
    ) -> Callable[[SentTo[V, F, S]], SentTo[V, F, S]]: ...

    def post(
        self,
        path: str = "",
        *,
        may: Callable[[V], object],
        shape: Any = None,
        find: Any = None,
        **how: Any,
    ) -> Any:
        """A form, sent to `path`, else to the page's own. In this order: it is of this session, and
        no partner of the sender is paused; the sender may; what the path names is found; it is read
        (`form_shape.py`) as `shape`, else as the function's keyword parameters; then the function.
        A Problem of the last two shows the page with what was typed, where `shows` says so. `how`:
        as `Taking`."""
        whose, shows = how.get("sessions", self._sessions), how.get("shows", self._shows)
        read = how.get("reads") or (whose.own_form if how.get("while_paused") else whose.form)

        def declare(work: Callable[..., Awaitable[Done]]) -> Callable[..., Awaitable[Done]]:
            readers_of(shape or work)  # says at once what no form can hold

            async def post(visit: V) -> Response:
                form = await read(visit)
                fields = parts_of(form) if isinstance(form, FormData) else form or {}
                try:
                    if not how.get("in_quarantine"):
                        visit.world.standing.check()
                    may(visit)
                    target = (await find(visit),) if find is not None else ()

                    async def do() -> Done:
                        given = read_fields(shape or work, fields)
                        return await (
                            work(visit, shape(**given), *target)
                            if shape
                            else work(visit, *target, **given)
                        )

                    return await self._sent(visit, fields, do, shows)
                finally:
                    if isinstance(form, FormData):
                        await form.close()

            DECLARED.append(Declared(whose, path or self._path, "POST", post))
            return work

        return declare

    async def _sent(
        self, visit: V, form: Fields, do: Callable[[], Awaitable[Done]], shows: Shows
    ) -> Response:
        try:
            answer = await do()
        except ClientGone:
            answer = None  # nobody reads it
        except Problem as problem:
            if not shows(problem):
                raise
            answer = Shown(problem=problem)
        if answer is None:
            return redirect(self._path.format(**visit.request.path_params))
        if isinstance(answer, Response):
            return answer
        typed = {
            name: texts
            for name, values in form.items()
            if (texts := [x for x in values if isinstance(x, str)])
        }
        return await self.answer(replace(visit, typed=typed), answer)


async def _no_page(visit: object) -> Values:
    raise NotImplementedError


W = TypeVar("W", bound=Visit | PartnerVisit | AccountVisit)
Endpoints = Callable[[Portal, str, Callable[[V], Awaitable[Response]]], Mapping[str, Endpoint]]


def _at(visit_of: VisitOf[W], *, sets_up: bool = False) -> Endpoints[W]:
    """Makes endpoints of a page at its own address."""
    return lambda portal, path, work: {path: signed_in(portal, visit_of, work, sets_up=sets_up)}


def _at_partner_too(
    portal: Portal, path: str, work: Callable[[AnyVisit], Awaitable[Response]]
) -> Mapping[str, Endpoint]:
    return {
        **_at(member_visit)(portal, path, work),
        **_at(partner_visit)(portal, f"/partner{path}", work),
    }


def _public(
    portal: Portal, path: str, work: Callable[[PublicVisit], Awaitable[Response]]
) -> Mapping[str, Endpoint]:
    return {path: unsigned(portal, lambda request: work(PublicVisit(portal, request)))}


# Visits at a merchant; of a partner's members; at either; at both, each at an address of its own.
member: Final[Sessions[Visit]] = Sessions(_at(member_visit), checked_form, menus.at_merchant)
partner: Final[Sessions[PartnerVisit]] = Sessions(
    _at(partner_visit), checked_form, menus.at_partner
)
either: Final[Sessions[AnyVisit]] = Sessions(_at(any_visit), checked_form, menus.anybody)
both: Final[Sessions[AnyVisit]] = Sessions(_at_partner_too, checked_form, menus.anybody)
# One's own account, which a paused partner's people change as everybody does, and what needs no
# merchant; also before a second factor is set up that has to be; nobody's in particular.
account: Final[Sessions[AccountVisit]] = Sessions(_at(account_visit), own_form, menus.anybody)
account_setting_up: Final[Sessions[AccountVisit]] = Sessions(
    _at(account_visit, sets_up=True), own_form, menus.anybody
)
# The operator's people, also where no merchant is yet.
operating: Final[Sessions[AccountVisit]] = Sessions(
    _at(account_visit), checked_form, menus.operator_anywhere
)
public: Final[Sessions[PublicVisit]] = Sessions(_public, public_form, None, public_form)
