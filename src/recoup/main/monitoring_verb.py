"""`recoup monitoring alerts|dashboard`: what Prometheus and Grafana are given to watch an
installation."""

from pathlib import Path
from typing import Final

import click

from recoup.kit.cli.command import DataDir
from recoup.main.settings import load_settings
from recoup.merchants.cli import verb

FOLDER: Final = Path(__file__).with_name("monitoring")
ALERTS: Final = FOLDER / "alerts.yml"
DASHBOARD: Final = FOLDER / "dashboard.json"
DOCS: Final = (
    "http://127.0.0.1:8400/docs/monitoring#"  # in the file, in place of the installation's own
)


@click.group()
def monitoring() -> None:
    """Prints alert rules for Prometheus and a dashboard for Grafana; see docs/monitoring.md."""


@verb(monitoring)
def alerts(*, data_dir: DataDir = None) -> str:
    """Prints the alert rules. Each links to what to do, in the documentation that this installation
    serves."""
    url = load_settings(data_dir=data_dir).url
    return _read(ALERTS).replace(DOCS, f"{url}/docs/monitoring#")


@verb(monitoring)
def dashboard() -> str:
    """Prints the dashboard, to be imported into Grafana."""
    return _read(DASHBOARD)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8").removesuffix("\n")
