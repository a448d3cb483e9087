"""From the sandbox to live and back: the same page, another band;
nobody takes one for the other."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.accessibility import faults
from tests.browser.visiting import WAYS, Told, follow, visiting, ways
from tests.main.test_live import both
from tests.rings import drawn

from recoup.db.server import ServerAddress
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.onboarding.flows.open_live import open_approved

# Some with what was chosen on them.
PAGES = (
    "/orders?status=completed&size=25",
    "/settlements?size=25",
    "/overview",
    "/switches",
    "/account/sessions",
)
COLOUR = "(band) => getComputedStyle(band).backgroundColor + getComputedStyle(band).backgroundImage"


@dataclass(frozen=True)
class House:
    """Both worlds at one address, and somebody who may see them; an order of the sandbox."""

    address: str
    user: str
    password: str
    order: str


@pytest.fixture(scope="module")
def house(server: ServerAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("worlds")

    async def serve(told: Told) -> None:
        async with both(server, folder) as here:
            await here.approved("mit")
            assert await open_approved(here.sandbox.world) == 1
            key = await here.token(here.made.app_key, here.made.app_secret)
            made = await here.evaluate(key, APPROVE_CARDS[1], is_mit=False)
            found = House(
                str(here.client.base_url),
                here.made.portal_user,
                here.made.portal_password,
                made.json()["orderSessionKey"],
            )
            await told.until_stopped(found)

    with Told().by(lambda told: asyncio.run(serve(told))) as made:
        yield made


@pytest.fixture(params=ways("worlds", range(len(WAYS))))
def page(request: pytest.FixtureRequest, browser: Browser, house: House) -> Iterator[Page]:
    size, script = WAYS[request.param]
    with visiting(browser, house.address, size=size, script=script) as made:
        made.goto("/signin")
        made.get_by_label("E-mail").fill(house.user)
        made.get_by_label("Password").fill(house.password)
        made.get_by_role("button", name="Sign in").click()
        expect(made).to_have_url(re.compile("/overview$"))
        yield made


def here(page: Page, world: str) -> str:
    """The page says which world it is of, wherever one looks and however far down; answers the
    band's colour."""
    band, other = page.locator(".band"), "LIVE" if world == "SANDBOX" else "SANDBOX"
    expect(band).to_have_count(1)
    expect(band.locator("b")).to_have_text(world)
    expect(band).not_to_contain_text(other)
    expect(page).to_have_title(re.compile("sandbox" if world == "SANDBOX" else "^((?!sandbox).)*$"))
    page.keyboard.press("End")
    expect(band.locator("b")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name=re.compile("^Switch to "))).to_be_in_viewport(ratio=1)
    return str(band.evaluate(COLOUR))


def switch(page: Page, to: str) -> None:
    follow(page, page.get_by_role("button", name=f"Switch to {to}"))


@drawn("browser", "path", PAGES, 2)
def test_there_and_back_is_the_same_page(page: Page, house: House, path: str) -> None:
    page.goto(path)
    address, heading = page.url, page.get_by_role("heading", level=1).inner_text()
    sandbox = here(page, "SANDBOX")
    switch(page, "live")
    expect(page).to_have_url(address)
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    live = here(page, "LIVE")
    assert live != sandbox, "the bands look alike"
    page.reload()
    here(page, "LIVE")
    switch(page, "sandbox")
    expect(page).to_have_url(address)
    here(page, "SANDBOX")


def test_one_thing_of_a_world_leads_to_its_list_in_the_other(page: Page, house: House) -> None:
    page.goto(f"/orders/{house.order}")
    here(page, "SANDBOX")
    switch(page, "live")
    expect(page).to_have_url(f"{house.address}/orders")
    here(page, "LIVE")
    expect(page.get_by_text("Brightleaf Tea", exact=True)).to_have_count(0)
    answer = page.goto(f"/orders/{house.order}")
    assert answer is not None
    assert answer.status == 404, "an order of the sandbox is none of live"
    here(page, "LIVE")


def test_a_tab_that_was_left_open_does_nothing_in_the_world_that_it_does_not_show(
    page: Page, house: House
) -> None:
    page.goto("/roles?role=analyst")
    other = page.context.new_page()
    other.goto("/roles?role=analyst")
    switch(other, "live")
    here(other, "LIVE")
    page.locator("#analyst").get_by_label("Always shown").check()
    page.locator("#analyst").get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("This form belongs to another merchant or environment")).to_be_visible()
    here(page, "LIVE")
    expect(page.get_by_role("button", name=re.compile("again"))).to_have_count(0)
    other.goto("/roles?role=analyst")
    expect(other.locator("#analyst").get_by_label("Always shown")).not_to_be_checked()
    other.close()


@drawn("browser", "scheme", ["light", "dark"], 1)
def test_axe_has_nothing_to_say_about_live(browser: Browser, house: House, scheme: str) -> None:
    for size in sorted({size for size, _ in WAYS}):
        with visiting(browser, house.address, size=size, color_scheme=scheme) as page:
            page.goto("/signin")
            page.get_by_label("E-mail").fill(house.user)
            page.get_by_label("Password").fill(house.password)
            page.get_by_role("button", name="Sign in").click()
            switch(page, "live")
            here(page, "LIVE")
            assert not (found := faults(page)), found
