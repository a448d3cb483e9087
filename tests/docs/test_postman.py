"""The collection: what an importing client reads, and its script run against the contract's signatures."""

import json
import subprocess
from typing import Any

import pytest
from tests.docs.operations import own_dialects

from recoup.doors.edge.postman import collection

RESCUE, STABLE = own_dialects()

# A client's sandbox, as far as the script uses it; node's own crypto under the names of crypto-js.
SANDBOX = """
const { createHash, createHmac } = require("node:crypto");
const given = JSON.parse(process.argv[1]);
const hex = (made) => ({ toString: () => made.digest("hex") });
const local = {};
const variables = {
  get: (name) => (name in local ? local[name] : given.variables[name]),
  set: (name, value) => { local[name] = value; },
  replaceIn: (text) => text.replace(/\\{\\{(\\w+)\\}\\}/g, (all, name) => variables.get(name)),
};
const headers = {};
const pm = {
  variables, collectionVariables: variables,
  request: { method: given.method, body: { raw: given.body },
             url: { getPath: () => given.path, getQueryString: () => given.query },
             headers: { upsert: ({ key, value }) => { headers[key] = value; } } },
  sendRequest: (request, done) => {
    local.asked = request;
    done(null, { code: 200, json: () => ({ accessToken: "made", expires: Date.now() + 600000 }) });
  },
};
const crypto_js = { SHA256: (text) => hex(createHash("sha256").update(text)),
                    HmacSHA256: (text, secret) => hex(createHmac("sha256", secret).update(text)) };
if (given.now) Date.now = () => given.now * 1000;
new Function("pm", "require", given.script)(pm, (name) => ({ "crypto-js": crypto_js })[name]);
console.log(JSON.stringify({ headers, local }));
"""


def script_of(made: dict[str, Any]) -> str:
    return "\n".join(made["event"][0]["script"]["exec"])


def run(script: str, **given: Any) -> dict[str, Any]:
    told = json.dumps({"script": script, "body": "", "query": "", "variables": {}} | given)
    ran = subprocess.run(["node", "-e", SANDBOX, told], capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_it_has_every_operation_and_no_secret() -> None:
    made = collection(RESCUE, "http://127.0.0.1:8400")
    items = [item for folder in made["item"] for item in folder["item"]]
    assert [item["name"] for item in items] == [one.summary for one in RESCUE.operations]
    assert made["info"]["schema"].endswith("/v2.1.0/collection.json")
    values = {one["key"]: one["value"] for one in made["variable"]}
    assert values.pop("base_url") == "http://127.0.0.1:8400"
    assert {"app_key", "app_secret", "order_id", "site_id"} <= set(values)
    assert set(values.values()) == {""}
    assert items[0]["request"]["auth"] == {"type": "noauth"}


def test_requests_name_variables_in_place_of_what_does_not_last() -> None:
    made = collection(RESCUE, "http://x")
    by_name = {item["name"]: item["request"] for folder in made["item"] for item in folder["item"]}
    body = json.loads(by_name["Hand a decline over"]["body"]["raw"])
    assert body["idempotencyKey"] == "key-{{number}}"
    assert body["expiryDateUtc"] == "{{expiry}}"
    assert by_name["Cancel an order"]["url"]["path"] == ["v1", "orders", "{{order_id}}", "cancel"]
    assert by_name["List orders"]["url"]["raw"] == "{{base_url}}/v1/orders?status=0&status=4&pageSize=5"


@pytest.mark.parametrize(
    ("more", "signature"),
    [
        (
            {
                "method": "POST",
                "path": "/api/v1/charges",
                "body": '{"merchant_order_id":"order-1","amount":"9.99","currency":"USD","channel":"mock"}',
            },
            "fbce91414009ef3082bf67da7dd3aee87d67fa5d4dcba566eac09e92c5830df4",
        ),
        (
            {"method": "GET", "path": "/api/v1/orders/{{order_id}}", "variables": {"order_id": "ord_123"}},
            "86280caf5ae7f6842e05ed3a2f38b5cef541847c090a3d2afff7b0e18162eadf",
        ),
        (
            {"method": "GET", "path": "/api/v1/orders", "query": "status=paid&limit=10"},
            "d37ea8487c6ceb4b8fc240e599676e5c16fe0ce00e8ec8f84a4b2cfe05f21611",
        ),
    ],
)
def test_its_script_signs_as_the_contract_says(more: dict[str, Any], signature: str) -> None:
    secret = {"key_id": "pk_test_x", "secret": "sk_test_demo_secret_do_not_use_in_prod"}
    given = more | {"now": 1_750_000_000, "variables": secret | more.get("variables", {})}
    headers = run(script_of(collection(STABLE, "http://x")), **given)["headers"]
    assert headers == {"X-Api-Key": "pk_test_x", "X-Timestamp": "1750000000", "X-Signature": signature}


def test_its_script_fetches_a_token_only_when_there_is_none() -> None:
    script = script_of(collection(RESCUE, "http://x"))
    pair = {"base_url": "http://x", "app_key": "k", "app_secret": "s"}
    first = run(script, method="GET", path="/v1/orders", variables=pair)["local"]
    assert first["token"] == "made"
    assert json.loads(first["asked"]["body"]["raw"]) == {"AppKey": "k", "AppSecret": "s"}
    again = run(script, method="GET", path="/v1/orders", variables=pair | {"token_ends": first["token_ends"]})["local"]
    assert "asked" not in again
    assert "asked" not in run(script, method="POST", path="/v1/oauth2/token", variables=pair)["local"]
