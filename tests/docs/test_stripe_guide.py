"""The commands of docs/stripe.md against the stand-in: they leave what the rescue of an invoice
needs."""

import asyncio
import re
from pathlib import Path

import aiohttp
from lab.processors.stripe_ground import AT

from recoup_lab.processors.stripe.server import StandIn

GUIDE = Path(__file__).resolve().parents[2] / "docs/stripe.md"
NOTICES = "http://127.0.0.1:9/inbound/stripe-test/notices"


def test_the_guide_s_invoice_fails_once_and_can_be_paid_then(tmp_path: Path) -> None:
    (commands,) = re.findall(r"```\n(ask\(\).*?)```", GUIDE.read_text(), re.DOTALL)

    async def story() -> None:
        standin = StandIn(tmp_path / "book", notices_to=NOTICES, clock=AT.timestamp)
        await standin.start()
        try:
            script = (
                commands.replace("http://127.0.0.1:8700", standin.url)
                + '\necho; echo "$INVOICE $METHOD"\n'
            )
            shell = await asyncio.create_subprocess_exec(
                "bash", "-c", script, stdout=asyncio.subprocess.PIPE
            )
            written, _ = await shell.communicate()
            invoice, method = written.decode().split()[-2:]
            failed = standin.account.need("invoice", invoice)
            assert (failed["status"], failed["attempt_count"]) == ("open", 1), (
                "an invoice that Stripe has tried"
            )
            assert (
                standin.account.pay_invoice(invoice, {"payment_method": method})["status"] == "paid"
            )
            assert [one["url"] for one in standin.book.all("webhook_endpoint")] == [NOTICES]
        finally:
            await standin.stop()

    asyncio.run(story())


async def _customers(url: str, authorization: str) -> int:
    async with aiohttp.ClientSession() as session:
        async with session.get(
            f"{url}/v1/customers", headers={"authorization": authorization}
        ) as response:
            return response.status


def test_the_key_may_be_a_user_name(tmp_path: Path) -> None:
    async def story() -> list[int]:
        standin = StandIn(tmp_path / "book", clock=AT.timestamp)
        await standin.start()
        try:
            basic = [
                "Basic cmtfdGVzdF9zdGFuZGluOg==",
                "Basic eDp5",
                "Basic ?",
                "",
            ]  # rk_test_standin:, x:y
            return [await _customers(standin.url, one) for one in basic]
        finally:
            await standin.stop()

    assert asyncio.run(story()) == [200, 401, 401, 401]
