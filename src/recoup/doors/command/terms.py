"""`recoup terms NOUN`: what a merchant's contract says. Without options it is shown; with them it is changed."""

import click

from recoup.doors.command.terms_cards import cards
from recoup.doors.command.terms_disputes import disputes
from recoup.doors.command.terms_exposure import exposure
from recoup.doors.command.terms_fees import fees
from recoup.doors.command.terms_notices import notices
from recoup.doors.command.terms_parts import parts
from recoup.doors.command.terms_settlement import settlement


@click.group()
def terms() -> None:
    """Shows and changes the terms of a merchant's contract."""


for noun in (fees, exposure, disputes, settlement, notices, cards, parts):
    terms.add_command(noun)
