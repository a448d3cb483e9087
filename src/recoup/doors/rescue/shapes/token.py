"""Signing in. Source: contract §2, §17.1 (U6)."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, field

from recoup.doors.rescue.wire import Envelope, Shape

Secret = Annotated[str, Meta(min_length=1, max_length=1024)]


class TokenBody(Shape, kw_only=True):
    """A merchant's key with its secret; a partner's (`ppk_…`) for /v1/partner."""

    app_key: Annotated[str, Meta(min_length=1, max_length=256)]
    app_secret: Secret


class RefreshBody(Shape, kw_only=True):
    """A refresh token works once, for a day."""

    refresh_token: Secret


class Token(Envelope, kw_only=True):
    """`accessToken` lives ten minutes: keep it until a call says 401."""

    access_token: str
    refresh_token: str
    expires: Annotated[int, Meta(description="Milliseconds since 1970.")]
    id: Annotated[UUID, Meta(description="The key's id.")]
    session: None = None
    days_to_enforce_mfa: None = field(default=None, name="daysToEnforceMFA")
    skip_available: None = None
