"""A database knows the keys that it was written with; with others, or without them, nothing is
opened.

Else a second machine, or a database that was restored without its keys, would make new ones: cards
could not be read, and network limits would count one card as two.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from recoup.db.installation_worlds import note_world
from recoup.db.operation.rekeying import needs_of_people, needs_of_world
from recoup.db.pool import Database
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import Clocks
from recoup.keys.store.key_checks import (
    add_checks,
    is_in_use,
    key_checks,
    lock_checks,
    retiring_keys,
    sealed_by_keys,
)
from recoup.kit.ports import Keys

CURE: Final = (
    "Restore keyring.json from the backup of the keys, or copy it from the machine that runs on "
    "this database; see "
    "docs/operate.md."
)


async def check_there(db: Database, place: str, *, people: bool) -> None:
    """Checks for keys before new ones are made. Raises: Problem(unavailable) for a database that
    has its keys already."""
    if await key_checks(db) or await is_in_use(db, people=people):
        message = Sentence("This database was written with keys that are not in {0}.", place)
        raise Problem("unavailable", message, cure=CURE)


async def enter_installation(people: Database, world: str) -> None:
    """Makes this world known to those who forget keys."""
    await note_world(people.alone, world, Clocks().wall())


async def check_first(db: Database, keys: Keys, place: str, world: str, *, people: bool) -> None:
    """Checks the keys before anything is written by them. A database from before, or one that was
    restored, may keep no check values: what was sealed in it, and its cards, tell whose keys it was
    written with. `world`: whose cards.

    Raises: Problem(unavailable) for other keys.
    """
    async with db.connection() as connection:
        known = await key_checks(connection)
        if known:
            _refuse_others(known, keys.checks(), place)
            return
        needs = await (
            needs_of_people(connection)
            if people
            else needs_of_world(connection, keys.current_ids().get("print"))
        )
        secrets, card = await sealed_by_keys(connection, people=people)
    held = {
        (purpose, key_id) for purpose, several in keys.every_id().items() for key_id, _ in several
    }
    if lacking := sorted(set(needs) - held):
        message = Sentence(
            "The keys in {0} lack some that this database was written with: {1}.",
            place,
            _named(lacking),
        )
        raise Problem("unavailable", message, cure=CURE)
    try:
        for context, sealed in secrets:
            keys.open_secret(context, sealed)
        if card is not None:
            keys.open_card(world, card.merchant_id, card.token_id, card)
    except Problem as problem:
        raise _others(place) from problem


async def check_keys(
    db: Database,
    checks: Mapping[tuple[str, str], bytes],
    place: str,
    *,
    kept_by: Database | None = None,
) -> None:
    """`checks`: of the keys that are here, `place` where they are. A new database takes them as its
    own, but for those that `kept_by`, its people's, forgets; so does one for keys that were rotated
    in. Older ones that it does not know it has forgotten, and never asks for again.

    Raises: Problem(unavailable) for other keys, and for an older copy that lacks some.
    """
    known = await key_checks(db)
    if known == checks:
        return
    kept = await _kept(kept_by) if kept_by is not None else set(checks)
    async with db.transaction() as tx:
        await lock_checks(tx)
        known, retiring = await key_checks(tx), await retiring_keys(tx)
        _refuse_others(known, checks, place)
        lacking = sorted(
            key for key, value in known.items() if checks.get(key) != value and key not in retiring
        )
        if lacking:
            message = Sentence(
                "The keys in {0} lack some that this database was written with: {1}.",
                place,
                _named(lacking),
            )
            raise Problem("unavailable", message, cure=CURE)
        await add_checks(
            tx,
            {key: value for key, value in checks.items() if key in kept and _is_newer(key, known)},
        )


async def _kept(db: Database) -> set[tuple[str, str]]:
    return set(await key_checks(db)) - await retiring_keys(db)


def _is_newer(key: tuple[str, str], known: Collection[tuple[str, str]]) -> bool:
    """True for a key newer than each known one of its purpose: ids begin with the time from which a
    key is used."""
    return all(key_id < key[1] for purpose, key_id in known if purpose == key[0])


def _refuse_others(
    known: Mapping[tuple[str, str], bytes], checks: Mapping[tuple[str, str], bytes], place: str
) -> None:
    if known and not any(checks.get(key) == value for key, value in known.items()):
        raise _others(place)


def _others(place: str) -> Problem:
    return Problem(
        "unavailable", Sentence("The keys in {0} are not those of this database.", place), cure=CURE
    )


def _named(keys: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{purpose} {key_id}" for purpose, key_id in keys[:6])
