"""Which site an order is for, and which campaign there."""

from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.rescue.rules.origin import Named, check_key, origin_of


class Site(NamedTuple):
    site_id: UUID
    url: str
    name: str
    descriptor: str
    is_default: bool = False
    retired_at: Any = None


class Campaign(NamedTuple):
    campaign_id: UUID
    site_id: UUID
    key: str


LEAF = Site(uuid4(), "https://leaf.example", "Leaf", "LEAF*TEA", is_default=True)
MUGS = Site(uuid4(), "https://www.mugs.example/shop", "Mugs", "MUGS*CLUB")
GONE = Site(uuid4(), "https://gone.example", "Gone", "GONE*SHOP", retired_at="then")
SITES = (LEAF, MUGS, GONE)
SPRING, SUMMER, BOTH_A, BOTH_B = (
    Campaign(uuid4(), site.site_id, key)
    for site, key in ((LEAF, "Spring"), (MUGS, "summer-24"), (LEAF, "both"), (MUGS, "both"))
)
LOST = Campaign(uuid4(), GONE.site_id, "lost")
CAMPAIGNS = (SPRING, SUMMER, BOTH_A, BOTH_B, LOST)


@each(
    ("named", "site", "campaign", "warned"),
    [
        (Named(), LEAF, None, ""),
        (Named(campaign="SPRING"), LEAF, SPRING, ""),
        (Named(campaign="Summer-24"), MUGS, SUMMER, ""),
        (Named(campaign="both"), LEAF, BOTH_A, ""),
        (Named(url="mugs.example", campaign="both"), MUGS, BOTH_B, ""),
        (Named(campaign="lost"), LEAF, None, "unknown_campaign"),
        (Named(url="mugs.example", campaign="spring"), MUGS, None, "unknown_campaign"),
        (Named(MUGS.site_id, campaign="nothing"), MUGS, None, "unknown_campaign"),
        (Named(descriptor="mugs*club", campaign="summer-24"), MUGS, SUMMER, ""),
        (Named(url="unknown.example", campaign="summer-24"), LEAF, None, "default_site"),
        (Named(descriptor="MY*OWN", campaign="summer-24"), MUGS, SUMMER, ""),
    ],
)
def test_where_an_order_comes_from(
    named: Named, site: Site, campaign: Campaign | None, warned: str
) -> None:
    found = origin_of(SITES, CAMPAIGNS, named)
    assert (found.site, found.campaign) == (site, campaign)
    assert bool(found.warnings) is bool(warned)
    assert warned in " ".join(found.warnings)


@each(
    ("named", "field"),
    [
        (Named(url="unknown.example"), "SiteUrl"),
        (Named(url="unknown.example", descriptor="MUGS*CLUB"), "SiteUrl"),
        (Named(descriptor="MY*OWN"), "Transaction.DynamicDescriptor"),
        (Named(campaign="nothing"), "Campaign"),
        (Named(LEAF.site_id, campaign="summer-24"), "Campaign"),
        (Named(url="gone.example"), "SiteUrl"),
        (Named(uuid4()), "SiteId"),
        (Named(GONE.site_id), "SiteId"),
    ],
)
def test_a_merchant_that_refuses_unknown_sites_names_the_field(named: Named, field: str) -> None:
    with pytest.raises(Problem) as caught:
        origin_of(SITES, CAMPAIGNS, named, "refuse")
    assert (caught.value.code, list(caught.value.fields)) == ("invalid", [field])
    assert caught.value.cure


texts = st.sampled_from(
    [None, "", "leaf.example", "mugs.example", "x.example", "both", "spring", "MUGS*CLUB", "MY*OWN"]
)


@given(texts, texts, texts, st.sampled_from([None, LEAF.site_id, MUGS.site_id]))
def test_what_is_taken_strictly_is_taken_the_same_without_a_warning(
    url: str | None, descriptor: str | None, campaign: str | None, site_id: UUID | None
) -> None:
    named = Named(site_id, url, descriptor, campaign)
    easy = origin_of(SITES, CAMPAIGNS, named)
    assert easy.site.retired_at is None
    assert easy.campaign is None or easy.campaign.site_id == easy.site.site_id
    try:
        strict = origin_of(SITES, CAMPAIGNS, named, "refuse")
    except Problem:
        assert easy.warnings or descriptor, "what is known was refused"
        return
    assert strict == easy
    assert not strict.warnings


@pytest.mark.parametrize("key", ["1", "summer-24", "a.b_c:d", "A" * 64])
def test_keys(key: str) -> None:
    assert check_key(key) == key


@each("key", ["", " ", "a b", "-a", "a-", "é", "A" * 65, "a\n", "<b>", "a/b"])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(Problem):
        check_key(key)
