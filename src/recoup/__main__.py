"""`python -m recoup`."""

from recoup.main.cli import run

run()
