"""The TypeScript client against the running server, and against one that misbehaves."""

import base64
import json
from typing import Any

from tests.clients.test_webhook_checks import AT, BODY, KEY, NOW, signed_as
from tests.clients.typescript import TypeScript, typescript
from tests.door import Caller, Door, evaluate_body
from tests.rescue.api.test_clients import talking
from tests.stablecoin.door import Door as StableDoor
from tests.stablecoin.door import application as stable_application

from recoup.keys.rules.signing import encrypt_webhook, sign_webhook
from recoup.orders.rules.signature import standard_headers

__all__ = ["typescript"]
OTHER = base64.b64encode(b"x" * 64).decode()
HOST = "shop.test:8443"


def test_it_and_all_samples_are_strict_typescript(typescript: TypeScript) -> None:
    """The fixture compiles them with everything that `tsc` can be strict about."""
    made = {file.stem for file in (typescript.folder / "run").glob("*.js")}
    assert {
        "README",
        "behaves",
        "connect",
        "first-payment",
        "refused",
        "stablecoins",
        "story",
        "webhooks",
    } == made


def test_its_types_are_those_of_typescript_5_0(typescript: TypeScript) -> None:
    """Type arguments of Uint8Array came with 5.7."""
    types = list((typescript.folder / "node_modules/recoup-client/dist").glob("*.d.ts"))
    assert types
    assert not [file.name for file in types if "Uint8Array<" in file.read_text()]


def vector(name: str, headers: dict[str, str], body: bytes = BODY, **more: Any) -> dict[str, Any]:
    told = {
        "name": name,
        "headers": headers,
        "body": base64.b64encode(body).decode(),
        "secret": KEY,
        "now": AT,
    }
    return told | more


def vectors() -> list[dict[str, Any]]:
    """Right ones, and each bent in one place, with the words that refuse it."""
    stamp, sealed = str(int(AT)), encrypt_webhook("whsec_a", bytes(12), BODY)
    rescue = {name.title(): value for name, value in signed_as(HOST).items()}
    standard = standard_headers([base64.b64encode(b"new").decode(), KEY], "evt_1", NOW, BODY)
    fluxa = {"X-Fluxa-Timestamp": stamp, "X-Fluxa-Signature": sign_webhook("whsec_a", stamp, BODY)}
    encrypted = {
        "x-fluxa-timestamp": stamp,
        "x-fluxa-signature": sign_webhook("whsec_a", stamp, sealed),
        "x-fluxa-encryption": "A256GCM",
    }
    return [
        vector("rescue", rescue),
        vector("rescue behind a proxy", rescue | {"Host": "10.0.0.7"}, host=HOST),
        vector("standard", standard),
        vector("standard, as shown", standard, secret=f"whsec_{KEY}"),
        vector("stablecoin", fluxa, secret="whsec_a"),
        vector("stablecoin, encrypted", encrypted, sealed, secret="whsec_a"),
        vector("rescue, bent", rescue, BODY + b" ", words="does not fit"),
        vector("rescue, other host", rescue | {"Host": "other.test"}, words='"other.test" here'),
        vector("rescue, other key", rescue, secret=OTHER, words="`recoup listen` prints a key of"),
        vector("rescue, late", rescue, now=AT + 301, words="301 s ago"),
        vector("rescue, no date", rescue | {"X-Fc-Date": "Mon, 99 Foo"}, words="no date"),
        vector(
            "rescue, no signature",
            rescue | {"X-Fc-Authorization": "&Signature=²"},
            words="does not fit",
        ),
        vector("standard, bent", standard, BODY + b" ", words="does not fit"),
        vector("standard, other key", standard, secret=OTHER, words="does not fit"),
        vector("standard, no key", standard, secret="no base64!", words="not base64"),
        vector("standard, early", standard, now=AT - 301, words="301 s ahead"),
        vector(
            "standard, no stamp", standard | {"webhook-timestamp": "1" * 5_000}, words="no number"
        ),
        vector("stablecoin, bent", fluxa, BODY + b" ", secret="whsec_a", words="does not fit"),
        vector("stablecoin, other key", fluxa, secret="whsec_b", words="does not fit"),
        vector("stablecoin, late", fluxa, secret="whsec_a", now=AT + 301, words="Check the clock"),
        vector(
            "stablecoin, no stamp",
            fluxa | {"X-Fluxa-Timestamp": "²"},
            secret="whsec_a",
            words="no number",
        ),
        vector("nothing", {}, words="No header"),
    ]


def test_it_behaves_with_a_server_that_does_not_and_checks_webhooks(typescript: TypeScript) -> None:
    printed = typescript.run("behaves", VECTORS=json.dumps(vectors()))
    assert printed.count("ok: ") == 19, printed


def test_a_merchant_rescues_lists_uploads_and_cancels(
    typescript: TypeScript, door: Door, shop: Caller
) -> None:
    keys = shop.shop.keys
    bodies = json.dumps({"declined": evaluate_body(shop), "later": evaluate_body(shop)})

    def story(port: int) -> str:
        base = f"http://127.0.0.1:{port}/v1"  # as FlexFactor's documents name it
        return typescript.run(
            "story", BASE=base, APP_KEY=keys.app_key, APP_SECRET=keys.app_secret, BODIES=bodies
        )

    assert talking(door, story) == "done\n"


def test_a_merchant_charges_stablecoins(typescript: TypeScript, stable_door: StableDoor) -> None:
    merchant = stable_door.merchant()
    keys = merchant.shop.keys
    bodies = json.dumps({"charge": merchant.body(subject="café & more")})

    def story(port: int) -> str:
        base = f"http://127.0.0.1:{port}"
        return typescript.run(
            "story",
            BASE=base,
            KEY_ID=keys.stablecoin_key_id,
            SECRET=keys.stablecoin_secret,
            BODIES=bodies,
        )

    assert talking(stable_door, story, stable_application(stable_door.services)) == "done\n"
