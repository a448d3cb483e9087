"""The form of an application: its fields as texts, and the texts as a form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from recoup.doors.portal.form_shape import Names, Text
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import UNITS_MAX, to_text
from recoup.kernel.problem import Problem
from recoup.rules.merchants.form import KINDS, SITES_MAX, Form, SiteForm
from recoup.rules.money import typed_amounts

_TEXTS: Final = (
    "external_id", "legal_name", "trading_name", "country", "registration_number", "business_category",
    "contact_name", "contact_email", "contact_phone", "currency",
)  # fmt: skip
_SITE: Final = {"url": 512, "name": 128, "descriptor": 22, "support": 128}
_OF_SITE: Final = re.compile(rf"site_({'|'.join(_SITE)})_[0-9]{{1,2}}")


def _line(most: int) -> Text:
    return Text(most, strip=True, printable=True)


@dataclass(frozen=True, slots=True)
class ApplicationFields:
    """As they were typed. `monthly`, `average`: amounts in `currency`; `kind`: of orders; `sites`: the texts of each,
    under `site_`, the field and the site's number."""

    external_id: Annotated[str, _line(64)]
    legal_name: Annotated[str, _line(128)]
    trading_name: Annotated[str, _line(128)]
    country: Annotated[str, _line(2)]
    registration_number: Annotated[str, _line(64)]
    business_category: Annotated[str, _line(4)]
    contact_name: Annotated[str, _line(128)]
    contact_email: Annotated[str, _line(254)]
    contact_phone: Annotated[str, _line(32)]
    currency: Annotated[str, _line(3)]
    monthly: Annotated[str, Text(30, strip=True)]
    average: Annotated[str, Text(30, strip=True)]
    kind: tuple[str, ...]
    sites: Annotated[Mapping[str, str], Names(_OF_SITE.fullmatch), _line(max(_SITE.values()))]


def read_fields(fields: ApplicationFields) -> Form:
    """Raises: Problem(invalid) for an amount that is none; the flow checks everything else."""
    texts = {name: getattr(fields, name) for name in _TEXTS}
    texts["country"], texts["currency"] = texts["country"].upper(), texts["currency"].upper()
    sites = []
    for number in range(SITES_MAX):
        site = {name: fields.sites.get(f"site_{name}_{number}", "")[:most] for name, most in _SITE.items()}
        if any(site.values()):
            sites.append(SiteForm(**site))
    return Form(
        **texts,
        monthly_units=_units(fields.monthly, "monthly", texts["currency"]),
        average_units=_units(fields.average, "average", texts["currency"]),
        kinds=tuple(kind for kind in KINDS if kind in fields.kind),
        sites=tuple(sites),
    )


def shown_fields(form: Form) -> dict[str, Any]:
    """What stands in the page's fields; one empty site more than there are."""
    return {
        **{name: getattr(form, name) for name in _TEXTS},
        "kinds": form.kinds,
        "monthly": _amount(form.monthly_units, form.currency),
        "average": _amount(form.average_units, form.currency),
        "sites": [*form.sites, SiteForm()][:SITES_MAX],
    }


def _units(text: str, name: str, currency: str) -> int | None:
    if not text:
        return None
    if currency not in EXPONENTS:
        raise Problem("invalid", "An amount needs a currency like USD.", field="Volumes.Currency")
    units = typed_amounts.units(text, currency, name)
    if not 0 <= units <= UNITS_MAX:
        raise Problem("invalid", "The amount is too large or too small.", field=name)
    return units


def _amount(units: int | None, currency: str) -> str:
    return "" if units is None or currency not in EXPONENTS else to_text(units, EXPONENTS[currency])
