"""Sealing bytes with AES-256-GCM: cards under a key of their own that is wrapped, secrets
directly."""

import os
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recoup.db.statement import Row
from recoup.kernel.problem import Problem
from recoup.outside.keys.material import Key

_NONCE: Final = 12
_KEY_ID: Final = 8
_FORMAT: Final = b"\x01"

Part = str | bytes | int | UUID  # of what is hashed


class Sealed(Row):
    """A vault row. `kek_id` 16 hex digits; `wrapped_dek` 60 bytes (nonce, key, tag); `nonce` 12
    bytes; `ciphertext` 16 bytes longer than what was sealed."""

    kek_id: str
    wrapped_dek: bytes
    nonce: bytes
    ciphertext: bytes


def seal_row(kek: Key, row: bytes, plaintext: bytes) -> Sealed:
    dek, nonce = os.urandom(32), os.urandom(_NONCE)
    return Sealed(kek.id, _wrap(kek, dek), nonce, AESGCM(dek).encrypt(nonce, plaintext, row))


def open_row(kek: Key, row: bytes, sealed: Sealed) -> bytes:
    """Raises: Problem(internal) when the row was changed or belongs to another place."""
    try:
        return AESGCM(_unwrap(kek, sealed)).decrypt(sealed.nonce, sealed.ciphertext, row)
    except (InvalidTag, ValueError):
        raise Problem("internal", "A vault row does not open: it was changed or moved.") from None


def rewrap_row(old: Key, new: Key, sealed: Sealed) -> Sealed:
    """The same row under another wrapping key; what it holds is not opened."""
    try:
        dek = _unwrap(old, sealed)
    except (InvalidTag, ValueError):
        raise Problem("internal", "A vault row's key does not open: it was changed.") from None
    return Sealed(new.id, _wrap(new, dek), sealed.nonce, sealed.ciphertext)


def row_binding(world: str, merchant_id: UUID, token_id: UUID) -> bytes:
    """The place where a row belongs, as authenticated data; no two places share one."""
    return merchant_id.bytes + token_id.bytes + world.encode()


def seal_bytes(key: Key, context: str, plaintext: bytes) -> bytes:
    """Format byte, key id (8 bytes), nonce (12), ciphertext and tag."""
    head, nonce = _FORMAT + bytes.fromhex(key.id), os.urandom(_NONCE)
    return head + nonce + AESGCM(key.secret).encrypt(nonce, plaintext, head + context.encode())


def key_id_of(blob: bytes) -> str:
    """Raises: Problem(internal) when the blob was not made by `seal_bytes`."""
    if len(blob) < 1 + _KEY_ID + _NONCE + 16 or blob[:1] != _FORMAT:
        raise Problem("internal", "A sealed secret cannot be read.")
    return blob[1 : 1 + _KEY_ID].hex()


def open_bytes(key: Key, context: str, blob: bytes) -> bytes:
    """Raises: Problem(internal) when the blob was changed or sealed for another context."""
    start = 1 + _KEY_ID
    head, nonce, ciphertext = blob[:start], blob[start : start + _NONCE], blob[start + _NONCE :]
    try:
        return AESGCM(key.secret).decrypt(nonce, ciphertext, head + context.encode())
    except (InvalidTag, ValueError):
        raise Problem(
            "internal", "A sealed secret does not open: it was changed or moved."
        ) from None


def _wrap(kek: Key, dek: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(kek.secret).encrypt(nonce, dek, kek.id.encode())


def _unwrap(kek: Key, sealed: Sealed) -> bytes:
    wrapped = sealed.wrapped_dek
    return AESGCM(kek.secret).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], kek.id.encode())
