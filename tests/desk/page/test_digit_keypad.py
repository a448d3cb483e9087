"""Days and moments typed on a phone whose keypad has digits alone, on each page that takes one."""

import re
from datetime import timedelta

from tests.partners.page.test_partner import Office, office
from tests.staff import As, portal, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress


def test_a_day_of_the_portal_is_typed_without_dashes(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("owner")
        last = (await shop.now()).date()
        first = last - timedelta(days=3)
        for page, begin, end in (
            ("/overview", "from", "to"),
            ("/audit", "from", "to"),
            ("/orders", "placed_from", "placed_to"),
            ("/orders", "created_from", "created_to"),
        ):
            shown = (await maya.get(f"{page}?{begin}={first:%Y%m%d}&{end}={last:%Y%m%d}")).text
            fields = [one for one in re.findall("<input[^>]*>", shown) if "value=" in one]
            for name, day in ((begin, first), (end, last)):
                [field] = [
                    one for one in fields if f'name="{name}"' in one and 'type="hidden"' not in one
                ]
                assert f'value="{day}"' in field, page
        for wrong in (f"{first:%d%m%Y}", f"{first:%y%m%d}", f"{first:%d/%m/%Y}"):
            assert f"'{wrong}' is no day." in texts(await maya.get(f"/overview?from={wrong}"))
            assert f"Not understood: {wrong}" in texts(await maya.get(f"/audit?from={wrong}"))

    portal(server, story)


def test_a_moment_of_the_portal_is_typed_without_marks(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("owner")
        order_id = await shop.admit()
        then = await shop.now() + timedelta(minutes=1)
        await shop.advance(timedelta(days=1))
        for page in (f"/orders/{order_id}/past", "/settlements", "/reconciliation"):
            digits = await maya.get(f"{page}?at={then:%Y%m%d%H%M}")
            assert f'value="{then:%Y-%m-%d %H:%M}:00"' in digits.text, page
            for wrong in (f"{then:%d%m%Y%H%M}", f"{then:%y%m%d%H%M}"):
                assert "This is no moment" in (await maya.get(f"{page}?at={wrong}")).text, page

    portal(server, story)


def test_a_day_of_a_partners_report_is_typed_without_dashes(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        analyst = await at.as_("analyst")
        last = (await at.shop.now()).date()
        shown = await analyst.get(
            f"/partner/report?from={last - timedelta(days=3):%Y%m%d}&to={last:%Y%m%d}"
        )
        assert f"{last - timedelta(days=3):%Y-%m-%d}" in shown.text
        assert "is no day" in (await analyst.get(f"/partner/report?from={last:%d%m%Y}")).text

    office(server, story)
