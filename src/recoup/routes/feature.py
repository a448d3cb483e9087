"""What routes add to rooms below."""

from typing import Final

from recoup.kernel.feature import Feature
from recoup.kit.upkeep import TIDY
from recoup.routes.flows.connect import erase_ended

ROUTES: Final = Feature(name="routes", adds=(TIDY(erase_ended),))
