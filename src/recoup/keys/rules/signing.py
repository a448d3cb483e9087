"""Signatures of a caller's request and of our webhooks, to the byte. Source: contract
stablecoin-api §1, §3."""

import base64
import hashlib
import hmac
import re
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SKEW_SECONDS: Final = 300
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


def canonical(method: str, raw_path: bytes, raw_query: bytes, timestamp: str, body: bytes) -> bytes:
    """Five lines. Path and query as they came over the wire: fragments sorted by their bytes,
    nothing decoded."""
    query = b"&".join(sorted(raw_query.split(b"&")))
    digest = hashlib.sha256(body).hexdigest().encode()
    return b"\n".join(
        (method.upper().encode(), raw_path, query, timestamp.encode("latin-1"), digest)
    )


def sign(secret: bytes, message: bytes) -> str:
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    """Compares signatures in constant time; only lower-case hex is a signature."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())


def secret_context(key_id: str) -> str:
    """The context that a key's sealed secret is bound to."""
    return f"signing-key:{key_id}"


def seconds_of(timestamp: str) -> int | None:
    """Unix seconds, or None for what is no decimal number."""
    return int(timestamp) if _SECONDS.fullmatch(timestamp) else None


def is_fresh(seconds: int, now: datetime) -> bool:
    return abs(now.timestamp() - seconds) <= SKEW_SECONDS


def sign_webhook(secret: str, timestamp: str, body: bytes) -> str:
    """Signs a webhook over `timestamp.body`; of an encrypted body, over its envelope."""
    return sign(secret.encode(), timestamp.encode() + b"." + body)


def encrypt_webhook(secret: str, nonce: bytes, body: bytes) -> bytes:
    """The envelope that goes out instead of the body. `nonce`: 12 bytes that never seal two bodies
    under one secret."""
    key = hashlib.sha256(secret.encode()).digest()
    sealed = nonce + AESGCM(key).encrypt(nonce, body, None)
    return b'{"alg":"A256GCM","data":"' + base64.b64encode(sealed) + b'"}'
