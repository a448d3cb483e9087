"""Alert rules and the dashboard: they ask for metrics that exist, and each alert has its paragraph
of cure."""

import json
import re
from pathlib import Path

from click.testing import CliRunner

from recoup.docs.guides import read_guides
from recoup.main import metrics
from recoup.main.cli import cli
from recoup.main.metrics import EVERY
from recoup.main.monitoring_verb import ALERTS, DASHBOARD

NAME = re.compile(r"\brecoup_[a-z_]+[a-z]")
GUIDE = Path(__file__).parents[2] / "docs/monitoring.md"


def names_told() -> set[str]:
    """Of the series of /metrics."""
    told = {
        f"{one.name}_{end}" for one in EVERY if one.buckets for end in ("bucket", "sum", "count")
    }
    told |= {f"{one.name}_total" for one in EVERY if not one.buckets}
    return told | gauges()


def gauges() -> set[str]:
    return set(re.findall(r'"(recoup_[a-z_]+)"', Path(metrics.__file__).read_text())) - {
        one.name for one in EVERY
    }


def names_asked(text: str) -> set[str]:
    return set(NAME.findall(text))


def test_rules_and_dashboard_ask_for_metrics_that_exist() -> None:
    board = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert all(map(names_asked, queries))
    rules = re.findall(r"^        expr: (.*)", ALERTS.read_text(), re.M)
    asked = names_asked(" ".join(queries + rules))
    assert asked - names_told() == set()


def test_the_guide_names_every_metric() -> None:
    families = {one.name + ("" if one.buckets else "_total") for one in EVERY}
    families |= gauges()
    assert names_asked(re.sub("###.*", "", GUIDE.read_text())) == families


def test_each_alert_has_its_paragraph() -> None:
    page = read_guides()["monitoring"].page
    written = {one.anchor: one.text for one in page.sections}
    told = (
        CliRunner()
        .invoke(cli, ["monitoring", "alerts"], env={"RECOUP_PUBLIC_URL": "https://pay.example"})
        .output
    )
    alerts = re.findall(r"- alert: (\w+)", told)
    assert len(alerts) == len(set(alerts)) > 0
    assert re.findall(r"runbook_url: (.*)", told) == [
        f"https://pay.example/docs/monitoring#{name.lower()}" for name in alerts
    ]
    short = [name for name in alerts if len(written.get(name.lower(), "")) < 40]  # noqa: PLR2004
    assert not short
    assert {one for one in written if one.startswith("recoup")} == {name.lower() for name in alerts}
