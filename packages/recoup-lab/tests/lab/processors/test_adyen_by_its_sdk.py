"""The vendor's own library understands the stand-in, and its signatures are ours."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import Adyen as sdk
import pytest
from Adyen import exceptions, util

from recoup_lab.processors.adyen.account import MERCHANT
from recoup_lab.processors.adyen.server import KEY, SECRET, StandIn

MONEY = {"value": 2000, "currency": "EUR"}


def by_sdk(
    path: Path, monkeypatch: pytest.MonkeyPatch, story: Callable[[Any, StandIn], None]
) -> None:
    async def whole() -> None:
        standin = await StandIn(path / "adyen.sqlite").start()
        library = sdk.Adyen(xapikey=KEY, platform="test", http_force="requests")
        determine = library.client._determine_api_url

        def here(*given: Any, **more: Any) -> str:
            found: str = determine(*given, **more)
            return found.replace("https://checkout-test.adyen.com", standin.url).replace(
                "https://ca-test.adyen.com", standin.url
            )

        monkeypatch.setattr(library.client, "_determine_api_url", here)
        await asyncio.to_thread(story, library, standin)
        await standin.stop()

    asyncio.run(whole())


def test_a_payment_its_repeat_and_its_refund(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(library: Any, standin: StandIn) -> None:
        about = {
            "merchantAccount": MERCHANT,
            "amount": MONEY,
            "reference": "order-1",
            "paymentMethod": {"type": "scheme", "storedPaymentMethodId": "S000000000000001"},
            "shopperReference": "shopper-1",
            "shopperInteraction": "ContAuth",
            "recurringProcessingModel": "Subscription",
            "returnUrl": "https://shop.example/",
        }
        payments = library.checkout.payments_api
        made = [payments.payments(about, idempotency_key="k") for _ in range(2)]
        assert [one.message["resultCode"] for one in made] == ["Authorised"] * 2
        psp = made[0].message["pspReference"]
        assert psp == made[1].message["pspReference"]
        with pytest.raises(exceptions.AdyenAPIUnprocessableEntity) as refused:
            payments.payments(about | {"shopperReference": "shopper-2"})
        assert refused.value.error_code == "803"
        back = {
            "merchantAccount": MERCHANT,
            "amount": MONEY | {"value": 500},
            "reference": "back-1",
        }
        received = library.checkout.modifications_api.refund_captured_payment(back, psp)
        assert (received.message["status"], received.message["paymentPspReference"]) == (
            "received",
            psp,
        )
        standin.keys = {}
        with pytest.raises(exceptions.AdyenAPIAuthenticationError):
            payments.payments(about)

    def with_card(library: Any, standin: StandIn) -> None:
        form = {
            "merchantAccount": MERCHANT,
            "shopperReference": "shopper-1",
            "recurringProcessingModel": "Subscription",
        }
        method = {"type": "scheme", "holderName": "visa", "number": "4111"}
        form |= {"paymentMethod": method}  # type: ignore[dict-item]
        library.checkout.recurring_api.stored_payment_methods(form)
        story(library, standin)

    by_sdk(tmp_path, monkeypatch, with_card)


def test_its_notices_verify(tmp_path: Path) -> None:
    async def story() -> None:
        standin = await StandIn(tmp_path / "adyen.sqlite").start()
        standin.account.store()
        standin.account.close_batch()
        standin.send_notices()
        report, token = standin.posted
        assert util.is_valid_hmac_notification(json.loads(report.body), SECRET)
        assert not util.is_valid_hmac_notification(
            json.loads(report.body.replace(b"true", b"false")), SECRET
        )
        assert util.is_valid_hmac_payload(token.headers["hmacsignature"], SECRET, token.body)
        await standin.stop()

    asyncio.run(story())
