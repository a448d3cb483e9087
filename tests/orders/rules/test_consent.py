"""What a charge says of its customer's consent, whatever is known of it."""

from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from recoup.networks.exemptions import Exemption
from recoup.orders.rules.consent import SEQUENCE_MAX, KeptIds, consent_of

IDS = st.none() | st.text("0123456789", min_size=1, max_size=15)
KEPT = st.builds(KeptIds, st.integers(0, 500), IDS, IDS)
NUMBERS = st.none() | st.text(max_size=8) | st.integers(-5, 10**7).map(str) | st.integers()
FACTS = st.fixed_dictionaries(
    {}, optional={
        "network_transaction_id": IDS, "agreement": st.just("recurring"),
        "subscription": st.none() | st.fixed_dictionaries({}, optional={"paymentNumber": NUMBERS}),
    },
)  # fmt: skip
YES = st.booleans()


@given(FACTS, KEPT, YES, YES)
def test_a_charge_by_the_merchant_is_never_the_first(
    facts: dict[str, Any], kept: KeptIds, by_phone: bool, is_replaced: bool
) -> None:
    said = consent_of(facts, kept, by_customer=False, by_phone=by_phone, is_replaced=is_replaced)
    assert said.sequence is not None
    assert 2 <= said.sequence <= max(SEQUENCE_MAX, kept.approvals + 1)
    assert said.exemption in (None, "mit")
    assert (said.exemption is None) == (said.first_network_id is None and "agreement" not in facts)


@given(FACTS, KEPT, YES, YES)
def test_a_customer_starts_an_agreement_once(
    facts: dict[str, Any], kept: KeptIds, by_phone: bool, is_replaced: bool
) -> None:
    said = consent_of(facts, kept, by_customer=True, by_phone=by_phone, is_replaced=is_replaced)
    assert (said.sequence == 1) == ("agreement" in facts and kept.approvals == 0)
    assert said.sequence in (None, 1)
    assert said.exemption == ("moto" if by_phone else None)


@given(FACTS, KEPT, YES, YES)
def test_what_the_merchant_says_of_this_payment_goes_first_unless_another_card_took_its_place(
    facts: dict[str, Any], kept: KeptIds, by_customer: bool, is_replaced: bool
) -> None:
    said = consent_of(facts, kept, by_customer=by_customer, by_phone=False, is_replaced=is_replaced)
    order = [None if is_replaced else facts.get("network_transaction_id"), kept.first_network_id]
    assert said.first_network_id == next(filter(None, order), None)
    assert said.latest_network_id == kept.latest_network_id


def test_the_number_of_a_payment_is_the_merchants_where_it_says_one() -> None:
    facts = {"subscription": {"paymentNumber": " 12 "}}
    said = consent_of(facts, KeptIds(3), by_customer=False, by_phone=False, is_replaced=False)
    assert said.sequence == 12


CLAIMED = st.sampled_from(get_args(Exemption))


@given(FACTS, KEPT, YES, YES, CLAIMED, YES, YES)
def test_what_the_risk_check_claims_is_said_of_a_customers_own_payment_that_nobody_authenticated(
    facts: dict[str, Any],
    kept: KeptIds,
    by_customer: bool,
    by_phone: bool,
    claimed: Exemption,
    known: bool,
    gone: bool,
) -> None:
    more = facts | ({"three_d_secure": {"ecommerceIndicator": "05"}} if known else {})
    said = consent_of(
        more, kept, by_customer=by_customer, by_phone=by_phone, is_replaced=gone, claimed=claimed
    )
    exempt = by_customer and not by_phone and (gone or not known) and said.sequence != 1
    assert (said.exemption == claimed) == exempt
