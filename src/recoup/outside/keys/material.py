"""Key material as a value: for each purpose some keys, newest first, and its JSON text.

The text is an object of purposes, each an object of key id to base64 of 32 bytes. Ids sort by the
time of their making, so that the newest key is found whatever order a person's editor leaves the
file in.
"""

import base64
import binascii
import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import field, replace
from typing import Final

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import wall_ms

KEY_BYTES: Final = 32
_KEY_ID: Final = re.compile(r"[0-9a-f]{16}")

# purpose -> whether rotating adds a new one. The others stand for what is stored and compared for
# years.
PURPOSES: Final[Mapping[str, bool]] = {
    "card": True,  # wraps the key of each vault row
    "print": True,  # keyed hashes of card numbers
    "seal": True,  # secrets that we sign or verify with
    "token": True,  # access tokens
    # request bodies and derived ids: a new key would make every stored answer a conflict
    "mac": False,
    "secret": False,  # hashes of secrets that callers send: a new key would lock every caller out
}
VAULT: Final = ("card", "print")  # both, or neither where no card number is ever taken


@frozen
class Key:
    """`id` is 16 hex digits and may be stored and shown; `secret` is 32 bytes and may not."""

    id: str
    secret: bytes = field(repr=False)

    @property
    def since_ms(self) -> int:
        """The time from which it is the current key, in milliseconds since 1970: its id begins with
        it."""
        return int(self.id[:12], 16)


@frozen
class Material:
    """Every purpose has at least one key, newest first; without a vault those of `VAULT` are
    missing. A key is known for a while before it becomes the current one, so that every process can
    open what another one seals with it."""

    keys: Mapping[str, tuple[Key, ...]] = field(repr=False)

    def current(self, purpose: str) -> Key:
        keys = self.keys.get(purpose, ())
        if not keys:
            raise Problem(
                "internal", f"These keys have none for a {purpose}: they are without a vault."
            )
        if len(keys) == 1:
            return keys[0]
        now = wall_ms()
        return next((key for key in keys if key.since_ms <= now), keys[-1])

    def find(self, purpose: str, key_id: str) -> Key | None:
        return next((key for key in self.keys.get(purpose, ()) if key.id == key_id), None)


def fresh(*, vault: bool = True) -> Material:
    """New random keys for every purpose; without `vault` none by which a card number could be kept
    or known again."""
    return Material(
        {purpose: (_new_key(),) for purpose in PURPOSES if vault or purpose not in VAULT}
    )


def without_vault(material: Material) -> Material:
    return replace(
        material,
        keys={purpose: keys for purpose, keys in material.keys.items() if purpose not in VAULT},
    )


def rotated(material: Material, after_ms: int = 0) -> Material:
    """New keys where the purpose rotates, current `after_ms` from now; all older ones stay."""
    keys = {
        purpose: (_new_key(after_ms), *keys) if PURPOSES[purpose] else keys
        for purpose, keys in material.keys.items()
    }
    return replace(material, keys=keys)


def without(material: Material, gone: Collection[tuple[str, str]]) -> Material:
    """The material less those keys (purpose, id); the newest of each purpose always stays."""
    keys = {
        purpose: (several[0], *(key for key in several[1:] if (purpose, key.id) not in gone))
        for purpose, several in material.keys.items()
    }
    return replace(material, keys=keys)


def to_text(material: Material) -> str:
    """JSON. It is the secret itself: for the key file or the environment only."""
    plain = {
        purpose: {key.id: base64.b64encode(key.secret).decode() for key in keys}
        for purpose, keys in material.keys.items()
    }
    return json.dumps(plain, indent=2) + "\n"


def from_text(text: str, origin: str) -> Material:
    """Reads what `to_text` writes; `origin` names the place in errors. Raises: Problem(internal)
    that never quotes the text."""
    try:
        plain = json.loads(text)
        has_vault = any(purpose in plain for purpose in VAULT)
        keys = {
            purpose: _read_keys(plain[purpose])
            for purpose in PURPOSES
            if has_vault or purpose not in VAULT
        }
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise Problem(
            "internal",
            f"The keys in {origin} cannot be read.",
            "Restore them from the backup of the keys.",
        ) from None
    return Material(keys)


def _read_keys(plain: Mapping[str, str]) -> tuple[Key, ...]:
    keys = [Key(key_id, base64.b64decode(text, validate=True)) for key_id, text in plain.items()]
    if not keys or any(
        len(key.secret) != KEY_BYTES or not _KEY_ID.fullmatch(key.id) for key in keys
    ):
        raise ValueError("not keys")
    return tuple(sorted(keys, key=lambda key: key.id, reverse=True))


def _new_key(after_ms: int = 0) -> Key:
    return Key(f"{wall_ms() + after_ms:012x}{new_id().hex[12:16]}", os.urandom(KEY_BYTES))
