"""Did Recoup send this? The check of each format that a webhook endpoint can have."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Protocol

from recoup_client.problem import SignatureError
from recoup_client.rescue_shapes import RescueEvent

SKEW_SECONDS = 300
STAMP_DIGITS_MAX = 15
SIGNATURES_MAX = 8
_UNFIT = (
    "The signature does not fit. Check that the secret is this endpoint's signing key (`recoup "
    "listen` prints a key of "
    "its own), and that the body is passed as it came, not parsed and written again."
)


class Headers(Protocol):
    """A dictionary, or what a framework has."""

    def items(self) -> Iterable[tuple[str, str]]: ...


def construct_event(
    payload: bytes | str,
    headers: Headers,
    secret: str,
    *,
    host: str | None = None,
    now: float | None = None,
) -> RescueEvent:
    """The event that Recoup sent, decrypted if it was encrypted. Of other formats, `cast` it:
    StandardEvent, StablecoinEvent.

    `payload`: the body as it came. `secret`: the endpoint's signing key, as shown; of the
    stablecoin API the webhook secret. `host`: the host that Recoup called, where a proxy replaces
    the Host header. `now`: Unix seconds. Raises: SignatureError.
    """
    if not secret.removeprefix("whsec_"):
        raise SignatureError("The secret is empty: pass the endpoint's signing key.")
    body = payload.encode() if isinstance(payload, str) else payload
    given = {name.lower(): value for name, value in headers.items()}
    at = time.time() if now is None else now
    if "x-fc-authorization" in given:
        _check_rescue(secret, host or given.get("host", ""), given, body, at)
    elif "webhook-signature" in given:
        _check_standard(secret, given, body, at)
    elif "x-fluxa-signature" in given:
        _check_stablecoin(secret, given, body, at)
    else:
        raise SignatureError(
            "No header of the request is a signature of Recoup. Pass its headers as they came."
        )
    event = json.loads(body)
    if "x-fluxa-encryption" in given:
        event = json.loads(_decrypted(secret, event["data"]))
    found: RescueEvent = event
    return found


def _check_rescue(secret: str, host: str, given: dict[str, str], body: bytes, now: float) -> None:
    nonce, date = given.get("x-fc-nonce", ""), given.get("x-fc-date", "")
    try:
        sent = parsedate_to_datetime(date).timestamp()
    except ValueError:
        raise SignatureError("The header x-fc-date is no date.") from None
    digest = _b64(hashlib.sha512(body).digest())
    told = f"POST\n{nonce};{date};{host};{digest}".encode()
    proof = _b64(hmac.digest(_key(secret), told, "sha512"))
    offered = given["x-fc-authorization"].partition("&Signature=")[2]
    fits = _same(given.get("x-fc-content-sha512", ""), digest)
    if not (_same(offered, proof) and fits):
        covered = f"It covers the Host header, too: {host!r} here; behind a proxy, pass host=."
        raise SignatureError(f"{_UNFIT} {covered}")
    _check_fresh(sent, now)


def _check_standard(secret: str, given: dict[str, str], body: bytes, now: float) -> None:
    """Standard Webhooks. While a key is changed there are two signatures; one must fit."""
    told, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    sent = _seconds(stamp, "webhook-timestamp")
    key = _key(secret.removeprefix("whsec_"))
    proof = "v1," + _b64(hmac.digest(key, f"{told}.{stamp}.".encode() + body, "sha256"))
    offered = given["webhook-signature"].split()[:SIGNATURES_MAX]
    if not any([_same(one, proof) for one in offered]):
        raise SignatureError(_UNFIT)
    _check_fresh(sent, now)


def _check_stablecoin(secret: str, given: dict[str, str], body: bytes, now: float) -> None:
    """Checks a stablecoin webhook; the signature of an encrypted body covers its envelope."""
    stamp = given.get("x-fluxa-timestamp", "")
    sent = _seconds(stamp, "x-fluxa-timestamp")
    proof = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not _same(given["x-fluxa-signature"], proof):
        raise SignatureError(_UNFIT)
    _check_fresh(sent, now)


def _check_fresh(sent: float, now: float) -> None:
    off = round(now - sent)
    if abs(off) > SKEW_SECONDS:
        when = "ago" if off > 0 else "ahead of now"
        raise SignatureError(
            f"It was signed {abs(off)} s {when}, by this machine's clock; at most {SKEW_SECONDS} s "
            "are accepted. Check the clock."
        )


def _seconds(stamp: str, name: str) -> int:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= STAMP_DIGITS_MAX):
        raise SignatureError(f"The header {name} is no number of seconds.")
    return int(stamp)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        text = "The secret is not base64. Pass the endpoint's signing key as it is shown."
        raise SignatureError(text) from None


def _decrypted(secret: str, data: str) -> bytes:
    """Needs `cryptography`: pip install 'recoup-client[encrypted]'."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sealed = base64.b64decode(data)
    return AESGCM(hashlib.sha256(secret.encode()).digest()).decrypt(sealed[:12], sealed[12:], None)


def _same(offered: str, expected: str) -> bool:
    return hmac.compare_digest(offered.encode(), expected.encode())


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
