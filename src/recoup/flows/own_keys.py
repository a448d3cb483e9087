"""A database knows the keys that it was written with; with others, or without them, nothing is opened.

Else a second machine, or a database that was restored without its keys, would make new ones: cards could not be read,
and network limits would count one card as two.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.store.installation_worlds import note_world
from recoup.store.key_checks import add_checks, is_in_use, key_checks, lock_checks, retiring_keys

CURE: Final = (
    "Restore keyring.json from the backup of the keys, or copy it from the machine that runs on this database; see "
    "docs/keys.md."
)


async def check_there(db: Any, place: str, *, people: bool) -> None:
    """Before new keys are made. Raises: Problem(unavailable) for a database that has its keys already."""
    async with db.connection() as connection:
        if await key_checks(connection) or await is_in_use(connection, people=people):
            message = f"This database was written with keys that are not in {place}."
            raise Problem("unavailable", message, cure=CURE)


async def enter_installation(people: Any, world: str) -> None:
    """Makes this world known to those who forget keys."""
    async with people.connection() as connection:
        await note_world(connection, world, Clocks().wall())


async def check_keys(
    db: Any, checks: Mapping[tuple[str, str], bytes], place: str, *, kept_by: Any = None
) -> None:
    """`checks`: of the keys that are here, `place` where they are. A new database takes them as its own, but for those
    that `kept_by`, its people's, forgets; so does one for keys that were rotated in. Older ones that it does not know
    it has forgotten, and never asks for again.

    Raises: Problem(unavailable) for other keys, and for an older copy that lacks some.
    """
    async with db.connection() as connection:
        known = await key_checks(connection)
    if known == checks:
        return
    kept = await _kept(kept_by) if kept_by is not None else set(checks)
    async with db.transaction() as tx:
        await lock_checks(tx)
        known, retiring = await key_checks(tx), await retiring_keys(tx)
        if known and not any(checks.get(key) == value for key, value in known.items()):
            raise Problem("unavailable", f"The keys in {place} are not those of this database.", cure=CURE)
        lacking = sorted(f"{purpose} {key_id}" for (purpose, key_id), value in known.items()
                         if checks.get((purpose, key_id)) != value and (purpose, key_id) not in retiring)  # fmt: skip
        if lacking:
            message = f"The keys in {place} lack some that this database was written with: {', '.join(lacking[:6])}."
            raise Problem("unavailable", message, cure=CURE)
        await add_checks(tx, {key: value for key, value in checks.items() if key in kept and _is_newer(key, known)})


async def _kept(db: Any) -> set[tuple[str, str]]:
    async with db.connection() as connection:
        return set(await key_checks(connection)) - await retiring_keys(connection)


def _is_newer(key: tuple[str, str], known: Collection[tuple[str, str]]) -> bool:
    """Than each known one of its purpose: ids begin with the time from which a key is used."""
    return all(key_id < key[1] for purpose, key_id in known if purpose == key[0])
