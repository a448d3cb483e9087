"""POST /oauth2/token and /oauth2/refresh. Source: contract §2, §17.1 (U6)."""

from typing import Final

from recoup.doors.edge.keys import folding
from recoup.doors.rescue.fields import Fields
from recoup.doors.rescue.resource import Call, Method, Reply
from recoup.doors.rescue.wire import envelope
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
    body = envelope(
        accessToken=tokens.access, refreshToken=tokens.refresh, expires=int(tokens.expires.timestamp()) * 1000,
        id=tokens.key_id, session=None, daysToEnforceMFA=None, skipAvailable=None,
    )  # fmt: skip
    return Reply(body, headers=((b"cache-control", b"no-store"),))


TOKEN: Final = {"POST": Method(token, None, folding({"appKey": None, "appSecret": None}))}
REFRESH: Final = {"POST": Method(refresh, None, folding({"refreshToken": None}))}
