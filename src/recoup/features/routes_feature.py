"""What routes add to rooms below."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.merchants.connect import erase_ended
from recoup.flows.upkeep import TIDY

ROUTES: Final = Feature(name="routes", adds=(TIDY(erase_ended),))
