"""Did Recoup send this? One check for each format that an endpoint can have. Bodies as they came, undecoded."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

SKEW_SECONDS = 300
STAMP_DIGITS_MAX = 15


def is_rescue(key: str, host: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> bool:
    """Formats `rescue` and `rescue-text`. `host`: the Host header that you received; `key`: base64, as shown."""
    given = {name.lower(): value for name, value in headers.items()}
    nonce, date = given.get("x-fc-nonce", ""), given.get("x-fc-date", "")
    try:
        sent = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return False
    digest = _b64(hashlib.sha512(body).digest())
    told = f"POST\n{nonce};{date};{host};{digest}".encode()
    proof = _b64(hmac.digest(base64.b64decode(key), told, "sha512"))
    offered = given.get("x-fc-authorization", "").partition("&Signature=")[2]
    fresh = abs((time.time() if now is None else now) - sent) <= SKEW_SECONDS
    return _same(given.get("x-fc-content-sha512", ""), digest) and _same(offered, proof) and fresh


def is_standard(key: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> bool:
    """Format `standard`: Standard Webhooks. While a key is changed there are two signatures; one must fit."""
    given = {name.lower(): value for name, value in headers.items()}
    told, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= STAMP_DIGITS_MAX):
        return False
    secret = base64.b64decode(key.removeprefix("whsec_"))
    proof = "v1," + _b64(hmac.digest(secret, f"{told}.{stamp}.".encode() + body, "sha256"))
    fresh = abs((time.time() if now is None else now) - int(stamp)) <= SKEW_SECONDS
    return any([_same(one, proof) for one in given.get("webhook-signature", "").split()[:8]]) and fresh


def is_stablecoin(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> bool:
    """Format `stablecoin`; of an encrypted body, over its envelope."""
    given = {name.lower(): value for name, value in headers.items()}
    stamp = given.get("x-fluxa-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= STAMP_DIGITS_MAX):
        return False
    proof = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    fresh = abs((time.time() if now is None else now) - int(stamp)) <= SKEW_SECONDS
    return _same(given.get("x-fluxa-signature", ""), proof) and fresh


def _same(offered: str, expected: str) -> bool:
    return hmac.compare_digest(offered.encode(), expected.encode())


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
