"""What each kind of account is connected by: the form of its key, of the secret that signs its notices, of its account.

A key and a secret are examined here before anything is kept, and never repeated.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from recoup.gateways.cards.kinds import Kind
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence

PREFIX: Final = re.compile(r"[A-Za-z0-9]{4,40}(?:-[A-Za-z0-9]{1,80})*")  # a part of a host's name, and nothing else
_APART: Final = re.compile(r"[\s,]+")


class Given(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def notice_secret(self) -> str: ...
    @property
    def billing(self) -> str | None: ...
    @property
    def account(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Form:
    """`vendor`: its name. `placeholder`: how a key looks. `key`: a first group is the mode, `test` or `live`. `secret`:
    None where the key itself signs notices; `secrets_max` of them hold together. `account`: None where there is none to
    name; `account_changes`: what it names may grow. `bills`: its invoices can be rescued. `has_prefix`: its live
    address is the account's own."""

    vendor: str
    placeholder: str
    key: re.Pattern[str]
    key_cure: str
    secret: re.Pattern[str] | None = None
    secret_cure: str = ""
    secrets_max: int = 1
    account: re.Pattern[str] | None = None
    account_cure: str = ""
    account_changes: bool = False
    bills: bool = False
    has_prefix: bool = False

    def secret_of(self, given: str, key: str) -> str:
        """As it is kept: those that hold together joined by commas."""
        return key if self.secret is None else ",".join(_APART.split(given.strip())) if given.strip() else ""

    def check(self, given: Given, *, test: bool) -> None:
        """All that a new connection needs. Raises: Problem(invalid)."""
        self._check_key(given.key, test=test)
        self._check_secret(given.notice_secret)
        self._check_billing(given.billing)
        if self.account is not None and not self.account.fullmatch(given.account):
            raise Problem("invalid", "This names no merchant account.", field="account", cure=self.account_cure)

    def check_change(self, given: Given, account: str, *, test: bool) -> None:
        """What is given. `account` as it was. Raises: Problem(invalid)."""
        if given.key:
            self._check_key(given.key, test=test)
        if given.notice_secret:
            self._check_secret(given.notice_secret)
        self._check_billing(given.billing)
        if not given.account or given.account == account:
            return
        if self.account is None or not self.account_changes:
            message = "This connection stays with its account."
            raise Problem("invalid", message, field="account", cure="Connect the other account beside it.")
        if not self.account.fullmatch(given.account):
            raise Problem("invalid", "This names no merchant account.", field="account", cure=self.account_cure)

    def _check_key(self, key: str, *, test: bool) -> None:
        found = self.key.fullmatch(key)
        if found is None:
            message = Sentence("This is no key of {0} that can be connected.", self.vendor)
            raise Problem("invalid", message, field="key", cure=self.key_cure)
        if found.groups() and (found[1] == "test") is not test:
            cure = "Use a test key." if test else "Use a live key."
            raise Problem("invalid", "The key is of the other mode.", field="key", cure=cure)

    def _check_secret(self, text: str) -> None:
        several = text.split(",")
        fits = self.secret is None or all(self.secret.fullmatch(one) for one in several)
        if not fits or len(several) > self.secrets_max:
            raise Problem("invalid", "This is no signing secret.", field="secret", cure=self.secret_cure)

    def _check_billing(self, billing: str | None) -> None:
        if billing not in (None, "off") and not self.bills:
            message = Sentence("Invoices of {0} are not taken over.", self.vendor)
            raise Problem("invalid", message, field="billing", cure="Hand the payments over by the API or files.")


FORMS: Final[Mapping[str, Form]] = {
    "stripe": Form(
        "Stripe",
        "rk_live_…",
        re.compile(r"rk_(live|test)_[A-Za-z0-9_]{4,240}"),
        Sentence("Make a restricted key in Stripe; it begins with rk_."),
        re.compile(r"whsec_[A-Za-z0-9+/=_-]{4,240}"),
        Sentence("Copy the signing secret of the webhook endpoint in Stripe; it begins with whsec_."),
        bills=True,
    ),
    "adyen": Form(
        "Adyen",
        "AQE…",
        re.compile(r"[!-~]{16,512}"),
        Sentence("Copy the API key of an API credential in Adyen; it begins with AQE."),
        re.compile(r"[0-9A-Fa-f]{64}"),
        Sentence("Copy the HMAC key of each webhook in Adyen, 64 hexadecimal digits; two with a space between them."),
        secrets_max=2,
        account=re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}"),
        account_cure=Sentence("Write the name of your merchant account, as Adyen's Customer Area shows it."),
        has_prefix=True,
    ),
    "braintree": Form(
        "Braintree",
        "public:private",
        re.compile(r"[A-Za-z0-9]{8,80}:[A-Za-z0-9]{8,80}"),
        Sentence("Write the public and the private key with a colon between them."),
        account=re.compile(r"[A-Z]{3}=[A-Za-z0-9_-]{1,80}(?: [A-Z]{3}=[A-Za-z0-9_-]{1,80})*"),
        account_cure=Sentence("Write the merchant account of each currency: EUR=acme-eur USD=acme-usd."),
        account_changes=True,
    ),
    "nmi": Form(
        "NMI",
        "",
        re.compile(r"[A-Za-z0-9-]{16,128}"),
        Sentence("Make a security key in NMI with the permissions API and Query."),
        re.compile(r"[!-+\--~]{8,240}"),
        Sentence("Copy the signing key of the webhook in NMI."),
    ),
}  # fmt: skip


def form_of(kind: str) -> Form:
    """Raises: Problem(invalid)."""
    form = FORMS.get(kind)
    if form is None:
        message = "There is no such kind of processor to connect."
        raise Problem("invalid", message, field="kind", cure=Sentence("One of {0}.", ", ".join(FORMS)))
    return form


def address_of(kind: Kind, prefix: str, *, test: bool) -> str:
    """The vendor's, of that mode; in live Adyen's with the account's own prefix. Raises: Problem(invalid)."""
    usual = kind.sandbox_url if test and kind.sandbox_url else kind.url
    if usual:
        return usual
    if not PREFIX.fullmatch(prefix):
        message = "A live account of Adyen has an address of its own."
        cure = "Copy the live URL prefix from Adyen's Customer Area: Developers, API URLs."
        raise Problem("invalid", message, field="prefix", cure=cure)
    return f"https://{prefix}-checkout-live.adyenpayments.com"
