"""Somebody saves how they look at orders: views with a name, their zone, their columns."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.world import World
from recoup.rules.merchants.personal import redactor
from recoup.store.pool import Database, KeyTaken
from recoup.store.read.list_habits import VIEWS_MAX, SavedView, views_of
from recoup.store.write.list_habits import add_view, change_view, delete_view, delete_views, save_columns, save_zone

NAME_MAX: Final = 40
QUERY_MAX: Final = 4_000
_NAMED_BY: Final = ("name", "first_name", "last_name", "email", "phone", "external_id")  # places are many people's
Key = tuple[UUID, UUID]  # user, merchant


async def keep_zone(world: World, user_id: UUID, zone: str) -> None:
    people: Database = world.extra["people"]
    async with people.connection() as connection:
        await save_zone(connection, user_id, zone)


async def keep_columns(world: World, user_id: UUID, columns: tuple[str, ...]) -> None:
    people: Database = world.extra["people"]
    async with people.connection() as connection:
        await save_columns(connection, user_id, list(columns))


async def keep_view(world: World, key: Key, name: str, query: str) -> UUID:
    """A new one; answers its id. Raises: Problem(invalid) naming the name; Problem(conflict) for one that is taken."""
    name, view_id, people = _named(name), new_id(), world.extra["people"]
    try:
        async with people.transaction() as tx:
            added = await add_view(tx, *key, view_id, name, _fitting(query), VIEWS_MAX)
    except KeyTaken:
        raise _taken(name) from None
    if not added:
        raise Problem("conflict", f"There are {VIEWS_MAX} views already.", cure="Delete one that nobody needs.")
    return view_id


async def change(world: World, key: Key, view_id: UUID, *, name: str | None = None, query: str | None = None) -> None:
    """Raises: Problem(not_found); Problem(invalid); Problem(conflict) for a name that is taken."""
    name = None if name is None else _named(name)
    people: Database = world.extra["people"]
    try:
        async with people.connection() as connection:
            found = await change_view(connection, *key, view_id, name, None if query is None else _fitting(query))
    except KeyTaken:
        raise _taken(name or "") from None
    if not found:
        raise Problem("not_found", "This view was deleted.", cure="Save it again under a name.")


async def forget(world: World, key: Key, view_id: UUID) -> None:
    """Also of a view that is gone already."""
    people: Database = world.extra["people"]
    async with people.connection() as connection:
        await delete_view(connection, *key, view_id)


async def forget_views_of(world: World, merchant_id: UUID, persons: Sequence[Mapping[str, Any]]) -> None:
    """Everybody's views of this merchant that are called after one of these persons, or search for them."""
    people: Database = world.extra["people"]
    async with people.connection() as connection:
        views = await views_of(connection, merchant_id)
    # A thread: one id may stand for all guests of a shop, and every other call would wait for their names.
    found = await asyncio.to_thread(_naming, persons, views) if views else ()
    if found:
        async with people.connection() as connection:
            await delete_views(connection, merchant_id, found)


def _naming(persons: Sequence[Mapping[str, Any]], views: Sequence[SavedView]) -> list[UUID]:
    hide = redactor([{name: person[name] for name in _NAMED_BY if name in person} for person in persons])
    return [view.view_id for view in views if hide.names(view.name) or hide.names(_typed(view.query))]


def _typed(query: str) -> str:
    return " ".join(parse_qs(query).get("q", ()))


def _named(name: str) -> str:
    name = " ".join("".join(c for c in name if c.isprintable()).split())
    if not name or len(name) > NAME_MAX:
        raise Problem("invalid", f"A view needs a name of at most {NAME_MAX} characters.", field="name",
                      cure="Give it a short name.")  # fmt: skip
    return name


def _fitting(query: str) -> str:
    if len(query) > QUERY_MAX:
        raise Problem("invalid", "This list has more filters than a view can hold.", field="query",
                      cure="Take some filters off.")  # fmt: skip
    return query


def _taken(name: str) -> Problem:
    return Problem("conflict", f"You have a view called {name!r} already.", cure="Give it another name.")
