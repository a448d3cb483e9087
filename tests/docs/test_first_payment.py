"""The tutorial as a reader does it: pages in a real browser, blocks in a real shell, against
`recoup up`."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright
from tests.browser.visiting import CHROMIUM
from tests.docs.running import ROOT, bare_environment, running
from tests.docs.walk import STEPS_MAX, Doing, Shell, blocks, doings, shows

PAGE = ROOT / "docs/first-payment.md"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
UP_SECONDS = 120
WALK_SECONDS = 180
PAGE_SECONDS = 45


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a running `recoup up` on a free port, in a folder of its own."""
    folder, give_up = tmp_path_factory.mktemp("walk"), time.monotonic() + UP_SECONDS
    with running(folder / "data", folder / "up.log", UP_SECONDS) as told:
        address = told.partition("Recoup runs at ")[2].split()[0]
        assert httpx.get(f"{address}/readyz", timeout=give_up - time.monotonic()).is_success
        yield address


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    """It may use the clipboard; whatever it asks of another host fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(
            base_url=address, permissions=["clipboard-read", "clipboard-write"]
        )
        context.set_default_timeout(PAGE_SECONDS * 1000)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        yield page
        browser.close()
    assert all(url.startswith(address) for url in asked), asked
    assert not said, said


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Nothing of ours is in its reach but what the page tells to fetch."""
    made = Shell(tmp_path, bare_environment())
    yield made
    made.end()


@pytest.mark.timeout(UP_SECONDS + WALK_SECONDS)
def test_the_tutorial_works_as_written_and_so_does_the_guide_that_takes_its_variables(
    page: Page, shell: Shell
) -> None:
    steps = doings(PAGE)
    assert 0 < len(steps) <= STEPS_MAX
    steps.append(blocks(ROOT / "docs/connect.md"))
    assert [doing.kind for doing in steps[-1]] == ["bash", "shown"]
    printed: list[str] = []
    for number, step in enumerate(steps, 1):
        for doing in step:
            print(number, doing.kind, doing.words[:2] if doing.kind != "bash" else "")
            if doing.kind == "bash":
                printed = shell.run(doing.words[0])
            elif doing.kind == "shown":
                assert shows(doing.words[0], printed), (
                    f"step {number} printed {printed}, not {doing.words[0]}"
                )
            elif doing.kind == "paste":
                shell.run(page.evaluate("() => navigator.clipboard.readText()"))
            else:
                browse(page, shell, doing)


def browse(page: Page, shell: Shell, doing: Doing) -> None:
    """One line of the page, by what a reader sees: labels, buttons, links and words."""
    first, second = (*doing.words, "")[:2]
    value = shell.value(first[1:]) if first.startswith("$") else first
    if doing.kind == "open":
        page.goto(value)
    elif doing.kind == "type":
        page.get_by_label(second, exact=True).fill(value)
    elif doing.kind == "choose":
        page.get_by_label(second, exact=True).select_option(label=value)
    elif doing.kind == "press":
        pressed = page.get_by_role("button", name=value, exact=True)
        pressed.or_(page.get_by_role("link", name=value, exact=True)).click()
        if value == "Copy":
            expect(page.get_by_role("button", name="Copied")).to_be_visible(
                timeout=PAGE_SECONDS * 1000
            )
    else:
        expect(page.locator("main").get_by_text(value).first).to_be_visible(
            timeout=PAGE_SECONDS * 1000
        )


@pytest.mark.parametrize("line", ["Press the button.", "Open the page.", "Type it in."])
def test_a_line_that_nobody_can_follow_is_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "page.md").write_text(f"## 1. Go\n\n- {line}\n")
    with pytest.raises(ValueError, match="cannot be done"):
        doings(tmp_path / "page.md")


def test_what_a_block_does_not_print_is_found(shell: Shell) -> None:
    printed = shell.run("echo APPROVED; echo FIRST-17")
    assert shows("APPROVED\nFIRST-…\n", printed)
    assert not shows("FIRST-…\nAPPROVED\n", printed), "in that order"
    assert not shows("DECLINED\n", printed)
    assert not shows("APPROVED\nAPPROVED\n", printed)


@pytest.mark.parametrize("block", ["false", 'echo "$NOT_PRINTED_BEFORE"', "false | cat"])
def test_a_block_that_fails_or_uses_what_nothing_printed_is_found(shell: Shell, block: str) -> None:
    with pytest.raises(AssertionError, match="the shell ended"):
        shell.run(block)
