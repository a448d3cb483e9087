"""A partner's developer at the door."""

import uuid
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from tests.door import Caller, Door
from tests.worlds import Shop

from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.scope import Actor, Scope
from recoup.onboarding.flows.make_merchant import Keys
from recoup.onboarding.flows.partners import PartnerKey, make_partner, make_partner_key
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.flows.transmit import Transmit


@dataclass
class Partner:
    """Credentials and the calls that they make."""

    door: Door
    partner_id: UUID
    key: PartnerKey
    headers: dict[str, str] = field(default_factory=dict)

    def sign_in(self) -> "Partner":
        """A new token, for those before run out."""
        body = {"AppKey": self.key.app_key, "AppSecret": self.key.app_secret}
        token = self.door.call("POST", "/v1/oauth2/token", json=body).json()["accessToken"]
        self.headers = {"authorization": f"Bearer {token}"}
        return self

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = self.headers | dict(more.pop("headers", {}))
        return self.door.call(method, f"/v1{path}", headers=headers, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.call("POST", path, json=body, **more)

    def make(self, headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
        return self.post("/partner/merchants", merchant_body(**changes), headers=headers or {})

    def merchant(self, **changes: Any) -> dict[str, Any]:
        """A new one: what the answer said."""
        answer = self.make(**changes)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def set(self, **columns: Any) -> None:
        """As the operator would."""
        names = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, 2))
        self.door.sql(
            f"UPDATE partners SET {names} WHERE partner_id = $1", self.partner_id, *columns.values()
        )


def merchant_body(**changes: Any) -> dict[str, Any]:
    number = uuid.uuid4().hex[:8]
    site = {
        "url": f"https://tea-{number}.example",
        "name": "Tea shop",
        "descriptor": "BRIGHTLEAFTEA",
    }
    return {"name": f"Brightleaf {number}", "externalId": f"crm-{number}", "site": site} | changes


def make_one(door: Door, name: str = "Subscriptions Inc") -> Partner:
    partner_id = new_id()
    door.run(make_partner(door.world, partner_id, name))
    return Partner(door, partner_id, door.run(make_partner_key(door.world, partner_id))).sign_in()


def developer(door: Door, told: dict[str, Any]) -> Caller:
    """The merchant's own developer, with the credentials that the partner was shown."""
    given = told["credentials"]
    keys = Keys(
        given["appKey"],
        given["appSecret"],
        given["tokenizationKey"],
        given["stablecoinKeyId"],
        given["stablecoinSecret"],
        given["stablecoinWebhookSecret"],
    )
    merchants, world, mid = door.services.merchants, door.world, parse_id(given["mid"])
    shop = Shop(
        world,
        door.orders,
        door.deliveries,
        mid,
        parse_id(given["siteId"]),
        keys,
        given["webhookKey"],
        merchants,
        Evaluate(world, door.orders, merchants, Vault(world)),
        Transmit(world, door.orders, merchants),
        Scope(mid, Actor("api", keys.app_key), "test"),
    )
    caller = Caller(door, shop)
    caller.sign_in()
    return caller
