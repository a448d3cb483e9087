"""A processor says in its own words alone that a card is lost, stolen or closed, or its agreement
revoked: for 30 days of the clock nothing is sent to that card again, neither for this order nor for
another one."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

import pytest
from connectors.test_adyen_story import OfAdyen
from connectors.test_braintree_story import OfBraintree
from connectors.test_nmi_story import OfNmi
from connectors.test_stripe_billing import Ground, story
from connectors.test_stripe_story import OfStripe
from tests.worlds import change_world, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.processors.gateways.credential import Stored
from recoup_lab.processors.adyen import account as adyen
from recoup_lab.processors.adyen.cards import Card
from recoup_lab.processors.braintree import account as braintree
from recoup_lab.processors.braintree.cards import Answer as OfBraintreeCard
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.nmi import account as nmi
from recoup_lab.processors.nmi.cards import Answer as OfNmiCard
from recoup_lab.processors.stripe import account as stripe
from recoup_lab.processors.stripe.cards import Answer as OfStripeCard


class Told(NamedTuple):
    """How a vendor is told to answer. `store`: a stored method that answers so."""

    vendor: type[Any]
    module: ModuleType
    final: dict[str, Any]
    soft: Any
    store: Callable[[Any, str], Stored]


def _stripe(decline: str, own: str | None = None) -> OfStripeCard:
    return OfStripeCard(decline=decline, own=own)


def _adyen(code: str, text: str) -> Card:
    return Card("visa", "Refused", (code, text))


def _braintree(code: str, text: str, decline: str = "HARD") -> OfBraintreeCard:
    return OfBraintreeCard(code=code, text=text, decline=decline)


def _at_stripe(vendor: OfStripe, name: str) -> Stored:
    made = vendor.standin.account.attach(f"pm_card_{name}", {"customer": vendor._customer})
    return Stored("stripe", made["id"], vendor._customer, "visa")


def _at_braintree(vendor: OfBraintree, name: str) -> Stored:
    made = vendor.standin.account.make_method(name, "customer")
    return Stored("braintree", made["id"], "customer", "visa")


TOLD = {
    "stripe": Told(
        OfStripe,
        stripe,
        {
            "lost": _stripe("lost_card"),
            "stolen": _stripe("stolen_card"),
            "revoked": _stripe("revocation_of_authorization"),
            "stopped": _stripe("stop_payment_order"),
            "closed": _stripe("invalid_account"),
        },
        _stripe("insufficient_funds", "try_again_later"),
        _at_stripe,
    ),
    "adyen": Told(
        OfAdyen,
        adyen,
        {
            "blocked": _adyen("5", "Blocked Card"),
            "revoked": _adyen("26", "Revocation Of Auth"),
            "token revoked": _adyen("50", "Token Revoked"),
        },
        _adyen("12", "Not enough balance"),
        lambda vendor, name: Stored(
            "adyen", vendor.standin.account.store(name)["id"], "shopper-1", "visa"
        ),
    ),
    "braintree": Told(
        OfBraintree,
        braintree,
        {
            "lost": _braintree("2012", "Processor Declined - Possible Lost Card"),
            "stolen": _braintree("2013", "Processor Declined - Possible Stolen Card"),
            "revoked": _braintree("2017", "Cardholder Stopped Billing"),
            "stopped": _braintree("2018", "Cardholder Stopped All Billing"),
            "closed": _braintree("2108", "Closed Card"),
        },
        _braintree("2001", "Insufficient Funds", "SOFT"),
        _at_braintree,
    ),
    "nmi": Told(
        OfNmi,
        nmi,
        {
            "lost": OfNmiCard("visa", "2", "251", "Lost card"),
            "stolen": OfNmiCard("visa", "2", "252", "Stolen card"),
            "revoked": OfNmiCard("visa", "2", "262", "Declined - Stop this recurring program"),
            "closed, in words alone": OfNmiCard("visa", "2", "200", "DECLINE: ACCOUNT CLOSED"),
        },
        OfNmiCard("visa", "2", "202", "Insufficient funds"),
        lambda vendor, name: Stored(
            "nmi", vendor.standin.account.make_vault(name)["id"], None, "visa"
        ),
    ),
}
ATTEMPTS = (
    "SELECT count(*) FROM attempts WHERE order_id = ANY ($1) AND sent_at IS NOT NULL AND "
    "state <> 'not_sent'"
)


@pytest.mark.parametrize("name", list(TOLD))
def test_no_further_charge_for_30_days(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    told = TOLD[name]
    answers = {f"told{at}": answer for at, answer in enumerate([*told.final.values(), told.soft])}
    monkeypatch.setattr(told.module, "CARDS", MappingProxyType({**told.module.CARDS, **answers}))

    async def story() -> None:
        vendor = told.vendor()
        await vendor.start(tmp_path, Faults(1))
        connector = vendor.connector()
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            own = dict(made[0].processors)
            change_world(made[0], processors={name: connector})
            methods = {
                kind: told.store(vendor, said)
                for kind, said in zip([*told.final, "soft"], answers, strict=True)
            }
            first = {
                kind: await shop.admit(pan=None, method=method) for kind, method in methods.items()
            }
            await shop.advance(timedelta(days=14))
            later = {
                kind: await shop.admit(pan=None, method=method) for kind, method in methods.items()
            }
            await shop.advance(timedelta(days=14))
            sent = {kind: await shop.value(ATTEMPTS, [first[kind]]) for kind in methods}
            again = {kind: await shop.value(ATTEMPTS, [later[kind]]) for kind in methods}
            assert sent.pop("soft") > 1, "the clock does lead to further attempts"
            assert again.pop("soft") >= 1
            assert sent == dict.fromkeys(told.final, 1)
            # A stopped payment is that payment alone: the next of its agreement is made.
            assert again == {
                kind: int(told.module is stripe and kind == "stopped") for kind in told.final
            }
            assert (found := await verify(shop.world)).difference is None, found.difference
            change_world(made[0], processors=own)
        await connector.close()
        await vendor.standin.stop()

    asyncio.run(story())


@pytest.mark.parametrize(
    "said", [_stripe("lost_card"), _stripe("generic_decline", "do_not_try_again")]
)
def test_an_invoice_whose_own_try_was_answered_so(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: OfStripeCard
) -> None:
    monkeypatch.setattr(stripe, "CARDS", MappingProxyType({**stripe.CARDS, "told": said}))

    async def tell(ground: Ground) -> None:
        ground.invoice("told")
        await ground.hear()
        await ground.days(14, step=timedelta(days=1))
        assert await ground.stage() == "declined"
        assert (
            await ground.shop.value("SELECT count(*) FROM attempts WHERE sent_at IS NOT NULL") == 0
        )

    story(server, tmp_path, tell)
