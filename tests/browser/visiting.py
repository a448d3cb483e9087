"""A browser and somebody in it: where every browser test begins."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from scripts.need import found
from tests.door import listening
from tests.rings import draw
from tests.shop import PASSWORD, Shop, make_app, make_world

CHROMIUM = found("chromium") or "chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = (1440, 900), (390, 844)
WAYS = [(DESKTOP, True), (DESKTOP, False), (PHONE, True), (PHONE, False)]
WAY_NAMES = ["desktop", "desktop without script", "phone", "phone without script"]


def ways(story: str, cases: Sequence[Any] = WAYS) -> list[Any]:
    """What a story has for each way, with the way's name: one is drawn, unless the family `browser`
    runs."""
    named = zip(cases, WAY_NAMES, strict=True)
    return [pytest.param(case, id=name) for case, name in draw("browser", named, 1, label=story)]


# An answered refusal; and that a test has begun to type before the page was drawn, which then
# leaves the focus there.
EXPECTED = ("status of 4", "Autofocus processing was blocked")
T = TypeVar("T")


class Launched:
    """Chromium for all files of a worker. Playwright's event loop counts as running only while a
    file uses it."""

    def __enter__(self) -> "Launched":
        self._playwright = sync_playwright()
        self._browser = self._playwright.__enter__().chromium.launch(
            executable_path=CHROMIUM, args=FLAGS
        )
        self._loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        return self

    def __exit__(self, *_: object) -> None:
        with self.in_use() as browser:
            browser.close()
            self._playwright.__exit__()

    @contextmanager
    def in_use(self) -> Iterator[Browser]:
        asyncio._set_running_loop(self._loop)
        try:
            yield self._browser
        finally:
            asyncio._set_running_loop(None)


@contextmanager
def visiting(
    browser: Browser,
    address: str,
    *,
    size: tuple[int, int] = DESKTOP,
    script: bool = True,
    **more: Any,
) -> Iterator[Page]:
    """A page of its own profile. What the browser refuses or misses fails the test; an answered 4xx
    does not."""
    context = browser.new_context(
        base_url=address,
        java_script_enabled=script,
        viewport={"width": size[0], "height": size[1]},
        **more,
    )
    page, said = context.new_page(), heard(context)
    yield page
    context.close()
    assert not said, said


def heard(context: BrowserContext) -> list[str]:
    """What the browser complains of from now on."""
    said: list[str] = []
    context.on(
        "console",
        lambda message: (
            None if any(one in message.text for one in EXPECTED) else said.append(message.text)
        ),
    )
    context.on("weberror", lambda error: said.append(str(error.error)))
    return said


def give_password(page: Page, email: str) -> None:
    """By the sign-in page; what comes next is for the caller to see."""
    page.goto("/orders")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def follow(page: Page, button: Locator) -> None:
    """Presses it and waits for the whole of the page that it leads to: what comes next may load
    another."""
    with page.expect_navigation():
        button.click()


def sign_in(page: Page, email: str = "maya@example.test") -> None:
    """By the sign-in page, to the list of orders."""
    give_password(page, email)
    expect(page.get_by_role("heading", name="Orders", exact=True, level=1)).to_be_visible()
    page.wait_for_load_state()


@contextmanager
def signed_in(
    browser: Browser, address: str, *, email: str = "maya@example.test", **more: Any
) -> Iterator[Page]:
    with visiting(browser, address, **more) as page:
        sign_in(page, email)
        yield page


def is_narrow(page: Page) -> bool:
    return page.viewport_size == {"width": PHONE[0], "height": PHONE[1]}


def fits(page: Page) -> None:
    """Nothing of the page stands beyond the edge of the screen."""
    page.wait_for_load_state()
    wider = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wider <= 0, f"{page.url} is {wider} px wider than the screen"


def beside(work: Coroutine[Any, Any, T]) -> T:
    """Runs it in a thread of its own: while a browser is open, this one's event loop is taken."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@contextmanager
def served(shop: Shop) -> Iterator[str]:
    """The portal over a shop, in a thread of its own; its address."""

    async def serve(told: "Told") -> None:
        world = await make_world(shop)
        async with listening(make_app(world)) as port:
            await told.until_stopped(f"http://127.0.0.1:{port}")
        await world.db.close()
        await world.people.close()

    with Told().by(lambda told: asyncio.run(serve(told))) as address:
        yield address


class Told:
    """What a thread tells when it is ready, and that it may end."""

    def __init__(self) -> None:
        self._ready, self._stop = threading.Event(), threading.Event()
        self._what: Any = None

    async def until_stopped(self, what: Any) -> None:
        self._what = what
        self._ready.set()
        await asyncio.to_thread(self._stop.wait)

    @contextmanager
    def by(self, work: Callable[["Told"], None]) -> Iterator[Any]:
        """Runs `work` in a thread; what it tells."""
        thread = threading.Thread(target=work, args=(self,))
        thread.start()
        try:
            assert self._ready.wait(60), "the server did not start"
            yield self._what
        finally:
            self._stop.set()
            thread.join(30)
