"""A partner's report in the portal as of a moment: what it shows, what it says of it, and where it
leads."""

import html
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from tests.insight.page.test_money_past import main_of
from tests.partners.page.test_partner import Office, office

from recoup.db.server import ServerAddress
from recoup.kernel.time import iso


def shown(page: str) -> str:
    return re.sub(r'<input type="hidden"[^>]*>', "", main_of(page))


def test_a_report_of_then_shows_what_it_showed_then(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        await at.shop.admit()
        analyst = await at.as_("analyst")
        now = await at.shop.now()
        span = f"from={now:%Y-%m-%d}&to={now + timedelta(days=30):%Y-%m-%d}"
        then = shown((await analyst.get(f"/partner/report?{span}")).text)
        file = (await analyst.get(f"/partner/report.csv?{span}")).content
        await at.shop.admit()
        await at.shop.advance(timedelta(days=20))
        for query in (f"asOf={iso(now)}", f"at={quote(now.replace(tzinfo=None).isoformat())}"):
            page = (await analyst.get(f"/partner/report?{span}&{query}")).text
            assert "This is the past" in page
            assert shown(page) == then
            main = page.partition("<main")[2]
            links = [
                html.unescape(one) for one in re.findall(r'href="(/partner/report[^"]*)"', main)
            ]
            back = [one for one in links if "asOf" not in one]
            assert back == [f"/partner/report?{span}"]
            [taken] = [one for one in links if ".csv" in one]
            answer = await analyst.get(taken)
            assert answer.content == file
            assert "-as-of-" in answer.headers["content-disposition"]
        assert shown((await analyst.get(f"/partner/report?{span}")).text) != then

    office(server, story)


@pytest.mark.parametrize(
    "query", ["at=yesterday", "asOf=2999-01-01T00:00:00Z", "asOf=2001-01-01T00:00:00Z"]
)
def test_a_moment_that_makes_no_sense_is_said_on_the_page_and_refused_for_the_file(
    server: ServerAddress, query: str
) -> None:
    async def story(at: Office) -> None:
        analyst = await at.as_("analyst")
        page = await analyst.get(f"/partner/report?{query}")
        assert page.status_code == 200
        assert "This is the past" not in page.text
        assert re.search(r"This is no moment|has not come yet|was not there yet", page.text)
        assert (await analyst.get(f"/partner/report.csv?{query}")).status_code == 400

    office(server, story)
