"""Application form: what it says of a business, and what of it must be there before anybody looks
at it. Pure.

A draft may be empty; what is in it is well formed. Personal data stands in the form only, never in
its log.
"""

import re
from dataclasses import field
from typing import Any, Final

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence
from recoup.keys.rules.site_address import check_site_address, host_of
from recoup.merchants.rules.countries import COUNTRIES
from recoup.networks.descriptor import check_descriptor
from recoup.orders.rules.notices import is_address

KINDS: Final[dict[str, str]] = {
    "cit_web": "Customers' payments on the website",
    "cit_callcenter": "Customers' payments by telephone",
    "mit": "Recurring payments",
}
DOCUMENTS: Final[dict[str, str]] = {
    "registration": "Extract from the commercial register, or other proof of the business",
    "identity": "Identity of an owner or director", "bank": "Bank statement or letter",
    "processing": "Statements of the current processor", "other": "Anything else",
}  # fmt: skip
DOCUMENTS_NEEDED: Final = ("registration",)
SITES_MAX: Final = 20
_CATEGORY: Final = re.compile(r"[0-9]{4}", re.ASCII)


@frozen
class SiteForm:
    url: str = ""
    name: str = ""
    descriptor: str = ""
    support: str = ""


@frozen
class Form:
    """Empty text and None: not said yet. `monthly_units`, `average_units`: minor units of
    `currency`."""

    external_id: str = ""
    legal_name: str = ""
    trading_name: str = ""
    country: str = ""
    registration_number: str = ""
    business_category: str = ""
    contact_name: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    currency: str = ""
    monthly_units: int | None = None
    average_units: int | None = None
    kinds: tuple[str, ...] = ()
    sites: tuple[SiteForm, ...] = field(default=())

    @property
    def merchant_name(self) -> str:
        return self.trading_name or self.legal_name


# Attribute of the form -> the wire's name of the field, for what must be there.
_NEEDED: Final = {
    "legal_name": "LegalName", "country": "Country", "registration_number": "RegistrationNumber",
    "business_category": "BusinessCategory", "contact_name": "Contact.Name",
    "contact_email": "Contact.Email",
    "currency": "Volumes.Currency", "monthly_units": "Volumes.MonthlyAmount", "kinds": "Kinds",
    "sites": "Sites",
}  # fmt: skip
_NEEDED_OF_SITE: Final = {"url": "Url", "name": "Name", "descriptor": "Descriptor"}


def missing(form: Form, documents: frozenset[str]) -> list[str]:
    """The names of all fields, and kinds of documents, that an application still lacks."""
    lacking = [
        name for attribute, name in _NEEDED.items() if getattr(form, attribute) in ("", None, ())
    ]
    for number, site in enumerate(form.sites):
        lacking += [
            f"Sites[{number}].{name}"
            for attribute, name in _NEEDED_OF_SITE.items()
            if not getattr(site, attribute)
        ]
    return lacking + [f"Documents.{kind}" for kind in DOCUMENTS_NEEDED if kind not in documents]


def complaints(form: Form) -> dict[str, list[str]]:
    """Field -> what is wrong with what it says. Nothing is wrong with what is not there."""
    wrong: dict[str, list[str]] = {}

    def complain(name: str, text: str) -> None:
        wrong.setdefault(name, []).append(text)

    if form.country and form.country not in COUNTRIES:
        complain("Country", "The field Country must be a code of ISO 3166 like US or DE.")
    if form.business_category and not _CATEGORY.fullmatch(form.business_category):
        complain(
            "BusinessCategory",
            "The field BusinessCategory must be a merchant category code of four digits.",
        )
    if form.contact_email and not is_address(form.contact_email):
        complain("Contact.Email", "The field Email is no e-mail address.")
    if form.currency and form.currency not in EXPONENTS:
        complain("Volumes.Currency", "The field Currency must be an ISO 4217 code like USD.")
    if form.currency == "" and (form.monthly_units is not None or form.average_units is not None):
        complain("Volumes.Currency", "The field Currency is needed beside an amount.")
    for kind in form.kinds:
        if kind not in KINDS:
            complain("Kinds", Sentence("The field Kinds takes {0}.", ", ".join(KINDS)))
            break
    if len(form.sites) > SITES_MAX:
        complain("Sites", Sentence("The field Sites may have at most {0} entries.", SITES_MAX))
    _sites(form.sites[:SITES_MAX], complain)
    return wrong


def _sites(sites: tuple[SiteForm, ...], complain: Any) -> None:
    hosts: set[str] = set()
    for number, site in enumerate(sites):
        at = f"Sites[{number}]"
        try:
            if site.url:
                check_site_address(site.url)
        except Problem as problem:
            complain(f"{at}.Url", problem.sentence())
        try:
            if site.descriptor:
                check_descriptor(site.descriptor)
        except Problem as problem:
            complain(f"{at}.Descriptor", problem.message)
        host = host_of(site.url) if site.url else None
        if host is not None and host in hosts:
            complain(f"{at}.Url", Sentence("Another site has the host {0}.", host))
        hosts |= {host} if host else set()
