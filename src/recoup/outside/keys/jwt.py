"""Access tokens: JSON Web Tokens signed with HMAC-SHA256, and nothing else of that standard.

PyJWT does not take its place: it reads the machine's clock, accepts more than one text of a token
(padding), and takes three times as long for each call. Source: contract §2 (claims, ten minutes),
RFC 7515 and 7519.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from recoup.kernel.policy import WORLD_CLAIM
from recoup.kernel.problem import Problem

TOKEN_BYTES_MAX: Final = 4096
LIVES_SECONDS: Final = 600
ISSUER: Final = "Api-Client-Service"
# What the vendor's tokens name besides the scopes; none of them gives a right here.
SERVICES: Final = ("eligibility-sftp", "eligibility", "contact")
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_SECONDS_MAX: Final = 1 << 40


def access_claims(
    *,
    client_id: str,
    mid: str | None,
    audience: Sequence[str],
    world: str,
    token_id: str,
    now: datetime,
    pid: str | None = None,
    lives_seconds: int = LIVES_SECONDS,
) -> dict[str, Any]:
    """The claims of an access token of a merchant, or with `pid` of a partner. `now` is wall time;
    `iat` is milliseconds as text, `nbf` and `exp` seconds."""
    seconds = int(now.timestamp())
    whose = {"custom:mid": mid} if pid is None else {"custom:pid": pid}
    return {
        "sub": client_id,
        "unique_name": client_id,
        "jti": token_id,
        "iat": str(int(now.timestamp() * 1000)),
        "aud": list(audience),
        **whose,
        WORLD_CLAIM: world,
        "nbf": seconds,
        "exp": seconds + lives_seconds,
        "iss": ISSUER,
    }


def sign(claims: Mapping[str, Any], key: bytes) -> str:
    body = _encode(json.dumps(claims, separators=(",", ":")).encode())
    signed = f"{_HEADER}.{body}"
    return f"{signed}.{_encode(hmac.digest(key, signed.encode(), 'sha256'))}"


def verify(
    token: str,
    keys: Sequence[bytes],
    now_seconds: int,
    *,
    issuer: str = ISSUER,
    skew_seconds: int = 0,
) -> dict[str, Any]:
    """The claims of a token that one of the keys signed and that is valid now.

    `keys` newest first, at most a few; `skew_seconds` widens `nbf` and `exp`. Audience is the
    caller's to check. Raises: Problem(unauthenticated), with the same words whatever was wrong but
    for an expired token.
    """
    # Measured before anything is decoded: a long token costs nothing.
    if len(token) > TOKEN_BYTES_MAX or not _SHAPE.fullmatch(token):
        raise _refused()
    signed, _, signature = token.rpartition(".")
    header, _, body = signed.partition(".")
    if _read(header).get("alg") != "HS256":
        raise _refused()
    given = _decode(signature)
    if not any(
        hmac.compare_digest(hmac.digest(key, signed.encode(), "sha256"), given) for key in keys
    ):
        raise _refused()
    claims = _read(body)
    begins, ends = _seconds(claims.get("nbf")), _seconds(claims.get("exp"))
    if claims.get("iss") != issuer or now_seconds + skew_seconds < begins:
        raise _refused()
    if now_seconds - skew_seconds >= ends:
        raise Problem(
            "unauthenticated",
            "The access token has expired.",
            "Fetch a new one at /v1/oauth2/token.",
        )
    return claims


def _refused() -> Problem:
    return Problem(
        "unauthenticated", "The access token is not valid.", "Fetch one at /v1/oauth2/token."
    )


def _seconds(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _SECONDS_MAX:
        raise _refused()
    return value


def _read(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decode(part))
    except (ValueError, RecursionError):
        raise _refused() from None
    if not isinstance(value, dict):
        raise _refused()
    return value


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        raise _refused() from None
    # One text only for each value: base64's spare bits would otherwise allow several tokens with
    # one signature.
    if _encode(data) != part:
        raise _refused()
    return data


_HEADER: Final = _encode(b'{"alg":"HS256","typ":"JWT"}')
