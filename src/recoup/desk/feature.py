"""The portal's pages over many subjects: what they add to places below them."""

from typing import Final

from recoup.desk.flows.exports import forget_files
from recoup.kernel.feature import Feature
from recoup.kit.upkeep import TIDY

DESK: Final = Feature(name="desk", adds=(TIDY(forget_files),))
