"""What the portal's pages over many rooms add to rooms below."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.lists.folder import forget_files
from recoup.flows.upkeep import TIDY

DESK: Final = Feature(name="desk", adds=(TIDY(forget_files),))
