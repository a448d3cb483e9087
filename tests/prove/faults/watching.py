"""What an operator's Prometheus would say of an installation: two scrapes go on for two hours as
they did, and the rules are evaluated by promtool."""

import json
import math
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from recoup.main.monitoring_verb import ALERTS

MINUTES = 120
GROWS = re.compile(r"_(total|bucket|sum|count)$")
Samples = dict[str, float]


@dataclass
class Scrape:
    """`samples`: None where nothing answers."""

    at: float
    samples: Samples | None


def scrape(url: str) -> Scrape:
    try:
        with urlopen(f"{url}/metrics", timeout=30) as answer:
            text = answer.read().decode()
    except (URLError, OSError):
        return Scrape(time.monotonic(), None)
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            samples[f"{sample.name}{{{labels}}}"] = sample.value
    return Scrape(time.monotonic(), samples)


def fired(folder: Path, before: Scrape, after: Scrape) -> set[str]:
    """The alerts that fire when it stays as it is `after`, and counters go on as they did since
    `before`."""
    is_up = after.samples is not None
    series = [('up{job="recoup",instance="here"}', f"{int(is_up)}+0x{MINUTES}")]
    minutes = max(after.at - before.at, 1.0) / 60
    for name, value in (after.samples or {}).items():
        start = value if math.isfinite(value) else 1e9
        step = 0.0
        if GROWS.search(name.partition("{")[0]):
            step = max(0.0, start - (before.samples or {}).get(name, 0.0)) / minutes
        series.append((name, f"{start:.6f}+{step:.6f}x{MINUTES}"))
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series],
        "promql_expr_test": [
            {
                "expr": 'group by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{MINUTES - 1}m",
                "exp_samples": [],
            }
        ],
    }
    file = folder / "rules_test.yml"
    file.write_text(
        json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": [test]})
    )
    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    found = set(re.findall(r'alertname="(\w+)"', done.stdout + done.stderr))
    assert found or done.returncode == 0, done.stdout + done.stderr
    return found
