"""The set policies that stored decisions name, for deciding again."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from recoup.db.statement import Read
from recoup.kit.world import World
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.stored import Named, named_in
from recoup.policies.rules.terms import SCOPES
from recoup.policies.store.policies import PolicyVersion, bounding_named, own_named

KEPT_MAX = 1000


async def load_policies(
    db: Read,
    merchant_id: UUID,
    versions: Iterable[Mapping[str, str | None]],
    policies: dict[str, InForce],
) -> None:
    """Loads into `policies` what decisions of these `versions` name, but for what is missing or
    cannot be read."""
    wanted = {name for version in versions if (name := version.get("policies")) is not None}
    wanted -= policies.keys()
    if not wanted:
        return
    if len(policies) > KEPT_MAX:
        policies.clear()
    named = {name: names for name in wanted if (names := named_in(name, merchant_id)) is not None}
    parts = {part for names in named.values() for part in names}
    by_name = {}
    for version in await _versions(db, merchant_id, parts):
        try:
            by_name[Named(version.scope, version.subject_id, version.number)] = version.held.part
        except ValueError:
            continue
    for name, names in named.items():
        if all(name_of_part in by_name for name_of_part in names):
            policies[name] = InForce(tuple(by_name[name_of_part] for name_of_part in names))


async def named_versions(world: World, merchant_id: UUID, name: str) -> list[PolicyVersion]:
    """The versions that a decision names, the widest first."""
    named = named_in(name, merchant_id) or ()
    versions = await _versions(world.db.reader, merchant_id, named)
    return sorted(versions, key=lambda version: SCOPES.index(version.scope))


async def _versions(db: Read, merchant_id: UUID, named: Collection[Named]) -> list[PolicyVersion]:
    """The merchant's own, and those that bound it."""
    own, wide = [part for part in named if part.is_own], [part for part in named if not part.is_own]
    return [
        *(await own_named(db, merchant_id, *_columns(own)) if own else ()),
        *(await bounding_named(db, *_columns(wide)) if wide else ()),
    ]


def _columns(parts: list[Named]) -> tuple[list[str], list[UUID], list[int]]:
    return (
        [part.scope for part in parts],
        [part.subject_id for part in parts],
        [part.number for part in parts],
    )
