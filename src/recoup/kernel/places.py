"""Places where features add to how Recoup starts."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from recoup.kernel.feature import Place

# Tables of the settings file, by name, each read and taken into use.
SETTING: Final = Place[Mapping[str, Callable[[object], tuple[Any, ...]]]]("setting")
TRIAL: Final = Place[str]("trial")  # the module with `Trial`, which `recoup up --chain` runs
