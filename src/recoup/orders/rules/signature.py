"""Signatures that prove where a webhook comes from: the rescue dialect's five headers, and Standard
Webhooks.

Source: contract §14.4 with its test vector; the Standard Webhooks specification, symmetric
signatures.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

NONCE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
SKEW_SECONDS_MAX: Final = 300
_SCHEME: Final = (
    "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature="
)
_SHOWN_PREFIX: Final = "whsec_"


def http_date(moment: datetime) -> str:
    """RFC 1123 in GMT, whole seconds. `moment` is wall time."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def sign(key_b64: str, host: str, nonce: str, date: str, body: bytes) -> dict[str, str]:
    """The five headers of one delivery.

    `key_b64` is the subscriber's key as the portal shows it; `host` exactly what the receiver sees
    as Host; `nonce` 32 hex digits, new for each delivery; `date` from `http_date`. Raises:
    ValueError when the key is not base64.
    """
    key = _key(key_b64)
    content_hash = _b64(hashlib.sha512(body).digest())
    return {
        "x-fc-nonce": nonce,
        "x-fc-date": date,
        "x-fc-content-sha512": content_hash,
        "x-fc-authorization": _SCHEME + _request_signature(key, host, nonce, date, content_hash),
        "x-fc-signature": _b64(hmac.digest(key, body, "sha512")),
    }


def verify(
    key_b64: str,
    host: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime | None = None,
    skew_seconds_max: int = SKEW_SECONDS_MAX,
) -> bool:
    """Did the holder of the key send this body to this host, and (with `now`, wall time) lately?

    Header names in any case. Everything that `sign` makes must be there and fit. Whether the nonce
    was seen before is the receiver's to remember. Raises: ValueError when the key is not base64.
    """
    given = {name.lower(): value for name, value in headers.items()}
    nonce, date = given.get("x-fc-nonce", ""), given.get("x-fc-date", "")
    if not NONCE.fullmatch(nonce.lower()):
        return False
    if now is not None and not _is_recent(date, now, skew_seconds_max):
        return False
    expected = sign(key_b64, host, nonce, date, body)
    # No early end: which of the headers is wrong stays unknown.
    fits = [
        hmac.compare_digest(given.get(name, "").encode(), value.encode())
        for name, value in expected.items()
    ]
    return all(fits)


def standard_headers(
    secrets: Sequence[str], msg_id: str, timestamp: datetime, body: bytes
) -> dict[str, str]:
    """The three headers of Standard Webhooks. `secrets` are base64, with or without `whsec_`: one,
    or several while a key is being replaced; `timestamp` wall time, sent as whole seconds; `msg_id`
    the same for every delivery of one event.

    Raises: ValueError when a secret is not base64 or the id has a dot.
    """
    if "." in msg_id:
        raise ValueError("a message id has no dot")
    seconds = str(int(timestamp.timestamp()))
    signed = f"{msg_id}.{seconds}.".encode() + body
    keys = [_key(secret.removeprefix(_SHOWN_PREFIX)) for secret in secrets]
    signatures = " ".join(f"v1,{_b64(hmac.digest(key, signed, 'sha256'))}" for key in keys)
    return {"webhook-id": msg_id, "webhook-timestamp": seconds, "webhook-signature": signatures}


def _request_signature(key: bytes, host: str, nonce: str, date: str, content_hash: str) -> str:
    signed = f"POST\n{nonce};{date};{host};{content_hash}"
    return _b64(hmac.digest(key, signed.encode(), "sha512"))


def _is_recent(date: str, now: datetime, skew_seconds_max: int) -> bool:
    try:
        sent = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return False
    if sent.tzinfo is None:
        return False
    return abs((now - sent).total_seconds()) <= skew_seconds_max


def _key(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a signing key is base64") from None


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
