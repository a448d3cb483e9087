"""`recoup monitoring alerts|dashboard`: what Prometheus and Grafana are given to watch an
installation."""

from pathlib import Path
from typing import Final

import click

from recoup.main.settings import load_settings
from recoup.merchants.cli import data_dir_option

FOLDER: Final = Path(__file__).with_name("monitoring")
ALERTS: Final = FOLDER / "alerts.yml"
DASHBOARD: Final = FOLDER / "dashboard.json"
DOCS: Final = (
    "http://127.0.0.1:8400/docs/monitoring#"  # in the file, in place of the installation's own
)


def add(cli: click.Group) -> None:
    @cli.group()
    def monitoring() -> None:
        """Prints alert rules for Prometheus and a dashboard for Grafana; see docs/monitoring.md."""

    @monitoring.command()
    @data_dir_option
    def alerts(data_dir: Path | None) -> None:
        """Prints the alert rules. Each links to what to do, in the documentation that this installation serves."""
        url = load_settings(data_dir=data_dir).url
        click.echo(
            ALERTS.read_text(encoding="utf-8").replace(DOCS, f"{url}/docs/monitoring#"), nl=False
        )

    @monitoring.command()
    def dashboard() -> None:
        """Prints the dashboard, to be imported into Grafana."""
        click.echo(DASHBOARD.read_text(encoding="utf-8"), nl=False)
