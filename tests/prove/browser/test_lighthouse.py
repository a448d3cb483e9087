"""Lighthouse, as anybody may run it: accessibility and best practices of the pages that people live
on."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.browser.visiting import CHROMIUM
from tests.browser.walk import Walked, walked

from recoup.db.server import ServerAddress
from recoup.people.page.endpoint import COOKIE

LIGHTHOUSE = "lighthouse@13"
PAGES = (
    "/overview",
    "/orders",
    "/orders/{order}",
    "/customers/{customer}",
    "/settlements",
    "/signin",
)
AT_LEAST = {"accessibility": 95, "best-practices": 95}
CATEGORIES = [*AT_LEAST, "performance"]


def installed(folder: Path) -> Path:
    """Lighthouse's entry point, in a folder of its own."""
    assert shutil.which("npm"), "npm is not installed here: sudo apt-get install npm"
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), LIGHTHOUSE],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, (
        f"Lighthouse could not be installed from the npm registry: {done.stderr[-600:]}"
    )
    return folder / "node_modules/lighthouse/cli/index.js"


def scores(tool: Path, folder: Path, address: str, cookie: str, form: str) -> dict[str, int]:
    """By category, of 100."""
    report = folder / "report.json"
    command = [
        "node",
        str(tool),
        address,
        "--quiet",
        "--output=json",
        f"--output-path={report}",
        f"--only-categories={','.join(CATEGORIES)}",
        f"--form-factor={form}",
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
        f"--extra-headers={json.dumps({'cookie': cookie})}",
    ]
    if form == "desktop":
        command.append("--preset=desktop")
    done = subprocess.run(
        command,
        env=os.environ | {"CHROME_PATH": CHROMIUM},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    read = json.loads(report.read_text())
    for name in AT_LEAST:
        for one in read["categories"][name]["auditRefs"]:
            audit = read["audits"][one["id"]]
            if one["weight"] and audit["score"] is not None and audit["score"] < 1:
                print(
                    f"  {name}: {audit['id']}: {audit['title']} "
                    f"{str(audit.get('details', ''))[:300]}"
                )
    return {name: round(100 * read["categories"][name]["score"]) for name in CATEGORIES}


def path_of(house: Walked, path: str) -> str:
    return path.format(**house.ground.a.ids)


def test_pages_that_people_live_on(server: ServerAddress, tmp_path: Path) -> None:
    tool, low = installed(tmp_path / "lighthouse"), []
    with walked(server) as house:
        for path in PAGES:
            cookie = "" if path == "/signin" else f"{COOKIE}={house.cookie('owner')}"
            for form in ("mobile", "desktop"):
                found = scores(tool, tmp_path, house.address + path_of(house, path), cookie, form)
                print(f"{path:24} {form:8} {found}")
                low += [
                    f"{path} {form}: {name} {found[name]}"
                    for name in AT_LEAST
                    if found[name] < AT_LEAST[name]
                ]
    if low:
        pytest.fail("\n".join(low))
