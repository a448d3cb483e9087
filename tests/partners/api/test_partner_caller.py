"""A partner signs in with a key of its own, which opens what is a partner's and nothing else
(contract §16.5)."""

import base64
import json

import pytest
from tests.door import Caller, Door
from tests.rescue_shapes import check_refused

from recoup.kernel.ids import new_id
from recoup.keys.api.v1_resource import PARTNER
from recoup.main.api import METHODS
from recoup.onboarding.flows.partners import PartnerKey, make_partner, make_partner_key


@pytest.fixture
def key(door: Door) -> PartnerKey:
    partner_id = new_id()
    door.run(make_partner(door.world, partner_id, "Subscriptions Inc"))
    return door.run(make_partner_key(door.world, partner_id))


def bearer(door: Door, key: PartnerKey) -> dict[str, str]:
    body = {"AppKey": key.app_key, "AppSecret": key.app_secret}
    return {
        "authorization": f"Bearer "
        f"{door.call('POST', '/v1/oauth2/token', json=body).json()['accessToken']}"
    }


def test_a_partners_token_says_whose_it_is(door: Door, key: PartnerKey) -> None:
    token = bearer(door, key)["authorization"].removeprefix("Bearer ")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert "custom:mid" not in claims
    assert claims["custom:pid"]
    assert claims["aud"] == ["partner"]


@pytest.mark.parametrize("how", ["token", "api key"])
def test_a_partners_key_opens_no_operation_of_merchants(
    door: Door, key: PartnerKey, how: str
) -> None:
    headers = bearer(door, key)
    if how == "api key":
        headers = {"authorization": f"ApiKey {key.app_key}:{key.app_secret}"}
    with door.nothing_written():
        for method in METHODS:
            if (
                method.operation.scope is None
                or method.operation.credential == PARTNER
                or method.operation.partners
            ):
                continue
            operation = method.operation
            path = operation.path.replace("{", "").replace("}", "")
            answer = door.call(operation.method, path, headers=headers, json={})
            assert "merchant's own key" in check_refused(answer, 403, "forbidden")["result"]


def test_a_partners_key_ends_with_the_next_one(door: Door, key: PartnerKey, shop: Caller) -> None:
    refresh = door.call(
        "POST", "/v1/oauth2/token", json={"AppKey": key.app_key, "AppSecret": key.app_secret}
    ).json()["refreshToken"]
    assert (
        door.call("POST", "/v1/oauth2/refresh", json={"refreshToken": refresh}).status_code == 200
    )
    partner_id = door.sql("SELECT partner_id FROM partner_keys WHERE app_key = $1", key.app_key)[0][
        0
    ]
    door.run(make_partner_key(door.world, partner_id))
    answer = door.call(
        "POST", "/v1/oauth2/token", json={"AppKey": key.app_key, "AppSecret": key.app_secret}
    )
    check_refused(answer, 400, "bad_credentials")
    assert shop.get("/orders").status_code == 200
