"""POST /oauth2/token and /oauth2/refresh. Source: contract §2, §17.1 (U6)."""

from typing import Final

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.fields import Fields
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.token import RefreshBody, Token, TokenBody
from recoup.flows.merchants.credentials import Tokens

_SECRET_MAX: Final = 1024


async def token(call: Call) -> Reply:
    fields = Fields(call.body)
    app_key = fields.text("appKey", required=True)
    app_secret = fields.text("appSecret", required=True, maximum=_SECRET_MAX)
    fields.raise_if_any()
    return _reply(await call.services.credentials.sign_in(app_key, app_secret))


async def refresh(call: Call) -> Reply:
    fields = Fields(call.body)
    given = fields.text("refreshToken", required=True, maximum=_SECRET_MAX)
    fields.raise_if_any()
    return _reply(await call.services.credentials.refresh(given))


def _reply(tokens: Tokens) -> Reply:
    """`expires` is milliseconds: a client that reads seconds would sign in on every call."""
    body = Token(
        access_token=tokens.access, refresh_token=tokens.refresh, expires=int(tokens.expires.timestamp()) * 1000,
        id=tokens.key_id,
    )  # fmt: skip
    return Reply(body, headers=((b"cache-control", b"no-store"),))


TOKEN: Final = Operation(
    "POST", "/v1/oauth2/token", "Sign in",
    "Exchanges a key and its secret for an access token, valid for ten minutes. Keep it until a call answers 401.",
    group="Authentication", body=TokenBody, answers={200: Token}, problems=("bad_credentials",), credential=None,
    examples=(Example("sign in", {"appKey": "pk_test_…", "appSecret": "sk_test_…"}, 200, {"success": True}),),
)  # fmt: skip
REFRESH: Final = Operation(
    "POST", "/v1/oauth2/refresh", "Refresh the token", "Exchanges a refresh token, once, for new tokens.",
    group="Authentication", body=RefreshBody, answers={200: Token}, problems=("bad_credentials",), credential=None,
    examples=(Example("sign in again", {"refreshToken": "…"}, 200, {"success": True}),),
)  # fmt: skip
METHODS: Final = (Method(TOKEN, token, None), Method(REFRESH, refresh, None))
