"""What imports add to rooms below."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.upkeep import AT_ONCE, FORGET
from recoup.rules.imports.attempt import IMPORTS_KEPT
from recoup.store.insight.imported import forget_imports

IMPORTS: Final = Feature(
    name="imports",
    adds=(FORGET(lambda db, wall: forget_imports(db, wall - IMPORTS_KEPT, AT_ONCE)),),
)
