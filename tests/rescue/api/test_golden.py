"""Each example of the wire contract, replayed: `golden/*.json` hold a request, and what its answer
must have.

`$guid`, `$date` and the like stand for anything of that shape, `$order` for the order of the call
before. Members that the contract does not show may be there besides, unless the file says `exact`.
`before`: calls that are made first; `later`: hours that pass then.
"""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.door import FUNDS, Caller, Door
from tests.rings import each

from recoup.networks.allow_list import PHONE_CARD

GOLDEN = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "golden").glob("*.json"))
}
SHAPES = {
    "$guid": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "$date": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "$jwt": r"[\w-]+\.[\w-]+\.[\w-]+",
    "$text": ".{8,}",
    "$eight": "[0-9A-F]{8}",
    "$trace": "00-[0-9a-f]{32}-[0-9a-f]{16}-01",
    "$milliseconds": "[0-9]{13}",
}


class Replay:
    """One merchant and the values that stand for the contract's."""

    def __init__(self, door: Door, shop: Caller, card: str) -> None:
        self.door, self.shop = door, shop
        site = shop.post(
            "/sites",
            {
                "url": "https://shoes.merchant.example",
                "name": "Shoes",
                "descriptor": "EXAMPLESHOES",
            },
        ).json()
        now = door.run(shop.shop.now())
        self.values = {
            "$mid": shop.mid,
            "$site": site["id"],
            "$key": shop.shop.keys.app_key,
            "$now": now.isoformat(),
            "$secret": shop.shop.keys.app_secret,
            "$environment": shop.shop.keys.tokenization_key,
            "$in21days": (now + timedelta(days=21)).isoformat(),
            "$token": shop.token_for(card),
            "$card": PHONE_CARD,
        }

    def filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        if isinstance(value, str):
            for name, real in self.values.items():
                value = value.replace(name, real)
        return value

    def call(self, golden: dict[str, Any]) -> Any:
        headers = {} if golden.get("bearer") is False else self.shop.headers
        body = self.filled(golden["request"]) if "request" in golden else None
        answer = self.door.call(
            golden["method"], self.filled(golden["path"]), headers=headers, json=body
        )
        assert answer.status_code == golden.get("status", 200), answer.text
        told = answer.json()
        if "orderSessionKey" in told:
            self.values["$order"] = told["orderSessionKey"]
        return told


def check(expected: Any, told: Any, where: str, exact: bool) -> None:
    if isinstance(expected, dict):
        assert isinstance(told, dict), where
        assert set(expected) <= set(told), f"{where}: {set(expected) - set(told)} are not there"
        assert not exact or set(expected) == set(told), where
        for name, one in expected.items():
            check(one, told[name], f"{where}.{name}", exact)
    elif isinstance(expected, list):
        assert len(expected) == len(told), where
        for number, one in enumerate(expected):
            check(one, told[number], f"{where}[{number}]", exact)
    elif isinstance(expected, str) and expected in SHAPES:
        assert re.fullmatch(SHAPES[expected], str(told), re.S), f"{where}: {told}"
    else:
        assert (type(told), told) == (type(expected), expected), where


@each("name", GOLDEN)
def test_an_example_of_the_contract_is_answered_as_it_says(door: Door, name: str) -> None:
    golden, shop = GOLDEN[name], door.shop()
    replay = Replay(door, shop, FUNDS if golden.get("card") == "declines" else PHONE_CARD)
    for earlier in golden.get("before", ()):
        replay.call(GOLDEN[earlier])
    if "later" in golden:
        shop.advance(hours=golden["later"])
        replay.shop.sign_in()
    told = replay.call(golden)
    check(replay.filled(golden["answer"]), told, name, golden.get("exact", False))


def test_every_example_names_its_place_in_the_contract() -> None:
    assert len(GOLDEN) >= 17
    assert all(re.match("§[0-9]", golden["source"]) for golden in GOLDEN.values())
