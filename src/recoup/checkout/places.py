"""Places on the hosted pages that features may add to."""

from typing import Final

from recoup.kernel.feature import Place

PAY_PAGE: Final = Place[str](
    "pay_page"
)  # the module of a `pay_page(visit, order)`: None where it is not its channel's
