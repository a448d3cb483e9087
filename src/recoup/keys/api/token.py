"""POST /oauth2/token and /oauth2/refresh. Source: contract §2, §17.1 (U6)."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, field

from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import Api, Call
from recoup.keys.flows.credentials import Credentials, Tokens
from recoup.kit.api.body import read_whole
from recoup.kit.api.wire import Envelope, Shape

Secret = Annotated[str, Meta(min_length=1, max_length=1024)]


class TokenBody(Shape):
    """A merchant's key with its secret; a partner's (`ppk_…`) for /v1/partner."""

    app_key: Annotated[str, Meta(min_length=1, max_length=256)]
    app_secret: Secret


class RefreshBody(Shape):
    """A refresh token works once, for a day."""

    refresh_token: Secret


class Token(Envelope):
    """`accessToken` lives ten minutes: keep it until a call says 401."""

    access_token: str
    refresh_token: str
    expires: int
    """Milliseconds since 1970."""
    id: UUID
    """The key's id."""
    session: None = None
    days_to_enforce_mfa: None = field(default=None, name="daysToEnforceMFA")
    skip_available: None = None


api: Final = Api(group="Authentication", credential=None, scope=None, lenient=True)


@api(
    "POST /v1/oauth2/token",
    body=TokenBody,
    intake=True,
    answers={200: Token},
    problems=("bad_credentials",),
)
@api.example("sign in", {"appKey": "pk_test_…", "appSecret": "sk_test_…"}, {"success": True})
async def token(call: Call) -> Reply:
    """Sign in. Exchanges a key and its secret for an access token, valid for ten minutes. Keep it
    until a call answers 401."""
    body = read_whole(call.body, TokenBody)
    return _reply(await call.services.get(Credentials).sign_in(body.app_key, body.app_secret))


@api(
    "POST /v1/oauth2/refresh",
    body=RefreshBody,
    intake=True,
    answers={200: Token},
    problems=("bad_credentials",),
)
@api.example("sign in again", {"refreshToken": "…"}, {"success": True})
async def refresh(call: Call) -> Reply:
    """Refresh the token. Exchanges a refresh token, once, for new tokens."""
    return _reply(
        await call.services.get(Credentials).refresh(
            read_whole(call.body, RefreshBody).refresh_token
        )
    )


def _reply(tokens: Tokens) -> Reply:
    """`expires` is milliseconds: a client that reads seconds would sign in on every call."""
    body = Token(
        access_token=tokens.access,
        refresh_token=tokens.refresh,
        expires=int(tokens.expires.timestamp()) * 1000,
        id=tokens.key_id,
    )
    return Reply(body, headers=((b"cache-control", b"no-store"),))
