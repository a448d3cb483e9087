"""Form of what an account is connected by: of its key, of the secret that signs its notices, of its
account.

A key and a secret are examined here before anything is kept, and never repeated.
"""

import re
from typing import Final, Protocol

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence, invalid

PREFIX: Final = re.compile(
    r"[A-Za-z0-9]{4,40}(?:-[A-Za-z0-9]{1,80})*"
)  # a part of a host's name, and nothing else
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


@frozen
class Form:
    """`vendor`: its name. `placeholder`: how a key looks. `key`: a first group is the mode, `test`
    or `live`. `secret`: None where the key itself signs notices; `secrets_max` of them hold
    together. `account`: None where there is none to name; `account_changes`: what it names may
    grow. `bills`: its invoices can be rescued. `live_url`: its live address with `{prefix}`, where
    each account has its own. `guide`: the page of the docs. `order`: its place in lists."""

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
    live_url: str = ""
    prefix_cure: str = ""
    guide: str = "processors#connect-your-account"
    order: int = 100

    def live_address(self, prefix: str) -> str:
        """Raises: Problem(invalid) for what is no prefix of an account."""
        if not PREFIX.fullmatch(prefix):
            message = Sentence("A live account of {0} has an address of its own.", self.vendor)
            raise invalid(message, "prefix", self.prefix_cure)
        return self.live_url.format(prefix=prefix)

    def secret_of(self, given: str, key: str) -> str:
        """Returns the secret as it is kept: values that belong together, joined by commas."""
        return (
            key
            if self.secret is None
            else ",".join(_APART.split(given.strip()))
            if given.strip()
            else ""
        )

    def check(self, given: Given, *, test: bool) -> None:
        """All that a new connection needs. Raises: Problem(invalid)."""
        self._check_key(given.key, test=test)
        self._check_secret(given.notice_secret)
        self._check_billing(given.billing)
        if self.account is not None and not self.account.fullmatch(given.account):
            raise invalid("This names no merchant account.", "account", self.account_cure)

    def check_change(self, given: Given, account: str, *, test: bool) -> None:
        """Checks the given parts of a change to a connection. `account`: as it was. Raises:
        Problem(invalid)."""
        if given.key:
            self._check_key(given.key, test=test)
        if given.notice_secret:
            self._check_secret(given.notice_secret)
        self._check_billing(given.billing)
        if not given.account or given.account == account:
            return
        if self.account is None or not self.account_changes:
            raise invalid(
                "This connection stays with its account.",
                "account",
                "Connect the other account beside it.",
            )
        if not self.account.fullmatch(given.account):
            raise invalid("This names no merchant account.", "account", self.account_cure)

    def _check_key(self, key: str, *, test: bool) -> None:
        match = self.key.fullmatch(key)
        if match is None:
            raise invalid(
                Sentence("This is no key of {0} that can be connected.", self.vendor),
                "key",
                self.key_cure,
            )
        if match.groups() and (match[1] == "test") is not test:
            cure = "Use a test key." if test else "Use a live key."
            raise invalid("The key is of the other mode.", "key", cure)

    def _check_secret(self, text: str) -> None:
        several = text.split(",")
        fits = self.secret is None or all(self.secret.fullmatch(secret) for secret in several)
        if not fits or len(several) > self.secrets_max:
            raise invalid("This is no signing secret.", "secret", self.secret_cure)

    def _check_billing(self, billing: str | None) -> None:
        if billing not in (None, "off") and not self.bills:
            message = Sentence("Invoices of {0} are not taken over.", self.vendor)
            raise invalid(message, "billing", "Hand the payments over by the API or files.")


# Of an account whose kind no package adds any more: it is shown, and cannot be changed.
NOT_INSTALLED: Final = Form("", "", re.compile(r"(?!)"), "")
