"""Forms about how the list looks: a zone and columns to keep, views to save, share, rename and
delete."""

from dataclasses import replace
from typing import Annotated, Final, Literal

from starlette.datastructures import QueryParams

from recoup.desk.page.orders.page import list_again, orders, owns_views
from recoup.desk.page.orders.query import Query
from recoup.desk.page.orders.reading import read_query
from recoup.desk.page.orders.views import kept
from recoup.desk.store.columns import COLUMNS, DEFAULT
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.local_time import read_zone
from recoup.people.flows.list_preferences import (
    Keeper,
    change,
    forget,
    keep_columns,
    keep_view,
    keep_zone,
    share,
)
from recoup.people.page.endpoint import id_in_path, redirect
from recoup.people.page.pages import Answer, nothing
from recoup.people.page.portal_visit import Visit
from recoup.people.page.rights import anybody

_NO_VIEW: Final = Problem(
    "not_found", "There is no such view.", cure="Choose one from the orders page."
)
_id: Final = id_in_path("view_id", _NO_VIEW)


@orders.post("/orders/look", may=anybody, shows=nothing)
async def post_look(
    visit: Visit, *, back: str, zone: str | None, cols: tuple[str, ...], usual: bool
) -> Answer:
    """Keeps a zone or a choice of columns for this person, and goes back to the list. Either
    `zone`, or `cols`: the columns, the `usual` ones with that button. `back`, here and below: the
    list that the form stood on."""
    query, user_id, world = back_of(visit, back), visit.session.user_id, visit.world
    if zone is not None:
        try:
            named = read_zone(zone.strip())
        except ValueError:
            problem = invalid(
                Sentence("There is no time zone {0}.", repr(zone[:40])),
                "zone",
                "Enter it like Europe/Berlin or GMT.",
            )
            return await list_again(visit, query, problem, zone=zone)
        await keep_zone(world, user_id, named)
        return redirect(replace(query, zone=named, home=named).link(cursor=query.cursor))
    wanted = tuple(name for name in COLUMNS if name in cols)
    if not wanted and not usual:
        problem = invalid("Select at least one column.", "cols", "Choose at least one.")
        return await list_again(visit, query, problem)
    await keep_columns(world, user_id, () if usual or wanted == DEFAULT else wanted)
    return redirect(replace(query, columns=()).link(cursor=query.cursor))


@orders.post("/orders/views", may=anybody, shows=nothing)
async def post_new_view(visit: Visit, *, back: str, name: str, share: bool) -> Answer:
    """`share`: with everybody at the merchant."""
    query = back_of(visit, back)
    try:
        view_id = await keep_view(
            visit.world,
            (visit.session.user_id, visit.merchant_id),
            name,
            kept(query),
            sharing=visit.scope if share else None,
        )
    except Problem as problem:
        return await list_again(visit, query, problem, name=name)
    return redirect(replace(query, view=str(view_id)).link())


@orders.post("/orders/views/{view_id}", may=anybody, shows=nothing)
async def post_view(
    visit: Visit,
    *,
    back: str,
    do: Annotated[Literal["save", "rename", "share", "unshare", "delete"], _NO_VIEW],
    name: str,
) -> Answer:
    """Saves what the list is now, gives the view another name, shares it or no more, or deletes it.
    `name`: the new one, to rename it."""
    query, view_id = back_of(visit, back), _id(visit)
    world, keeper = visit.world, Keeper(visit.session.user_id, visit.scope, owns_views(visit))
    try:
        if do == "save":
            await change(world, keeper, view_id, query=kept(query))
        elif do == "rename":
            await change(world, keeper, view_id, name=name)
        elif do in ("share", "unshare"):
            await share(world, keeper, view_id, do == "share")
        else:
            await forget(world, keeper, view_id)
            query = replace(query, view="")
    except Problem as problem:
        return await list_again(visit, query, problem, name=name)
    return redirect(query.link())


def back_of(visit: Visit, back: str) -> Query:
    """The list that a form stood on: what it says of filters counts, never another address."""
    return read_query(QueryParams(back.partition("?")[2].partition("#")[0]), visit.known)
