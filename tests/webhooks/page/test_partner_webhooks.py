"""A partner's own endpoints and its report, as its people see them in the portal."""

import re

import httpx
import pytest
from tests.partners.page.test_partner import PASSWORD, Office, field, office, post
from tests.webhooks.page.test_webhooks import receiving

from recoup.db.server import ServerAddress
from recoup.people.flows.make_user import Membership, make_user

FORM = {"format": "rescue", "events": ["order.completed", "order.submitted"]}


async def made(client: httpx.AsyncClient, url: str) -> str:
    answer = await post(client, "/partner/webhooks/new", "/partner/webhooks", url=url, **FORM)
    assert answer.status_code == 200, answer.text
    assert "shown only once" in answer.text
    return re.findall(r'href="(/partner/webhooks/[0-9a-f-]{36})"', answer.text)[0]


def test_a_partner_sees_its_endpoints_health_log_and_sample_in_the_portal(
    server: ServerAddress,
) -> None:
    async def story(at: Office) -> None:
        dev = await at.as_("developer")
        assert "/partner/webhooks" in (await dev.get("/partner")).text
        assert "No endpoint" in (await dev.get("/partner/webhooks")).text
        async with receiving() as hooks:
            one = await made(dev, hooks.url)
            sent = await post(dev, one, f"{one}/test", event="order.completed")
            assert "The receiver answered 200" in sent.text
            shop = at.shop
            await shop.admit()
            await shop.publish()
            page = (await dev.get(one)).text
            assert "order.submitted" in page
            assert f"/partner/merchants/{shop.merchant_id}" in page
            assert "Healthy" in (await dev.get("/partner/webhooks")).text
            for delivery in set(re.findall(rf'"({one}/deliveries/[0-9a-f-]+)"', page)):
                assert "HTTP <b>200</b>" in (await dev.get(delivery)).text
            again = await post(dev, one, f"{one}/rotate", overlap="24", of=field(page, "of"))
            assert "Signing key replaced" in again.text
            merchants = (await dev.get("/webhooks")).text
            assert "Endpoints of your partner" in merchants
            assert "127.0.0.1" in merchants
            assert hooks.url not in merchants
        analyst = await at.as_("analyst")
        assert (await analyst.get(one)).status_code == 200
        assert (await post(analyst, one, f"{one}/delete")).status_code == 403
        assert (await dev.get(one.replace("/partner", ""))).status_code == 404

    office(server, story)


def test_a_partner_reads_its_report_in_the_portal_and_takes_it_as_a_file(
    server: ServerAddress,
) -> None:
    async def story(at: Office) -> None:
        await at.shop.admit()
        analyst = await at.as_("analyst")
        day = f"{await at.shop.now():%Y-%m-%d}"
        page = await analyst.get(
            f"/partner/report?from={day}&to={day}&currency=USD&mid={at.shop.merchant_id}"
        )
        assert page.status_code == 200
        assert "Placed" in page.text
        assert re.search(r"45\.90<span class=\"cur\">USD", page.text)
        file = await analyst.get(f"/partner/report.csv?from={day}&to={day}")
        assert file.headers["content-type"].startswith("text/csv")
        assert f"{at.shop.merchant_id}," in file.text
        assert ",placed,1,45.90" in file.text
        assert (
            "Nothing from"
            in (await analyst.get(f"/partner/report?from={day}&to={day}&currency=EUR")).text
        )
        wrong = await analyst.get("/partner/report?from=2026-03-01&to=2026-01-01")
        assert (wrong.status_code, "The last day must be" in wrong.text) == (400, True)
        strange = await analyst.get(f"/partner/report?mid={at.partner_id}")
        assert (strange.status_code, "no such merchant" in strange.text.lower()) == (404, True)

    office(server, story)


@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_a_merchants_analyst_reads_of_a_partners_endpoint_the_host_and_no_key_and_no_answer(
    server: ServerAddress, scheme: str
) -> None:
    """The order's page and JSON had the whole address, and what the partner's receiver said."""

    async def story(at: Office) -> None:
        await make_user(
            at.world,
            "mia@example.test",
            "Mia",
            PASSWORD,
            [Membership("merchant", at.shop.merchant_id, "analyst")],
        )
        async with receiving() as hooks:
            hooks.says = b"the partner's own words"
            await made(await at.as_("developer"), f"{scheme}{hooks.url[4:]}/s3cret-path?key=s3cret")
            hooks.answers = [500]
            order = await at.shop.admit()
            await at.shop.publish()
            analyst = await at.as_("mia")
            for path in (f"/orders/{order}", f"/orders/{order}.json"):
                page = (await analyst.get(path)).text
                assert f"{scheme}://127.0.0.1:{hooks.port}" in page
                assert "s3cret" not in page
                assert "own words" not in page
            told = (await analyst.get(f"/orders/{order}.json")).json()
            tries = [one for event in told["events"] for one in event["tries"]]
            waits = [one for event in told["events"] for one in event["waits"]]
            assert {one["url"] for one in tries + waits} == {f"{scheme}://127.0.0.1:{hooks.port}"}
            assert {one["status"] for one in tries} == {500}
            assert waits

    office(server, story)
