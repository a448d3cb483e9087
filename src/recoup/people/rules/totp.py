"""Codes of six digits that an app shows for half a minute each. Source: RFC 6238, with its SHA-1
and 30 seconds."""

import hmac
from datetime import datetime
from typing import Final

import pyotp

STEP_SECONDS: Final = 30
DIGITS: Final = 6
DRIFT_STEPS: Final = 1  # how far a phone's clock may be off, either way
ISSUER_MAX: Final = 64


def new_secret() -> str:
    """160 bits, as text that apps take."""
    return pyotp.random_base32(32)


def step_at(now: datetime) -> int:
    """The step of a moment; `now` is wall time."""
    return int(now.timestamp()) // STEP_SECONDS


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step that this is the code of, the newest first; None for none of those that may be meant
    now. `code`: six ASCII digits. Whether that step opened something before is for the caller to
    look at."""
    now_step = step_at(now)
    step_taken = None
    for step in range(now_step - DRIFT_STEPS, now_step + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode()):
            step_taken = step
    return step_taken


def code_of(secret: str, step: int) -> str:
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).generate_otp(step)


def address_of(secret: str, email: str, issuer: str) -> str:
    """The address in the picture for the app. A colon would part the issuer from the name."""
    issuer = issuer.replace(":", " ")[:ISSUER_MAX]
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(
        name=email, issuer_name=issuer
    )


def in_fours(secret: str) -> str:
    """The secret in groups of four, to be typed by hand."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
