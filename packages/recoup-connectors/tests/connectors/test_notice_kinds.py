"""Each kind of notice that a vendor publishes is about something, or says why not; what the
vendor's own list does not have stays unknown."""

import inspect
import re
import warnings
from importlib import import_module

from recoup.processors.gateways.notice_kinds import Row, meaning_of
from recoup_connectors.adyen.events import EVENTS, TOKENS
from recoup_connectors.braintree import account as braintree_account
from recoup_connectors.braintree import disputes as braintree_disputes
from recoup_connectors.nmi import account as nmi_account
from recoup_connectors.stripe import api as stripe_api
from recoup_connectors.stripe import connector as stripe_connector
from recoup_lab.processors.adyen import published as adyen
from recoup_lab.processors.nmi import published as nmi

with warnings.catch_warnings(action="ignore"):  # the library's own
    import braintree


def words_of(module: str, member: str) -> set[str]:
    """The words of a member of one of Stripe's own types."""
    source = inspect.getsource(import_module(module))
    listed = re.findall(rf"^    {member}: (?:Union\[\s*)?Literal\[(.*?)\]", source, re.S | re.M)
    return set(re.findall(r'"([^"]+)"', listed[-1]))


def constants(of: type) -> set[str]:
    return {value for name, value in vars(of).items() if not name.startswith("_")}


def test_each_kind_that_a_vendor_publishes_has_its_row() -> None:
    assert set(EVENTS) == adyen.events()
    assert set(TOKENS) == adyen.token_events()
    published: dict[str, tuple[tuple[Row, ...], set[str] | frozenset[str], int]] = {
        "stripe": (stripe_api.KINDS, words_of("stripe._event", "type"), 275),
        "braintree": (braintree_account.KINDS, constants(braintree.WebhookNotification.Kind), 41),
        "nmi": (nmi_account.KINDS, nmi.events(), 38),
    }
    for vendor, (rows, kinds, number) in published.items():
        assert (vendor, len(kinds)) == (vendor, number)
        found = {kind: meaning_of(rows, kind) for kind in kinds}
        assert {
            kind for kind, one in found.items() if (one.subject is None) is not bool(one.because)
        } == set(), vendor
        used = set(found.values())
        assert [one.begin for one in rows if one not in used] == [], vendor
        assert meaning_of(rows, "brand.new") == Row("")
    for one in (*EVENTS.values(), *TOKENS.values()):
        assert (one.subject is None) is bool(one.because)


def test_each_state_of_a_dispute_is_read() -> None:
    assert set(stripe_connector.STANDINGS) | {"prevented"} == words_of("stripe._dispute", "status")
    assert {one.lower() for one in braintree_disputes.STANDINGS} == constants(
        braintree.Dispute.Status
    )
    for disputed in ("DISPUTED", "UNDER_REVIEW"):
        assert braintree_disputes.STANDINGS[disputed] == "answered", "no deadline runs any more"
