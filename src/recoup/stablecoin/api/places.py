"""Places where features add to the stablecoin API."""

from typing import Final

from recoup.kernel.feature import Place

PAYING: Final = Place[str]("paying")  # the module of a `PAYING`, see `paying.py`
