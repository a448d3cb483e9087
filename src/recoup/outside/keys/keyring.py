"""The vault's keys and everything done with them: the only place where they meet data."""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from recoup.kernel.ids import uuid_of
from recoup.kernel.problem import Problem
from recoup.outside.keys import files, jwt, sealing
from recoup.outside.keys.material import VAULT, Key, Material, from_text, rotated
from recoup.outside.keys.sealing import Part, Sealed
from recoup.outside.keys.secret_files import FILE, secret_of

_PAN: Final = re.compile(r"[0-9]{8,19}", re.ASCII)
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))  # RFC 2104


def keyed_hash(key: bytes, purpose: str, *parts: bytes) -> bytes:
    """32 bytes. Parts are measured before they are joined, so that ("ab", "c") and ("a", "bc")
    differ."""
    inner, outer = (state.copy() for state in _hmac(key))
    inner.update(
        b"".join([len(part).to_bytes(8, "big") + part for part in (purpose.encode(), *parts)])
    )
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=32)
def _hmac(key: bytes) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """The two hashes of an HMAC with SHA-256, its key already in: making them anew is most of what
    one costs."""
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


def same(given: bytes, other: bytes) -> bool:
    """Equal? In a time that tells nothing about where they differ."""
    return hmac.compare_digest(given, other)


def part_bytes(part: Part) -> bytes:
    """A kind letter and the value, so that 1 and "1" differ."""
    if isinstance(part, UUID):
        return b"u" + part.bytes
    if isinstance(part, bytes):
        return b"b" + part
    if isinstance(part, int):
        return b"i" + str(part).encode()
    return b"s" + part.encode()


ENVIRONMENT: Final = "RECOUP_KEYS"
LOOK_SECONDS: Final = 5.0


class Keyring:
    """Holds the keys of one installation; worlds share it and differ by what is bound into each
    use.

    A ring from a folder reads the folder again every few seconds where it has changed, and when it
    meets a key id it does not know: another process may have rotated. Every method is safe to call
    from several threads. Its repr tells nothing.
    """

    def __init__(self, material: Material, folder: Path | None = None) -> None:
        self._held = material
        self._folder = folder
        self._looked, self._mark = time.monotonic(), self._file_mark()

    @property
    def _material(self) -> Material:
        now = time.monotonic()
        if self._folder and now - self._looked > LOOK_SECONDS:
            self._looked, mark = now, self._file_mark()
            if mark and mark != self._mark:
                self.reload()
        return self._held

    def _file_mark(self) -> tuple[int, int] | None:
        try:
            stat = (self._folder / files.FILE_NAME).stat() if self._folder else None
        except OSError:
            return None  # what is held goes on
        return (stat.st_mtime_ns, stat.st_ino) if stat else None

    def __repr__(self) -> str:
        return "Keyring(…)"

    def __reduce__(self) -> Any:
        raise TypeError("a keyring is never copied out of its process")

    def seal_card(self, world: str, merchant_id: UUID, token_id: UUID, plaintext: bytes) -> Sealed:
        """Seals a vault row's content, bound to world, merchant and token."""
        row = sealing.row_binding(world, merchant_id, token_id)
        return sealing.seal_row(self._material.current("card"), row, plaintext)

    def open_card(self, world: str, merchant_id: UUID, token_id: UUID, sealed: Sealed) -> bytes:
        """Raises: Problem(internal) for a row that was changed, stands elsewhere, or whose key is
        gone."""
        row = sealing.row_binding(world, merchant_id, token_id)
        return sealing.open_row(self._key("card", sealed.kek_id), row, sealed)

    def rewrap(self, sealed: Sealed) -> Sealed:
        """The row under the current wrapping key; itself when it already is."""
        current = self._material.current("card")
        if sealed.kek_id == current.id:
            return sealed
        return sealing.rewrap_row(self._key("card", sealed.kek_id), current, sealed)

    def print_of(self, pan: str) -> list[tuple[str, bytes]]:
        """(key id, 32 bytes) for each print key, newest first: look for all and write all, the
        oldest first, so that of two processes one decides which card it is, also while one of them
        does not know the newest key.

        None without a vault: no number is known there. Raises: ValueError, without the number, for
        anything but 8 to 19 digits.
        """
        if not _PAN.fullmatch(pan):
            raise ValueError("a card number is 8 to 19 digits")
        keys = self._material.keys.get("print", ())
        return [(key.id, keyed_hash(key.secret, "print", pan.encode())) for key in keys]

    def mac(self, purpose: str, data: bytes) -> bytes:
        """32 bytes that stay the same for the same purpose and data, for as long as the
        installation lives."""
        return keyed_hash(self._material.current("mac").secret, "mac", purpose.encode(), data)

    def derived_id(self, purpose: str, *parts: Part) -> UUID:
        """The id that these parts always have here; nobody without the key can compute or reverse
        it."""
        data = [part_bytes(part) for part in parts]
        return uuid_of(
            keyed_hash(self._material.current("mac").secret, "id", purpose.encode(), *data)
        )

    def secret_hash(self, secret: str) -> bytes:
        """32 bytes to keep instead of a secret that a caller sends (app secret, API key, refresh
        token).

        Only for secrets that a machine made: a person's password needs a slow hash.
        """
        return keyed_hash(self._material.current("secret").secret, "secret", secret.encode())

    def is_secret(self, secret: str, kept: bytes) -> bool:
        """True when this is the secret whose hash was kept. Takes the same time for every wrong
        one."""
        return same(self.secret_hash(secret), kept)

    def seal_secret(self, context: str, secret: bytes) -> bytes:
        """Seals a secret that we sign or verify with. `context` says whose it is and must be given
        again."""
        return sealing.seal_bytes(self._material.current("seal"), context, secret)

    def open_secret(self, context: str, blob: bytes) -> bytes:
        """Raises: Problem(internal) when changed, sealed for another context, or its key is
        gone."""
        return sealing.open_bytes(self._key("seal", sealing.key_id_of(blob)), context, blob)

    def reseal_secret(self, context: str, blob: bytes) -> bytes:
        """The secret under the current sealing key; the blob itself when it already is."""
        if sealing.key_id_of(blob) == self._material.current("seal").id:
            return blob
        return self.seal_secret(context, self.open_secret(context, blob))

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        return jwt.sign(claims, self._material.current("token").secret)

    def verify_token(
        self, token: str, now_seconds: int, *, issuer: str = jwt.ISSUER
    ) -> dict[str, Any]:
        """The claims; see `jwt.verify`. Tokens signed before a rotation live on until they expire.
        Raises: Problem(unauthenticated)."""
        keys = [key.secret for key in self._material.keys["token"][:3]]
        return jwt.verify(token, keys, now_seconds, issuer=issuer)

    def rotate(self, after_ms: int = 0) -> None:
        """New keys for cards, prints, sealed secrets and tokens, current `after_ms` from now; the
        old ones stay for what they made. Raises: Problem(internal) for a ring from the environment,
        which only its owner can change."""
        if self._folder is None:
            raise Problem(
                "internal",
                "Keys from the environment cannot be rotated here.",
                f"Run `recoup keys rotate` with a key folder, then set {ENVIRONMENT} to the new "
                f"text.",
            )
        self._held = files.change(self._folder, lambda material: rotated(material, after_ms))

    def drop(self, gone: Collection[tuple[str, str]]) -> None:
        """Forgets old keys (purpose, id), kept in a file beside; the newest stay. Whether nothing
        needs them is the caller's to know."""
        if self._folder:
            self._held = files.forget(self._folder, gone)

    def reload(self) -> None:
        """Takes over what another process rotated; nothing to do for a ring from the
        environment."""
        if self._folder:
            self._mark = self._file_mark()
            self._held = files.load(self._folder)

    def checks(self) -> dict[tuple[str, str], bytes]:
        """(purpose, key id) -> a value that only this key gives, by which a database knows it
        again."""
        return {
            (purpose, key.id): keyed_hash(key.secret, "check", purpose.encode(), key.id.encode())
            for purpose, keys in self._material.keys.items()
            for key in keys
        }

    def current_ids(self) -> dict[str, str]:
        """purpose -> id of its current key; ids are no secrets."""
        material = self._material
        return {purpose: material.current(purpose).id for purpose in material.keys}

    def every_id(self) -> dict[str, list[tuple[str, int]]]:
        """purpose -> (id, since when it is current in milliseconds since 1970) of its keys, newest
        first."""
        return {
            purpose: [(key.id, key.since_ms) for key in keys]
            for purpose, keys in self._material.keys.items()
        }

    @property
    def has_vault(self) -> bool:
        """True when card numbers can be kept."""
        return all(purpose in self._material.keys for purpose in VAULT)

    def drop_vault(self, *, keep: bool) -> None:
        """Forgets the keys of cards; with `keep` they stay in a file beside. Whether nothing needs
        them is the caller's to know. Raises: Problem(conflict) for a ring from the environment,
        which only its owner can change."""
        if self._folder is None:
            raise Problem(
                "conflict",
                "Keys from the environment cannot be changed here.",
                f"Remove the members {' and '.join(VAULT)} from {ENVIRONMENT}.",
            )
        self._held = files.forget_vault(self._folder, keep=keep)

    @property
    def is_from_folder(self) -> bool:
        """True when its keys can be changed here."""
        return self._folder is not None

    def _key(self, purpose: str, key_id: str) -> Key:
        key = self._material.find(purpose, key_id)
        if key is None:
            self.reload()
            key = self._material.find(purpose, key_id)
        if key is None:
            raise Problem(
                "internal",
                f"The {purpose} key {key_id} is not among the keys.",
                "Restore it from the backup of the keys.",
            )
        return key


def has_keys(folder: Path, environment: Mapping[str, str]) -> bool:
    """True when there is a ring to open; else `open_keyring` makes one."""
    return bool(given_keys(environment)) or (folder / files.FILE_NAME).exists()


def given_keys(environment: Mapping[str, str]) -> str:
    """The content of RECOUP_KEYS, or of the file that RECOUP_KEYS_FILE names; else empty. Raises:
    Problem(invalid)."""
    return secret_of(environment, ENVIRONMENT, lines=True).strip()


def place_of(folder: Path, environment: Mapping[str, str]) -> str:
    """The place that the keys come from, for messages."""
    if named := environment.get(ENVIRONMENT + FILE):
        return f"{named} ({ENVIRONMENT}{FILE})"
    return ENVIRONMENT if environment.get(ENVIRONMENT) else str(folder / files.FILE_NAME)


def open_keyring(folder: Path, environment: Mapping[str, str]) -> Keyring:
    """The ring in RECOUP_KEYS (JSON, or base64 of it) when set, else the folder's, made when there
    is none. Raises: Problem(internal) when keys cannot be read or are open to others."""
    text = given_keys(environment)
    if not text:
        return Keyring(files.load_or_create(folder), folder)
    if not text.startswith("{"):
        try:
            text = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
    return Keyring(from_text(text, place_of(folder, environment)))
