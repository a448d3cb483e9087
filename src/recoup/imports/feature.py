"""Imports: what they add to places below them."""

from typing import Final

from recoup.imports.rules.attempt import IMPORTS_KEPT
from recoup.imports.store.imports import forget_imports
from recoup.kernel.feature import Feature
from recoup.kit.upkeep import AT_ONCE, FORGET

IMPORTS: Final = Feature(
    name="imports",
    adds=(FORGET(lambda db, wall: forget_imports(db, wall - IMPORTS_KEPT, AT_ONCE)),),
)
