"""Scopes of a key, by resource: to read, or to write, which includes it. Whoever makes a key gives
it no more than their role may in the portal; what is wanted beyond that waits for an owner."""

from collections.abc import Collection, Iterable
from typing import Final

from recoup.kernel.problem import Sentence, invalid
from recoup.kit.rights import RIGHTS

PARTNER_PREFIX: Final = "ppk_"  # of a partner's keys
CUSTOMERS: Final = "customers:read"  # without it their data is masked, as for people


def every(whose: str) -> set[str]:
    """All scopes of a `merchant`'s or a `partner`'s key."""
    return set(RIGHTS[whose])


def expanded(scopes: Iterable[str]) -> frozenset[str]:
    """Expands scopes of keys that were made before there were resources among them."""
    return frozenset(new for scope in scopes for new in RIGHTS["before"].get(scope, (scope,)))


def contracted(scopes: frozenset[str]) -> list[str]:
    """The same with the names of before for all that they stand for, as tokens tell them."""
    whole = [old for old, new in RIGHTS["before"].items() if scopes.issuperset(new)]
    return [*whole, *sorted(scopes - expanded(whole))]


def covers(scopes: Collection[str], need: str) -> bool:
    return need in scopes or need.replace(":read", ":write") in scopes


def beyond(whose: str, rights: Collection[str]) -> set[str]:
    """Scopes that somebody with these rights does not give a key alone."""
    return {scope for scope, needed in RIGHTS[whose].items() if not set(needed) <= set(rights)}


def divided(
    whose: str, wanted: Iterable[str] | None, lacking: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Divides scopes into those a key gets at once, and those that wait for an owner: what it is to
    write it reads meanwhile. None `wanted`: all. Raises: Problem(invalid) for what is no scope."""
    known = every(whose)
    scopes = known if wanted is None else expanded(wanted)
    scopes = {scope for scope in scopes if not covers(scopes - {scope}, scope)}
    if unknown := sorted(scopes - known):
        raise invalid(
            Sentence("There is no scope {0}.", repr(unknown[0])[:40]),
            "scopes",
            ", ".join(sorted(known)),
        )
    requested = scopes.intersection(lacking)
    reads = {scope.replace(":write", ":read") for scope in requested}.difference(lacking)
    return sorted(scopes - requested | reads), sorted(requested)
