"""Issue of a merchant's new key: of its secret only a hash is kept, or what is sealed where we need
the secret itself."""

import secrets
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import Read, Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Actor
from recoup.keys.rules.key_scopes import beyond, divided
from recoup.keys.rules.signing import secret_context
from recoup.keys.store.merchant_keys import (
    add_key,
    add_signing_key,
    add_tokenization_key,
    has_limits,
    keys_made,
    scopes_before,
)
from recoup.kit.personal import SHOWN, pii_access_of
from recoup.kit.rights import MAY
from recoup.kit.world import World
from recoup.merchants.store.merchants import load_merchant

KEY_KINDS: Final = ("api", "tokenization", "stablecoin")
A_DAY_MAX: Final = (
    100  # of one kind: those that ended are kept, and each ending is sent to all processes
)
SETUP: Final = Actor("operator", "setup").text()


@frozen
class IssuedKey:
    """Shown once. `secret` empty: the key is all there is."""

    kind: str
    key: str = field(repr=False)
    secret: str = field(repr=False)


async def check_made(tx: Tx, merchant_id: UUID, kind: str, wall: datetime) -> None:
    """Checks how many keys were made, under the merchant's lock. Raises:
    Problem(too_many_requests)."""
    if await keys_made(tx, merchant_id, kind, wall - timedelta(days=1)) >= A_DAY_MAX:
        raise Problem(
            "too_many_requests",
            Sentence("{0} keys of this kind were made within a day.", A_DAY_MAX),
            retry_after_seconds=3600,
            cure="Use one of those, or make one tomorrow.",
        )


async def _beyond(db: Read, merchant_id: UUID, role: str) -> set[str]:
    """Scopes that somebody with this role does not give a key alone."""
    known, rights = await load_merchant(db, merchant_id), set(MAY.get(role, ()))
    if known is not None and pii_access_of(role, known.merchant.sight) == SHOWN:
        rights.add("clear")
    if not await has_limits(db, merchant_id, role):
        rights.add("unlimited")
    return beyond("merchant", rights)


async def issue_key(
    tx: Tx,
    world: World,
    merchant_id: UUID,
    kind: str,
    by: str,
    name: str = "",
    *,
    scopes: Sequence[str] = (),
    role: str | None = None,
) -> IssuedKey:
    """Issues a key in an open transaction; those before stay as they are. `kind` of KEY_KINDS;
    `by`: an actor's text. `scopes`: what it is to allow, else as much as the one before, else all;
    beyond what `role` gives alone an owner has to agree. Raises: Problem(invalid) for a scope that
    there is not."""
    mode, wall = "test" if world.policy.test_mode else "live", world.clocks.wall()
    lacking = await _beyond(tx, merchant_id, role) if role else ()
    given, requested = divided(
        "merchant", scopes or await scopes_before(tx, merchant_id, kind), lacking
    )
    if kind == "api":
        new = IssuedKey(
            kind, f"pk_{mode}_{secrets.token_urlsafe(18)}", f"sk_{mode}_{secrets.token_urlsafe(36)}"
        )
        hashed = world.keys.secret_hash(new.secret)
        await add_key["api"](
            tx, new.key, new_id(), merchant_id, hashed, given, requested, wall, by, name
        )
    elif kind == "tokenization":
        new = IssuedKey(kind, f"tk_{mode}_{secrets.token_urlsafe(24)}", "")
        await add_tokenization_key(tx, new.key, merchant_id, wall, by, name)
    else:
        new = IssuedKey(
            kind, f"pk_{mode}_{secrets.token_hex(12)}", f"sk_{mode}_{secrets.token_hex(24)}"
        )
        sealed = world.keys.seal_secret(secret_context(new.key), new.secret.encode())
        await add_signing_key(tx, new.key, merchant_id, sealed, given, requested, wall, by, name)
    return new
