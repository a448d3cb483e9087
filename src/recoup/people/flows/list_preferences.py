"""Somebody saves how they look at orders: views with a name, their zone, their columns."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.pool import KeyTaken
from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.stop import stoppable
from recoup.kit.personal import redactor
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.people.store.list_preferences import (
    SHARED_MAX,
    VIEWS_MAX,
    StandingView,
    ViewQuery,
    add_view,
    change_view,
    count_shared,
    delete_view,
    delete_views,
    file_names,
    forget_file_names,
    lock_shared,
    save_columns,
    save_zone,
    share_view,
    standing_view,
    views_of,
)

NAME_MAX: Final = 40
QUERY_MAX: Final = 4_000
_NAMED_BY: Final = (
    "name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "external_id",
)  # places are many people's
Key = tuple[UUID, UUID]  # user, merchant


@frozen
class Keeper:
    """Keeper of views at `scope`'s merchant. `owns`: an owner of it, who may change what others
    share, too."""

    user_id: UUID
    scope: Scope
    owns: bool


async def keep_zone(world: World, user_id: UUID, zone: str) -> None:
    await save_zone(world.people.alone, user_id, zone)


async def keep_columns(world: World, user_id: UUID, columns: tuple[str, ...]) -> None:
    await save_columns(world.people.alone, user_id, list(columns))


async def keep_view(
    world: World, key: Key, name: str, query: str, *, sharing: Scope | None = None
) -> UUID:
    """A new one; answers its id. `sharing`: who shares it with everybody of the merchant. Raises:
    Problem(invalid) naming the name; Problem(conflict) for one that is taken, and when there are
    too many."""
    name, view_id, people = _named(name), new_id(), world.people
    try:
        async with people.transaction() as tx:
            if sharing:
                await _room(tx, world, key[1])
            added = await add_view(
                tx, *key, view_id, name, _fitting(query), VIEWS_MAX, world.name if sharing else None
            )
            if added and sharing:
                await _noted(world, sharing, "view.shared", view_id)
    except KeyTaken:
        raise _taken(name) from None
    if not added:
        raise Problem(
            "conflict",
            Sentence("There are {0} views already.", VIEWS_MAX),
            "Delete one that is no longer needed.",
        )
    return view_id


async def change(
    world: World,
    keeper: Keeper,
    view_id: UUID,
    *,
    name: str | None = None,
    query: str | None = None,
) -> None:
    """Raises: Problem(not_found); Problem(forbidden) for what somebody else shares;
    Problem(invalid); Problem(conflict) for a name that is taken."""
    name, query = None if name is None else _named(name), None if query is None else _fitting(query)
    try:
        async with world.people.transaction() as tx:
            view = await _standing(tx, world, keeper, view_id)
            await change_view(tx, view.user_id, keeper.scope.merchant_id, view_id, name, query)
            if view.shared:
                await _noted(world, keeper.scope, "view.changed", view_id)
    except KeyTaken:
        raise _taken(name or "") from None


async def share(world: World, keeper: Keeper, view_id: UUID, shared: bool) -> None:
    """Shares a view with everybody of the merchant, or with nobody any more. Raises: as `change`;
    Problem(conflict) when there are too many."""
    async with world.people.transaction() as tx:
        if shared:
            await lock_shared(tx, keeper.scope.merchant_id)
        view = await _standing(tx, world, keeper, view_id)
        if view.shared == shared:
            return
        if shared:
            await _room(tx, world, keeper.scope.merchant_id)
        await share_view(
            tx, *(view.user_id, keeper.scope.merchant_id, view_id), world.name if shared else None
        )
        await _noted(world, keeper.scope, "view.shared" if shared else "view.unshared", view_id)


async def forget(world: World, keeper: Keeper, view_id: UUID) -> None:
    """Deletes a view, also one that is gone already. Raises: Problem(forbidden) for what somebody
    else shares."""
    async with world.people.transaction() as tx:
        try:
            view = await _standing(tx, world, keeper, view_id)
        except Problem as problem:
            if problem.code == "not_found":
                return
            raise
        await delete_view(tx, view.user_id, keeper.scope.merchant_id, view_id)
        if view.shared:
            await _noted(world, keeper.scope, "view.deleted", view_id)


async def _standing(tx: Tx, world: World, keeper: Keeper, view_id: UUID) -> StandingView:
    """The view, which this person may change. Raises: Problem(not_found); Problem(forbidden)."""
    view = await standing_view(tx, keeper.user_id, keeper.scope.merchant_id, view_id, world.name)
    if view is None:
        raise Problem("not_found", "This view was deleted.", "Save it again under a name.")
    if view.user_id != keeper.user_id and not keeper.owns:
        raise Problem(
            "forbidden",
            "Only the author of a shared view or an owner may change it; nothing was done.",
            "Save it under a name of your own.",
        )
    return view


async def _room(tx: Tx, world: World, merchant_id: UUID) -> None:
    """Raises: Problem(conflict) when the merchant shares as many views as it may."""
    await lock_shared(tx, merchant_id)
    if await count_shared(tx, merchant_id, world.name) >= SHARED_MAX:
        raise Problem(
            "conflict",
            Sentence("There are {0} shared views already.", SHARED_MAX),
            "Save it for yourself, or ask an owner to delete one.",
        )


async def _noted(world: World, scope: Scope, action: str, view_id: UUID) -> None:
    """Last in the transaction of the act: no shared view changes without a line. Its name is left
    out: it may name a customer, whom an erasure must find."""
    async with world.db.transaction() as tx:
        await note(tx, scope, world.clocks.wall(), action, view_id)


async def forget_views_of(
    world: World, merchant_id: UUID, persons: Sequence[Mapping[str, Any]]
) -> None:
    """Everybody's views of this merchant that are called after one of these persons, or search for
    them; and the names of its files that have theirs."""
    people = world.people
    views = [*await views_of(people, merchant_id), *await file_names(world.db, merchant_id)]
    # A thread: one id may stand for all guests of a shop, and every other call would wait for their
    # names.
    names = await run_stoppable(_naming, persons, views) if views else ()
    if names:
        await delete_views(people.alone, merchant_id, names)
        await forget_file_names(world.db.alone, merchant_id, names)


def _naming(persons: Sequence[Mapping[str, Any]], views: Sequence[ViewQuery]) -> list[UUID]:
    hide = redactor(
        [{name: person[name] for name in _NAMED_BY if name in person} for person in persons]
    )
    return [
        view.view_id
        for view in stoppable(views, 10)
        if hide.names(view.name) or hide.names(_typed(view.query))
    ]


def _typed(query: str) -> str:
    return " ".join(parse_qs(query).get("q", ()))


def _named(name: str) -> str:
    name = " ".join("".join(c for c in name if c.isprintable()).split())
    if not name or len(name) > NAME_MAX:
        raise invalid(
            Sentence("A view needs a name of at most {0} characters.", NAME_MAX),
            "name",
            "Give it a short name.",
        )
    return name


def _fitting(query: str) -> str:
    if len(query) > QUERY_MAX:
        raise invalid(
            "This list has more filters than a view can hold.", "query", "Remove some filters."
        )
    return query


def _taken(name: str) -> Problem:
    return Problem(
        "conflict",
        Sentence("You have a view called {0} already.", repr(name)),
        "Give it another name.",
    )
