"""Pages and files of money as of a moment: what they show, what they say of it, and where they
lead."""

import html
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from tests.settling import batches, give_back, sold, terms
from tests.staff import As, portal, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.time import iso

PAGES = (
    "/settlements",
    "/reconciliation",
    *(f"/reports?by={one}" for one in ("sites", "means", "transactions")),
)
FILES = ("/reconciliation/report.csv", "/reports/sites.csv", "/reports/transactions.csv")


def with_(address: str, query: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{query}"


def main_of(page: str) -> str:
    """What is shown of money, without the picker and its banner."""
    main = page.partition("<main")[2].partition("</main>")[0]
    main = re.sub(r'<form class="row(?: ask)?" method="get".*?</form>', "", main, flags=re.S)
    main = re.sub(r'<div class="notice warn".*?</div></div>', "", main, flags=re.S)
    main = re.sub(r"<select.*?</select>", "", main, flags=re.S)
    main = re.sub(r'title="[^"]*(ago|from now)"', "", main)
    return re.sub(r"[?&](amp;)?(asOf|asOfRecorded)=[^\"&]*", "", main)


def test_a_page_of_then_shows_what_it_showed_then(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("owner")
        await terms(shop, period="day", delay_days=0)
        first, _ = await sold(shop, 2)
        month = f"month={await shop.now():%Y-%m}"
        now = await shop.now()
        then = {page: main_of((await maya.get(with_(page, month))).text) for page in PAGES}
        files = {file: (await maya.get(with_(file, month))).content for file in FILES}
        await sold(shop, 1)
        await give_back(shop, first)
        await shop.advance(timedelta(days=2))
        for query in (
            f"asOf={quote(now.isoformat())}",
            f"at={quote(now.replace(tzinfo=None).isoformat())}",
        ):
            for page in PAGES:
                found = (await maya.get(with_(page, f"{month}&{query}"))).text
                assert "This is the past" in found, page
                assert main_of(found) == then[page], page
            for file in FILES:
                answer = await maya.get(with_(file, f"{month}&{query}"))
                assert answer.content == files[file], file
                assert "-as-of-" in answer.headers["content-disposition"]
        assert main_of((await maya.get(with_(PAGES[0], month))).text) != then[PAGES[0]]

    portal(server, story)


def test_links_of_the_past_stay_in_it_until_one_leads_back(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("owner")
        await terms(shop, period="day", delay_days=0)
        await sold(shop, 1)
        before = iso(await shop.now())
        await shop.advance(timedelta(days=2))
        (batch,) = await batches(shop)
        moment = iso(await shop.now())
        await sold(shop, 1)
        for page in (*PAGES, f"/settlements/{batch['batch_id']}"):
            found = (await maya.get(with_(page, f"asOf={moment}"))).text
            main = found.partition("<main")[2].partition("</main>")[0]
            back = re.search(r'href="([^"]*)">As it stands now<', main)
            assert back
            assert "asOf" not in back[1]
            for link in re.findall(
                r'href="(/(?:settlements|reports|reconciliation)[^"]*)"', main.replace(back[0], "")
            ):
                if not re.search(r"/lines|/files?|certificates|print=1", link):
                    assert "asOf=" in html.unescape(link), (page, link)
                    assert (await maya.get(html.unescape(link))).status_code == 200, link
        page = await maya.get(f"/settlements/{batch['batch_id']}?asOf={moment}")
        assert "Scheduled" in texts(page)
        assert 'method="post"' not in page.text.partition("<main")[2]
        assert (
            await maya.get(f"/settlements/{batch['batch_id']}?asOf={before}")
        ).status_code == 404

    portal(server, story)


@pytest.mark.parametrize(
    "query", ["at=yesterday", "asOf=2999-01-01T00:00:00Z", "asOf=1999-01-01T00:00:00Z", "asOf=1"]
)
def test_a_moment_that_makes_no_sense_is_said_on_pages_and_refused_for_files(
    server: ServerAddress, query: str
) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("owner")
        for page in PAGES:
            found = await maya.get(with_(page, query))
            assert found.status_code == 200
            assert "This is the past" not in found.text
            assert re.search(r"This is no moment|has not come yet|was not there yet", found.text), (
                page
            )
        for file in FILES:
            assert (await maya.get(with_(file, query))).status_code == 400

    portal(server, story)


def test_the_usual_month_of_a_report_is_the_one_that_it_was_then(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("owner")
        await sold(shop, 1)
        now = await shop.now()
        await shop.advance(timedelta(days=40))
        for address in (
            f"/reports?asOf={quote(now.isoformat())}",
            f"/reports/sites.csv?asOf={quote(now.isoformat())}",
        ):
            answer = await maya.get(address)
            named = answer.headers.get("content-disposition") or main_of(answer.text)
            assert f"{now:%Y-%m}" in named
            assert f"{await shop.now():%Y-%m}" not in named, address

    portal(server, story)
