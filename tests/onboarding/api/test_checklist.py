"""A merchant does what the checklist says, line by line as it is printed, and each turns green by
what happened."""

import json
import re
import shlex
from datetime import timedelta
from typing import Any

from tests.door import APPROVES, Caller, Door
from tests.receiver import receiving
from tests.worlds import make_shop

from recoup.networks.allow_list import APPROVE_CARDS
from recoup.onboarding.flows.go_live import onboarding_of
from recoup.onboarding.rules.onboarding import TASKS, StepEvidence, curl_line


def green(door: Door, mid: Any) -> dict[str, StepEvidence]:
    return dict(door.run(onboarding_of(door.world, mid))[0].evidence)


def performed(door: Door, line: str, names: dict[str, str]) -> Any:
    """The line as a shell and curl would."""
    line = re.sub(r"\$([A-Z_]+)", lambda found: names[found[1]], line)
    words = shlex.split(line)
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1] if "-d" in words else None
    path = words[1].removeprefix("http://door.test")
    answer = door.call("POST" if body else "GET", path, headers=headers, content=body)
    assert answer.status_code < 300, (line, answer.text)
    return answer.json()


def test_each_line_turns_its_own_light_green(door: Door) -> None:
    shop = door.run(make_shop(door.world, door.orders, door.deliveries, name="New shop"))
    lines = {task.step: curl_line(task, "http://door.test") for task in TASKS}
    with receiving(door) as hooks:
        now = door.run(shop.now())
        names = {
            "APP_KEY": shop.keys.app_key,
            "APP_SECRET": shop.keys.app_secret,
            "CARD": APPROVE_CARDS[0],
            "EXPIRY": (now + timedelta(days=20)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "HOOK": hooks.url(),
            "FROM": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        seen: list[str] = []

        def lit(step: str) -> None:
            seen.append(step)
            assert sorted(green(door, shop.merchant_id)) == sorted(seen), step

        assert green(door, shop.merchant_id) == {}
        names["TOKEN"] = performed(door, lines["token"], names)["accessToken"]
        lit("token")
        assert performed(door, lines["transmit"], names)["result"] == "success"
        lit("transmit")
        token = performed(door, lines["tokenize"], names)["transaction"]["payment_method"]["token"]
        names["CARD_TOKEN"] = token
        lit("tokenize")
        approved = performed(door, lines["cit"], names)
        assert approved["status"] == "APPROVED", approved
        names["ORDER_ID"] = approved["orderId"]
        lit("cit")
        assert performed(door, lines["mit"], names)["status"] == "SUBMITTED"
        lit("mit")
        performed(door, lines["webhook"], names)
        assert performed(door, lines["refund"], names)["status"] == "SUCCESS"
        lit("refund")
        door.run(shop.publish())
        assert hooks.events
        lit("webhook")
        door.run(shop.advance(timedelta(days=35)))
        door.run(shop.close_pages())
        door.services.merchants.forget(shop.merchant_id)
        lit("reconciliation")
        assert performed(door, lines["reconciliation"], names)["data"]
    found = green(door, shop.merchant_id)
    assert str(found["cit"].order_id) == str(found["refund"].order_id) == names["ORDER_ID"]
    assert (found["mit"].external_id, found["cit"].external_id) == ("MIT-1", "CIT-1")
    assert json.dumps([one.at.isoformat() for one in found.values()])


def test_what_does_not_count_turns_nothing_green(door: Door, shop: Caller) -> None:
    """A card number in /evaluate is no /tokenize, a declined CIT no approval, a failed delivery no
    delivery."""
    with receiving(door) as hooks:
        hooks.answers += [500] * 20
        shop.post(
            "/webhooks", {"url": hooks.url(), "events": ["order.submitted", "order.processing"]}
        )
        shop.evaluate(
            isMIT=False,
            expiryDateUtc=None,
            transaction__amount=4590,
            paymentMethod__cardNumber=APPROVES,
        )
        shop.admit(expiryDateUtc=None)
        door.run(shop.shop.publish())
        assert hooks.events
    found = green(door, shop.shop.merchant_id)
    assert "tokenize" not in found
    assert "webhook" not in found
    assert "mit" not in found
    assert "refund" not in found
