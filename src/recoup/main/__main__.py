"""`python -m recoup.main`."""

from recoup.main.cli import run

run()
