"""`recoup up --demo` as `make run` calls it: three months with the engine and its comparison group,
and what pages lead with afterwards. And the models that come with Recoup, made again."""

import json
import re
import time
from pathlib import Path

from tests.docs.test_demo import mark, portal_of, recoup, up

from recoup.engine.learn import prior
from recoup.main.demo import demo
from recoup_lab.shop.prior import of_the_shop, trained

PLAYED_SECONDS = 1_800
READY_SECONDS = 120  # 60 on an idle machine


def test_the_demo_ends_with_money_that_the_engine_added(tmp_path: Path) -> None:
    data_dir, log = tmp_path / "data", tmp_path / "up.log"
    begun = time.monotonic()
    with up(data_dir, log, months=3):
        while mark(data_dir).get("done_seconds") is None:
            assert time.monotonic() - begun < READY_SECONDS, log.read_text()
            time.sleep(0.5)
        while mark(data_dir).get("state") != "done":
            assert time.monotonic() - begun < PLAYED_SECONDS, log.read_text()
            time.sleep(2)
        told = log.read_text()
        assert "Not as planned" not in told
        lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
        assert not [line for line in lines if line["level"] != "info"]
        assert recoup(data_dir, "verify").split()[-1] == "ok"
        with portal_of(data_dir, log) as portal:
            pages = {
                path: portal.get(path).text
                for path in ("/overview", "/uplift", "/engine", "/imports")
            }
            given = portal.get("/backtests").text
            made = re.search(r'href="(/backtests/[0-9a-f-]{36})"', given)
            assert made is not None, given
            pages["/backtests"] = portal.get(made[1]).text
    assert "Because of the engine" in pages["/overview"]
    low = re.search(r"Between ([+-][0-9.]+) and \+[0-9.]+\.", pages["/overview"])
    assert low is not None
    assert float(low[1]) > 0, "the interval is above nothing"
    assert "at every look" in pages["/uplift"]
    assert "approvals were expected" in pages["/engine"]
    assert "charges.csv" in pages["/imports"]
    assert "Not enough data" not in pages["/backtests"].partition("</section>")[0]


def test_the_models_are_those_that_their_script_makes() -> None:
    for module, make in ((prior, trained), (demo, of_the_shop)):
        kept = json.loads(Path(module.__file__).with_name(module.FILE).read_text())
        made = json.loads(make().to_json())
        assert kept.keys() == made.keys()
        assert _far(kept, made) == []


def _far(kept: object, made: object, at: str = "") -> list[str]:
    """Where they differ by more than another machine's last digits."""
    if isinstance(kept, dict) and isinstance(made, dict):
        assert kept.keys() == made.keys(), at
        return [one for key in kept for one in _far(kept[key], made[key], f"{at}.{key}")]
    if isinstance(kept, list) and isinstance(made, list):
        return [
            one
            for n, pair in enumerate(zip(kept, made, strict=True))
            for one in _far(*pair, f"{at}[{n}]")
        ]
    if isinstance(kept, float) and isinstance(made, int | float):
        return [] if abs(kept - made) < 1e-3 else [f"{at}: {kept} {made}"]
    return [] if kept == made else [f"{at}: {kept} {made}"]
