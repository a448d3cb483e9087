"""`recoup report NOUN`: what a merchant's accountant reads."""

import click

from recoup.doors.command.report_balances import balances
from recoup.doors.command.report_certificate import certificate
from recoup.doors.command.report_reconciliation import reconciliation
from recoup.doors.command.report_settlement import settlement


@click.group()
def report() -> None:
    """Reports for a merchant's accounting."""


for noun in (settlement, reconciliation, balances, certificate):
    report.add_command(noun)
