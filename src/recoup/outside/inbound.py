"""A processor's notice: the signature over its notice, and the notice read strictly.

`Recoup-Signature: t=<seconds since 1970>,v1=<hex of HMAC-SHA256 over "t.body">`, with the key that
route and we share. Several `v1` are alternatives, so that keys can be changed.
"""

import hmac
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.time import of_these_days
from recoup.networks.disputes import NoticeStage, Status

HEADER: Final = "recoup-signature"
SKEW_SECONDS_MAX: Final = 300
_SIGNATURE: Final = re.compile(r"t=([0-9]{1,12})((?:,v1=[0-9a-f]{64}){1,4})", re.ASCII)
Word = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")]
Moment = Annotated[datetime, Meta(tz=True)]
T = TypeVar("T", bound=Struct)


@frozen
class SignedKind(Generic[T]):
    """A kind of notice in our own form. `purpose`: what its keys are derived for. `read`: raises
    Problem(malformed) and Problem(invalid). `sign_with`: the cure for a signature that does not
    hold."""

    purpose: str
    bytes_max: int
    read: Callable[[bytes], T]
    sign_with: str


class Notice(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=False):
    """Notice of a case's standing. Amounts in the currency's minor unit; times with a zone."""

    notice_id: Annotated[
        Word, Meta(description="The processor's; the same again is the same notice.")
    ]
    case_id: Annotated[Word, Meta(description="The processor's; it stays through all stages.")]
    merchant_id: Annotated[UUID, Meta(description="As the charge named it.")]
    charge_id: Annotated[UUID, Meta(description="Our id of the charge.")]
    stage: Annotated[
        NoticeStage, Meta(description="Where the case is; `present`: where it is known to be.")
    ]
    status: Annotated[
        Status,
        Meta(
            description="Won: the money came back to us. Answered: our answer is there, and no "
            "deadline runs."
        ),
    ]
    amount: Annotated[int, Meta(gt=0, le=10**15, description="What is disputed.")]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3,4}$", description="ISO 4217.")]
    reason_code: Annotated[
        str, Meta(max_length=20, pattern=r"^[\x20-\x7e]*$", description="The scheme's.")
    ] = ""
    respond_by: Annotated[Moment | None, Meta(description="When the answer is due.")] = None
    fee: Annotated[
        int, Meta(ge=0, le=10**15, description="What the acquirer took for it, same currency.")
    ] = 0


def signed(key: bytes, body: bytes, at: datetime) -> str:
    """The header of a notice that is sent at that wall time."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={_mac(key, seconds, body)}"


def is_signed(key: bytes, header: str, body: bytes, now: datetime) -> bool:
    """True when it is signed by that key, within five minutes of `now` (wall time)."""
    match = _SIGNATURE.fullmatch(header.strip())
    if match is None or abs(now.astimezone(UTC).timestamp() - int(match[1])) > SKEW_SECONDS_MAX:
        return False
    expected = _mac(key, match[1], body)
    return any([hmac.compare_digest(part, expected) for part in match[2].split(",v1=")[1:]])


def _mac(key: bytes, seconds: str, body: bytes) -> str:
    return hmac.digest(key, seconds.encode() + b"." + body, "sha256").hex()


def read_as(body: bytes, kind: type[T], cure: str) -> T:
    """Raises: Problem(malformed) for what is no JSON; Problem(invalid) naming the field, with that
    cure."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(
            "malformed", "The notice is not JSON in UTF-8.", "Send one JSON object."
        ) from None
    if not isinstance(raw, dict):
        raise Problem("malformed", "The notice is not a JSON object.", "Send one JSON object.")
    try:
        return msgspec.convert(raw, kind)
    except (msgspec.ValidationError, OverflowError) as error:
        field = _field(str(error), kind)
        message = (
            Sentence("The field {0} is missing or not as it must be.", field)
            if field
            else "A field is not as it must be."
        )
        raise invalid(message, field, cure) from None


def read_notice(body: bytes) -> Notice:
    """Raises: Problem(malformed) for what is no JSON; Problem(invalid) naming the field."""
    notice = read_as(body, Notice, "See docs/disputes.md for the fields.")
    if notice.respond_by is None:
        return notice
    respond_by = of_these_days(notice.respond_by)
    if respond_by is None:
        raise invalid(
            "The field respondBy is no date of these days.",
            "respondBy",
            "Send the date on which the answer is due.",
        )
    return msgspec.structs.replace(notice, respond_by=respond_by)


DISPUTE_NOTICES: Final = SignedKind(
    "inbound-notices",
    16_384,
    read_notice,
    "Sign t.body with the route's key; the time may be off by five minutes.",
)


_NAMED: Final = re.compile(r"`\$?\.?([A-Za-z]+)`")


def _field(complaint: str, kind: type[Struct]) -> str | None:
    names: Iterable[str] = _NAMED.findall(complaint)
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    return next((name for name in reversed(list(names)) if name in known), None)
