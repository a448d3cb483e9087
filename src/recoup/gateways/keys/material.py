"""Key material as a value: for each purpose some keys, newest first, and its JSON text.

The text is an object of purposes, each an object of key id to base64 of 32 bytes. Ids sort by the time of
their making, so that the newest key is found whatever order a person's editor leaves the file in.
"""

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem

KEY_BYTES: Final = 32
_KEY_ID: Final = re.compile(r"[0-9a-f]{16}")

# purpose -> whether rotating adds a new one. The others stand for what is stored and compared for years.
PURPOSES: Final[Mapping[str, bool]] = {
    "card": True,  # wraps the key of each vault row
    "print": True,  # keyed hashes of card numbers
    "seal": True,  # secrets that we sign or verify with
    "token": True,  # access tokens
    "mac": False,  # request bodies and derived ids: a new key would make every stored answer a conflict
    "secret": False,  # hashes of secrets that callers send: a new key would lock every caller out
}


@dataclass(frozen=True, slots=True)
class Key:
    """`id` is 16 hex digits and may be stored and shown; `secret` is 32 bytes and may not."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Material:
    """Every purpose has at least one key; the first is the current one."""

    keys: Mapping[str, tuple[Key, ...]] = field(repr=False)

    def current(self, purpose: str) -> Key:
        return self.keys[purpose][0]

    def find(self, purpose: str, key_id: str) -> Key | None:
        return next((key for key in self.keys[purpose] if key.id == key_id), None)


def fresh() -> Material:
    """New random keys for every purpose."""
    return Material({purpose: (_new_key(),) for purpose in PURPOSES})


def rotated(material: Material) -> Material:
    """New current keys where the purpose rotates; all older ones stay."""
    keys = {
        purpose: (_new_key(), *material.keys[purpose]) if rotates else material.keys[purpose]
        for purpose, rotates in PURPOSES.items()
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
    """Reads what `to_text` writes; `origin` names the place in errors.

    Raises: Problem(internal) that never quotes the text.
    """
    try:
        plain = json.loads(text)
        keys = {purpose: _read_keys(plain[purpose]) for purpose in PURPOSES}
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        message = f"The keys in {origin} cannot be read."
        raise Problem("internal", message, cure="Restore them from the backup of the keys.") from None
    return Material(keys)


def _read_keys(plain: Mapping[str, str]) -> tuple[Key, ...]:
    keys = [Key(key_id, base64.b64decode(text, validate=True)) for key_id, text in plain.items()]
    if not keys or any(len(key.secret) != KEY_BYTES or not _KEY_ID.fullmatch(key.id) for key in keys):
        raise ValueError("not keys")
    return tuple(sorted(keys, key=lambda key: key.id, reverse=True))


def _new_key() -> Key:
    return Key(new_id().hex[:16], os.urandom(KEY_BYTES))
