"""One new key of a merchant: of its secret only a hash is kept, or what is sealed where we need the secret itself."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.flows.world import World
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Actor
from recoup.rules.stable.signing import secret_context
from recoup.store.merchants.merchant_keys import add_api_key, add_signing_key, add_tokenization_key, keys_made
from recoup.store.statement import Tx

KEY_KINDS: Final = ("api", "tokenization", "stablecoin")
SCOPES: Final = ("payments", "orders", "merchants")
A_DAY_MAX: Final = 100  # of one kind: those that ended are kept, and each ending is sent to all processes
SETUP: Final = Actor("operator", "setup").text()


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """Shown once. `secret` empty: the key is all there is."""

    kind: str
    key: str = field(repr=False)
    secret: str = field(repr=False)


async def check_made(tx: Tx, merchant_id: UUID, kind: str, wall: datetime) -> None:
    """Under the merchant's lock. Raises: Problem(too_many_requests)."""
    if await keys_made(tx, merchant_id, kind, wall - timedelta(days=1)) >= A_DAY_MAX:
        raise Problem(
            "too_many_requests",
            Sentence("{0} keys of this kind were made within a day.", A_DAY_MAX),
            retry_after_seconds=3600,
            cure="Use one of those, or make one tomorrow.",
        )


async def issue_key(tx: Tx, world: World, merchant_id: UUID, kind: str, by: str, name: str = "") -> IssuedKey:
    """In an open transaction; those before stay as they are. `kind` of KEY_KINDS; `by`: an actor's text."""
    mode, wall = "test" if world.policy.test_mode else "live", world.clocks.wall()
    if kind == "api":
        new = IssuedKey(kind, f"pk_{mode}_{secrets.token_urlsafe(18)}", f"sk_{mode}_{secrets.token_urlsafe(36)}")
        kept: bytes = world.keys.secret_hash(new.secret)
        await add_api_key(tx, new.key, new_id(), merchant_id, kept, SCOPES, wall, by, name)
    elif kind == "tokenization":
        new = IssuedKey(kind, f"tk_{mode}_{secrets.token_urlsafe(24)}", "")
        await add_tokenization_key(tx, new.key, merchant_id, wall, by, name)
    else:
        new = IssuedKey(kind, f"pk_{mode}_{secrets.token_hex(12)}", f"sk_{mode}_{secrets.token_hex(24)}")
        sealed: bytes = world.keys.seal_secret(secret_context(new.key), new.secret.encode())
        await add_signing_key(tx, new.key, merchant_id, sealed, wall, by, name)
    return new
