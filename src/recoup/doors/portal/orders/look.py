"""Forms about how the list looks: a zone and columns to keep, views to save, share, rename and delete."""

from copy import copy
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal

from starlette.datastructures import QueryParams

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.orders.page import list_again, orders, owns_views
from recoup.doors.portal.orders.query import Query
from recoup.doors.portal.orders.reading import COLUMNS, DEFAULT, read_query
from recoup.doors.portal.orders.views import kept
from recoup.doors.portal.pages import Answer, nothing
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.visit import Visit
from recoup.flows.people.list_preferences import Keeper, change, forget, keep_columns, keep_view, keep_zone, share
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.messages.local_time import read_zone

_NO_VIEW: Final = Problem("not_found", "There is no such view.", cure="Choose one from the orders page.")


@dataclass(frozen=True, slots=True)
class LookForm:
    """Either `zone`, or `cols`: the columns, the `usual` ones with that button. `back`, here and below: the list that
    the form stood on."""

    back: str
    zone: str | None
    cols: tuple[str, ...]
    usual: bool


@dataclass(frozen=True, slots=True)
class NewView:
    """`share`: with everybody at the merchant."""

    back: str
    name: str
    share: bool


@dataclass(frozen=True, slots=True)
class ViewForm:
    """`name`: the new one, to rename it."""

    back: str
    do: Annotated[Literal["save", "rename", "share", "unshare", "delete"], _NO_VIEW]
    name: str


@orders.post("/orders/look", may=anybody, shape=LookForm, shows=nothing)
async def post_look(visit: Visit, form: LookForm) -> Answer:
    """Keeps a zone or a choice of columns for this person, and goes back to the list."""
    query, user_id, world = back_of(visit, form.back), visit.session.user_id, visit.world
    if form.zone is not None:
        try:
            zone = read_zone(form.zone.strip())
        except ValueError:
            problem = Problem(
                "invalid",
                Sentence("There is no time zone {0}.", repr(form.zone[:40])),
                field="zone",
                cure="Enter it like Europe/Berlin or GMT.",
            )
            return await list_again(visit, query, problem, zone=form.zone)
        await keep_zone(world, user_id, zone)
        return redirect(replace(query, zone=zone, home=zone).link(cursor=query.cursor))
    wanted = tuple(name for name in COLUMNS if name in form.cols)
    if not wanted and not form.usual:
        problem = Problem("invalid", "Select at least one column.", field="cols", cure="Choose at least one.")
        return await list_again(visit, query, problem)
    await keep_columns(world, user_id, () if form.usual or wanted == DEFAULT else wanted)
    return redirect(replace(query, columns=()).link(cursor=query.cursor))


@orders.post("/orders/views", may=anybody, shape=NewView, shows=nothing)
async def post_new_view(visit: Visit, form: NewView) -> Answer:
    query = back_of(visit, form.back)
    try:
        view_id = await keep_view(
            visit.world,
            (visit.session.user_id, visit.merchant_id),
            form.name,
            kept(query),
            sharing=visit.scope if form.share else None,
        )
    except Problem as problem:
        return await list_again(visit, query, problem, name=form.name)
    return redirect(replace(query, view=str(view_id)).link())


@orders.post("/orders/views/{view_id}", may=anybody, shape=ViewForm, shows=nothing)
async def post_view(visit: Visit, form: ViewForm) -> Answer:
    """Saves what the list is now, gives the view another name, shares it or no more, or deletes it."""
    query, view_id, doing = back_of(visit, form.back), parse_id(visit.request.path_params["view_id"]), form.do
    world, keeper = visit.world, Keeper(visit.session.user_id, visit.scope, owns_views(visit))
    if view_id is None:
        raise copy(_NO_VIEW)
    try:
        if doing == "save":
            await change(world, keeper, view_id, query=kept(query))
        elif doing == "rename":
            await change(world, keeper, view_id, name=form.name)
        elif doing in ("share", "unshare"):
            await share(world, keeper, view_id, doing == "share")
        else:
            await forget(world, keeper, view_id)
            query = replace(query, view="")
    except Problem as problem:
        return await list_again(visit, query, problem, name=form.name)
    return redirect(query.link())


def back_of(visit: Visit, back: str) -> Query:
    """The list that a form stood on: what it says of filters counts, never another address."""
    return read_query(QueryParams(back.partition("?")[2].partition("#")[0]), visit.known)
