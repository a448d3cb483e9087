"""The form of an application: its fields as texts, and the texts as a form."""

from typing import Any, Final

from recoup.doors.portal.forms import Form as Posted
from recoup.doors.portal.forms import first
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import to_text
from recoup.kernel.problem import Problem
from recoup.rules.merchants.form import KINDS, SITES_MAX, Form, SiteForm
from recoup.rules.money import typed_amounts

_TEXTS: Final = {
    "external_id": 64, "legal_name": 128, "trading_name": 128, "country": 2, "registration_number": 64,
    "business_category": 4, "contact_name": 128, "contact_email": 254, "contact_phone": 32, "currency": 3,
}  # fmt: skip
_SITE: Final = {"url": 512, "name": 128, "descriptor": 22, "support": 128}


def read_fields(posted: Posted) -> Form:
    """Raises: Problem(invalid) for an amount that is none; the flow checks everything else."""
    texts = {name: _text(first(posted, name), most) for name, most in _TEXTS.items()}
    texts["country"], texts["currency"] = texts["country"].upper(), texts["currency"].upper()
    sites = []
    for number in range(SITES_MAX):
        site = {name: _text(first(posted, f"site_{name}_{number}"), most) for name, most in _SITE.items()}
        if any(site.values()):
            sites.append(SiteForm(**site))
    kinds = tuple(kind for kind in KINDS if kind in posted.get("kind", []))
    return Form(
        **texts,
        monthly_units=_units(posted, "monthly", texts["currency"]),
        average_units=_units(posted, "average", texts["currency"]),
        kinds=kinds,
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


def _text(text: str, most: int) -> str:
    return "".join(c for c in text if c.isprintable()).strip()[:most]


def _units(posted: Posted, name: str, currency: str) -> int | None:
    text = first(posted, name).strip()[:30]
    if not text:
        return None
    if currency not in EXPONENTS:
        raise Problem("invalid", "An amount needs a currency like USD.", field="Volumes.Currency")
    units = typed_amounts.units(text, currency, name)
    if not 0 <= units <= 10**12:
        raise Problem("invalid", "The amount is too large or too small.", field=name)
    return units


def _amount(units: int | None, currency: str) -> str:
    return "" if units is None or currency not in EXPONENTS else to_text(units, EXPONENTS[currency])
