"""Forms about how the list looks: a zone and columns to keep, views to save, share, rename and delete."""

from dataclasses import replace

from starlette.datastructures import QueryParams

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.orders.columns import COLUMNS, DEFAULT
from recoup.doors.portal.orders.page import list_again, orders, owns_views
from recoup.doors.portal.orders.query import Query
from recoup.doors.portal.orders.reading import read_query
from recoup.doors.portal.orders.views import kept
from recoup.doors.portal.pages import Answer, nothing
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.visit import Visit
from recoup.flows.people.list_preferences import Keeper, change, forget, keep_columns, keep_view, keep_zone, share
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.messages.local_time import read_zone


@orders.post("/orders/look", may=anybody, shows=nothing)
async def post_look(visit: Visit, form: Form) -> Answer:
    """Keeps a zone or a choice of columns for this person, and goes back to the list."""
    query, user_id, world = back_of(visit, form), visit.session.user_id, visit.world
    if "zone" in form:
        try:
            zone = read_zone(first(form, "zone").strip())
        except ValueError:
            problem = Problem(
                "invalid",
                f"There is no time zone {first(form, 'zone')[:40]!r}.",
                field="zone",
                cure="Enter it like Europe/Berlin or GMT.",
            )
            return await list_again(visit, query, problem, form)
        await keep_zone(world, user_id, zone)
        return redirect(replace(query, zone=zone, home=zone).link(cursor=query.cursor))
    wanted = tuple(name for name in COLUMNS if name in form.get("cols", []))
    if not wanted and "usual" not in form:
        problem = Problem("invalid", "Select at least one column.", field="cols", cure="Choose at least one.")
        return await list_again(visit, query, problem, form)
    await keep_columns(world, user_id, () if "usual" in form or wanted == DEFAULT else wanted)
    return redirect(replace(query, columns=()).link(cursor=query.cursor))


@orders.post("/orders/views", may=anybody, shows=nothing)
async def post_new_view(visit: Visit, form: Form) -> Answer:
    query = back_of(visit, form)
    try:
        view_id = await keep_view(
            visit.world,
            (visit.session.user_id, visit.merchant_id),
            first(form, "name"),
            kept(query),
            sharing=visit.scope if first(form, "share") else None,
        )
    except Problem as problem:
        return await list_again(visit, query, problem, form)
    return redirect(replace(query, view=str(view_id)).link())


@orders.post("/orders/views/{view_id}", may=anybody, shows=nothing)
async def post_view(visit: Visit, form: Form) -> Answer:
    """Saves what the list is now, gives the view another name, shares it or no more, or deletes it."""
    query, view_id, doing = back_of(visit, form), parse_id(visit.request.path_params["view_id"]), first(form, "do")
    world, keeper = visit.world, Keeper(visit.session.user_id, visit.scope, owns_views(visit))
    if view_id is None or doing not in ("save", "rename", "share", "unshare", "delete"):
        raise Problem("not_found", "There is no such view.", cure="Choose one from the orders page.")
    try:
        if doing == "save":
            await change(world, keeper, view_id, query=kept(query))
        elif doing == "rename":
            await change(world, keeper, view_id, name=first(form, "name"))
        elif doing in ("share", "unshare"):
            await share(world, keeper, view_id, doing == "share")
        else:
            await forget(world, keeper, view_id)
            query = replace(query, view="")
    except Problem as problem:
        return await list_again(visit, query, problem, form)
    return redirect(query.link())


def back_of(visit: Visit, form: Form) -> Query:
    """The list that the form stood on: what it says of filters counts, never another address."""
    return read_query(QueryParams(first(form, "back").partition("?")[2].partition("#")[0]), visit.known)
