"""Takes the pictures in docs/images: a throw-away Recoup plays its demo, and a browser looks at it.

.venv/bin/python scripts/make_pictures.py [--data-dir DIR --url URL] [NAME ...]

With `--data-dir` and `--url` it looks at a Recoup that runs already, its demo over. `NAME`: only
these pictures.
"""

import argparse
import base64
import hmac
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, Page, sync_playwright

from need import found

HOME: Final = Path(__file__).resolve().parents[1]
IMAGES: Final = HOME / "docs/images"
BYTES_MAX: Final = 200_000
WAIT_SECONDS: Final = 300
DESKTOP: Final = (1440, 900)
CHARGE: Final = "a charge"  # instead of a path: the page on which its payer pays
_WEBP: Final = """async ([png, quality]) => {
  const picture = new Image();
  picture.src = "data:image/png;base64," + png;
  await picture.decode();
  const canvas = Object.assign(document.createElement("canvas"),
    { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL("image/webp", quality).split(",")[1];
}"""


@dataclass(frozen=True)
class Picture:
    """`path`: the page, or where to begin to follow the first of each of `links`."""

    name: str
    path: str
    links: tuple[str, ...] = ()
    size: tuple[int, int] = DESKTOP


PICTURES: Final = (
    Picture("orders", "/orders"),
    Picture(
        "order",
        "/orders?status=7&type=mit&attempts=3",
        ("tbody tr:nth-child(2) a.open",),
        size=(1440, 1100),
    ),
    Picture("overview", "/overview", size=(1440, 1000)),
    Picture("settlement", "/settlements", ("tbody a",), size=(1440, 1000)),
    Picture("disputes", "/disputes", size=(1440, 600)),
    Picture("developers", "/developers", size=(1440, 1100)),
    Picture("checkout", CHARGE, size=(390, 660)),
)


def main() -> None:
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--data-dir", type=Path)
    asked.add_argument("--url")
    asked.add_argument("names", nargs="*")
    given = asked.parse_args()
    wanted = [one for one in PICTURES if not given.names or one.name in given.names]
    if given.data_dir and given.url:
        take(wanted, given.url, given.data_dir)
        return
    with (
        tempfile.TemporaryDirectory(prefix="recoup-pictures-") as folder,
        running(Path(folder)) as url,
    ):
        take(wanted, url, Path(folder))


@contextmanager
def running(data_dir: Path) -> Iterator[str]:
    """A Recoup of its own, its demo over; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(HOME / ".venv/bin/recoup"),
        "up",
        "--demo",
        "--port",
        str(port),
        "--data-dir",
        str(data_dir),
    ]
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(WAIT_SECONDS):
            if started.poll() is not None:
                sys.exit("Recoup did not start; `make run` says why.")
            if _demo_is_over(data_dir):
                break
            time.sleep(1)
        else:
            sys.exit(f"The demo was not over after {WAIT_SECONDS} seconds.")
        yield f"http://127.0.0.1:{port}"
    finally:
        started.send_signal(signal.SIGINT)
        started.wait(60)


def _demo_is_over(data_dir: Path) -> bool:
    try:
        return bool(json.loads((data_dir / "demo.json").read_text())["state"] == "done")
    except (OSError, ValueError):
        return False


def take(wanted: list[Picture], url: str, data_dir: Path) -> None:
    kept = json.loads((data_dir / "bootstrap.json").read_text())
    urlopen(f"{url}/healthz", timeout=10).close()  # noqa: S310 - our own address
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found("chromium"), args=["--no-sandbox"]
        )
        dispute_some(browser, url, kept)
        for picture in wanted:
            content = taken(browser, picture, url, kept)
            (IMAGES / f"{picture.name}.webp").write_bytes(content)
            print(f"{picture.name}.webp  {len(content):,} bytes")
            if len(content) > BYTES_MAX:
                sys.exit(f"{picture.name} is larger than {BYTES_MAX:,} bytes.")
        browser.close()


def taken(browser: Browser, picture: Picture, url: str, kept: dict[str, str]) -> bytes:
    context = browser.new_context(
        base_url=url,
        viewport={"width": picture.size[0], "height": picture.size[1]},
        locale="en-GB",
        timezone_id="Europe/London",
        reduced_motion="reduce",
    )
    page = context.new_page()
    sign_in(page, kept)
    page.goto(charged(url, kept) if picture.path == CHARGE else picture.path)
    for link in picture.links:
        page.goto(page.locator(link).first.get_attribute("href") or "")
    page.wait_for_load_state("networkidle")
    png = page.screenshot()
    blank = context.new_page()
    packed: str = blank.evaluate(_WEBP, [base64.b64encode(png).decode(), 0.86])
    context.close()
    return base64.b64decode(packed)


def dispute_some(browser: Browser, url: str, kept: dict[str, str]) -> None:
    """Cardholders take three orders of the demo back, once."""
    page = browser.new_page(base_url=url)
    sign_in(page, kept)
    page.goto("/disputes")
    if page.locator("tbody tr").count():
        return
    token = page.locator("input[name=csrf]").first.get_attribute("value") or ""
    page.goto("/orders?status=7&type=mit&currency=USD")
    links = page.locator("a.open").evaluate_all("all => all.map((one) => one.pathname)")
    for path, kind in zip(links, ("fraud", "service", "processing"), strict=False):
        page.request.post(f"{path}/dispute", form={"csrf": token, "kind": kind})
    page.wait_for_timeout(3_000)  # the worker takes the notices
    page.close()


def sign_in(page: Page, kept: dict[str, str]) -> None:
    """As the merchant's own person, at the demo's merchant."""
    page.goto("/signin")
    page.get_by_label("E-mail").fill(kept["portal_user"])
    page.get_by_label("Password").fill(kept["portal_password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/overview"))
    token = page.locator("input[name=csrf]").first.get_attribute("value")
    demo = page.locator("button[name=merchant]", has_text="Demo day").first.get_attribute("value")
    page.request.post("/merchant", form={"csrf": token or "", "merchant": demo or ""})


def charged(url: str, kept: dict[str, str]) -> str:
    """A new stablecoin charge; where its payer pays."""
    body = json.dumps(
        {
            "merchant_order_id": f"TEA-{time.time_ns()}",
            "amount": "49.90",
            "currency": "USDT",
            "channel": "mock",
            "subject": "Leaf Club, November",
        }
    ).encode()
    stamp = str(int(time.time()))
    signed = "\n".join(["POST", "/api/v1/charges", "", stamp, sha256(body).hexdigest()])
    signature = hmac.new(kept["stablecoin_secret"].encode(), signed.encode(), "sha256").hexdigest()
    headers = {
        "x-api-key": kept["stablecoin_key_id"],
        "x-timestamp": stamp,
        "x-signature": signature,
        "content-type": "application/json",
    }
    asked = Request(f"{url}/api/v1/charges", body, headers)  # noqa: S310
    with urlopen(asked, timeout=10) as answer:  # noqa: S310
        return str(json.load(answer)["instruction"]["redirect_url"])


if __name__ == "__main__":
    main()
