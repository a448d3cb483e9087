"""Terms of a card route: the credential, currency, scheme, country and amount that it carries, by
the settings. Pure.

What a route cannot carry is never sent there; what no route carries is refused at the door. Nothing
named means any.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, Final, Literal

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.stored import Stored, plain

CARD: Final = "card"
MILLION: Final = 1_000_000
Why = Literal[
    "credential",
    "authentication",
    "currency",
    "scheme",
    "country",
    "too_small",
    "too_large",
    "inexact",
]
_ORDER: Final[tuple[Why, ...]] = (
    "credential", "authentication", "currency", "scheme", "country", "too_small", "too_large",
    "inexact",
)  # fmt: skip
Refuses = Literal["authentication", "currency", "inexact"]
Breaker = Literal["closed", "open", "trickle", "refused"]


@frozen
class RouteTerms(Stored):
    """Terms of a route. `acceptor`: by which its sends are counted, empty for the merchant's own.
    `cards`: whether it takes card numbers; `stored`: methods that its own processor stored. Amounts
    and `cost_fixed` are millionths of the charge's currency, `cost_share` millionths of an approved
    amount. `fraud_rate`: the acquirer's, millionths, by which exemptions are claimed.
    `shared_methods`: whether a merchant may charge a stored method that another one brought.
    `country`: the account's at its acquirer, empty for the merchant's."""

    name: str
    acceptor: str = ""
    cards: bool = True
    stored: bool = False
    countries: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    amount_min: int | None = None
    amount_max: int | None = None
    cost_share: int = 0
    cost_fixed: int = 0
    fraud_rate: int | None = None
    shared_methods: bool = False
    country: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns the terms as stored, without unset fields."""
        said = (field.name for field in fields(self) if getattr(self, field.name) != field.default)
        return {name: plain(getattr(self, name)) for name in said}


@frozen
class Carried:
    """Facts that decide whether a route can carry a charge. `credential`: "card", or the name of
    the route whose processor stored it. `scheme` and `country` (of the billing address) are empty
    where they are not known."""

    units: int
    currency: str
    scheme: str = ""
    country: str = ""
    credential: str = CARD

    @property
    def millionths(self) -> int:
        return self.units * MILLION // int(10 ** EXPONENTS.get(self.currency, 2))


def why_not(terms: RouteTerms, charge: Carried, refuses: Refuses | None = None) -> Why | None:
    """Reason the route cannot carry the charge, or None when it can. An unknown country is not one
    of those named. `refuses`: what its processor itself does not take: the currency, an amount that
    it would have to round, or that a customer confirms."""
    amount = charge.millionths
    reasons: dict[Why, bool] = {
        "credential": not terms.cards
        if charge.credential == CARD
        else not (terms.stored and charge.credential == terms.name),
        "authentication": refuses == "authentication",
        "currency": refuses == "currency"
        or bool(terms.currencies)
        and charge.currency not in terms.currencies,
        "scheme": bool(terms.schemes) and charge.scheme not in terms.schemes,
        "country": bool(terms.countries) and charge.country not in terms.countries,
        "too_small": terms.amount_min is not None and amount < terms.amount_min,
        "too_large": terms.amount_max is not None and amount > terms.amount_max,
        "inexact": refuses == "inexact",
    }
    return next((why for why in _ORDER if reasons[why]), None)


@frozen
class Candidate:
    """A route and how it stands. `approved` sends were approved where the engine expected
    `expected` millionths. `off`: somebody switched it off. `refuses`: what of this charge its
    processor does not take."""

    terms: RouteTerms
    approved: int = 0
    expected: int = 0
    breaker: Breaker = "closed"
    off: bool = False
    refuses: Refuses | None = None

    def to_dict(self) -> dict[str, Any]:
        stored = dict(plain(self)) | {"terms": self.terms.to_dict()}
        return (
            stored
            if self.refuses
            else {name: value for name, value in stored.items() if name != "refuses"}
        )

    def why_not(self, charge: Carried) -> Why | None:
        return why_not(self.terms, charge, self.refuses)


def check_carried(
    routes: Sequence[RouteTerms],
    charge: Carried,
    *,
    without: Iterable[Why] = (),
    refusals: Mapping[str, Refuses] = MappingProxyType({}),
) -> None:
    """Checks at the door that some route can carry the charge. `without`: what is not known there
    yet and not judged. `refusals`: by route what its processor does not take. A world without
    routes takes orders, which wait.

    Raises: Problem(invalid) when no route can carry the charge, naming what the route that came
    closest lacks.
    """
    skipped = frozenset(without)
    whys = [why_not(_freed(terms, skipped), charge, refusals.get(terms.name)) for terms in routes]
    if not whys or None in whys:
        return
    furthest = max((why for why in whys if why), key=_ORDER.index)
    near = [terms for terms, why in zip(routes, whys, strict=True) if why == furthest]
    raise _refusal(furthest, near, charge)


def takes_numbers(routes: Sequence[RouteTerms]) -> bool:
    """True when card numbers are of any use here, or while no route is known. Where every route
    takes stored methods only, none is let in, and nothing is ever sealed in a vault."""
    return not routes or any(terms.cards for terms in routes)


def check_takes_numbers(routes: Sequence[RouteTerms], field: str, *, vault: bool = True) -> None:
    """`vault`: whether numbers could be kept. Raises: Problem(invalid)."""
    if not vault or not takes_numbers(routes):
        message = "Card numbers are not taken here: every card processor keeps the cards itself."
        raise invalid(
            message, field, "Send paymentMethod with processor and id, as the processor stored it."
        )


def without_vault(terms: RouteTerms) -> RouteTerms:
    """The terms where no card number can be kept. Raises: Problem(invalid) for a route that takes
    nothing else."""
    if terms.cards and not terms.stored:
        message = (
            f"The route {terms.name} takes card numbers, and the key file has no keys of a vault."
        )
        cure = (
            "Remove the route from the settings, or restore the key file that has the keys "
            "card and print."
        )
        raise invalid(message, "routes", cure)
    return replace(terms, cards=False)


def needs(routes: Iterable[RouteTerms], what: Literal["schemes", "countries"]) -> bool:
    return any(getattr(terms, what) for terms in routes)


def _freed(terms: RouteTerms, skipped: frozenset[str]) -> RouteTerms:
    """The terms that forget what is not judged."""
    if not skipped:
        return terms
    schemes = () if "scheme" in skipped else terms.schemes
    return replace(
        terms, schemes=schemes, countries=() if "country" in skipped else terms.countries
    )


def _refusal(why: Why, near: Sequence[RouteTerms], charge: Carried) -> Problem:
    if why == "credential":
        message = "No card processor here takes card numbers."
        return invalid(message, "PaymentMethod.CardNumber", "Send a method that one has stored.")
    if why == "currency":
        message = Sentence("No card processor here takes {0}.", charge.currency)
        listed = _listed(near, "currencies")
        cure = (
            Sentence("Send it in one of {0}.", listed) if listed else "Send it in another currency."
        )
        return invalid(message, "Transaction.Currency", cure)
    if why == "scheme":
        scheme = charge.scheme or "unknown"
        message = Sentence("No card processor here takes {0} cards for this payment.", scheme)
        return invalid(
            message,
            "PaymentMethod.CardNumber",
            Sentence("Send a card of {0}.", _listed(near, "schemes")),
        )
    if why == "country":
        country = charge.country or "an unknown country"
        message = Sentence("No card processor here takes payments from {0}.", country)
        cure = Sentence(
            "Send one of these country codes, if it is the payer's: {0}.",
            _listed(near, "countries"),
        )
        return invalid(message, "BillingInformation.CountryCode", cure)
    if why == "inexact":
        amount = _amount(charge.millionths)
        message = Sentence(
            "Every card processor here would have to round {0} {1}.", amount, charge.currency
        )
        cure = (
            "Send an amount without the smallest unit: a multiple of ten of them, or a whole one."
        )
        return invalid(message, "Transaction.Amount", cure)
    return _out_of_bounds(why, near, charge.currency)


def _out_of_bounds(why: Why, near: Sequence[RouteTerms], currency: str) -> Problem:
    if why == "too_small":
        least = min(terms.amount_min or 0 for terms in near)
        message = Sentence(
            "No card processor here takes less than {0} {1}.", _amount(least), currency
        )
        return invalid(message, "Transaction.Amount", "Send a larger amount.")
    most = max(terms.amount_max or 0 for terms in near)
    message = Sentence("No card processor here takes more than {0} {1}.", _amount(most), currency)
    return invalid(message, "Transaction.Amount", "Send a smaller amount.")


def _listed(near: Iterable[RouteTerms], what: str) -> str:
    return ", ".join(sorted({value for terms in near for value in getattr(terms, what)}))


def _amount(millionths: int) -> str:
    whole, rest = divmod(millionths, MILLION)
    decimals = f"{rest:06}".rstrip("0")
    return f"{whole}.{decimals:<02}" if decimals else str(whole)
