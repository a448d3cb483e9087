"""A wrong key, clock or version: both clients tell the API's own words,
by the class of its code."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from tests.clients.typescript import TypeScript, typescript
from tests.door import Caller, Door
from tests.rescue.api.test_clients import talking
from tests.stablecoin.door import Door as StableDoor
from tests.stablecoin.door import application as stable_application

from recoup_client import Recoup, RecoupError, RecoupStablecoin

__all__ = ["typescript"]


def heard(call: Callable[[], Any]) -> str:
    with pytest.raises(RecoupError) as refused:
        call()
    error = refused.value
    return f"{type(error).__name__} {error.status} {error.code} {error.message}"


def check(lines: list[str], expected: list[tuple[str, str]]) -> None:
    assert len(lines) == len(expected), lines
    for line, (begins, words) in zip(lines, expected, strict=True):
        assert line.startswith(f"{begins} "), line
        assert words in line


def test_a_merchant_hears_why(typescript: TypeScript, door: Door, shop: Caller) -> None:
    keys, order = shop.shop.keys, shop.admit()

    def story(port: int) -> tuple[list[str], list[str]]:
        base = f"http://127.0.0.1:{port}"
        with (
            Recoup(base, keys.app_key, "sk_test_another") as wrong,
            Recoup(base, keys.app_key, keys.app_secret) as right,
        ):
            own = [
                heard(lambda: wrong.orders.get(order)),
                heard(lambda: right._call("GET", "/v1/of-tomorrow")),
                heard(lambda: right.policy.set({"ofTomorrow": 1})),  # type: ignore[arg-type]
                heard(lambda: right.orders.refund(order, {"amountToRefund": "1.00"})),
            ]
        variables = {
            "APP_KEY": keys.app_key,
            "APP_SECRET": keys.app_secret,
            "ORDER": order,
            "KEY_ID": "",
        }
        return own, typescript.run("refused", BASE=base, **variables).splitlines()

    python, other = talking(door, story)
    assert python == other
    check(
        python,
        [
            ("BadCredentialsError 400 400201", "AppSecret"),
            ("NoSuchPathError 404 404001", "nothing at this path"),
            ("InvalidError 400 400100", "ofTomorrow"),
            ("WrongStateError 200 400302", "refund"),
        ],
    )


def test_a_signer_hears_why(
    typescript: TypeScript, stable_door: StableDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = stable_door.merchant().shop.keys
    key_id, secret = keys.stablecoin_key_id, keys.stablecoin_secret

    def story(port: int) -> tuple[list[str], list[str]]:
        base = f"http://127.0.0.1:{port}"
        own = []
        for id, text in (("pk_test_another", secret), (key_id, "sk_test_another")):
            with RecoupStablecoin(base, id, text) as recoup:
                own.append(heard(recoup.me.get))
        with RecoupStablecoin(base, key_id, secret) as recoup, monkeypatch.context() as slow:
            slow.setattr(
                "recoup_client.credentials.time", SimpleNamespace(time=lambda: time.time() - 400)
            )
            own.append(heard(recoup.me.get))
        variables = {"KEY_ID": key_id, "SECRET": secret, "APP_KEY": ""}
        return own, typescript.run("refused", BASE=base, **variables).splitlines()

    python, other = talking(stable_door, story, stable_application(stable_door.services))
    assert python == other
    check(
        python,
        [
            ("InvalidApiKeyError 401 invalid_api_key", "key"),
            ("BadSignatureError 401 bad_signature", "signature"),
            ("StaleRequestError 401 stale_request", "300"),
        ],
    )
