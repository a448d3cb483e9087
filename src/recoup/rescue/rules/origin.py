"""Assignment of an order to the merchant's site and campaign. Pure.

Source: rescue contract §5.2, §17.1 (sites); seed 004 (multisites).
"""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.kernel.problem import Sentence, invalid
from recoup.keys.rules.site_address import host_of
from recoup.rescue.rules.intake_warnings import DEFAULT_SITE, SITE_BY_DESCRIPTOR, unknown_campaign

POLICIES: Final = ("use_default", "refuse")
KEY_CHARS_MAX: Final = 64
_KEY: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?", re.ASCII)
_MAKE: Final = "Make it first: POST /v1/sites; or send the siteId of one that you have."


class Named(NamedTuple):
    """Origin of an order, as the order names it."""

    site_id: UUID | None = None
    url: str | None = None
    descriptor: str | None = None
    campaign: str | None = None


class Origin(NamedTuple):
    """`warnings`: what was named, but is not known, by `intake_warnings`."""

    site: Any
    campaign: Any | None
    warnings: tuple[str, ...]


def origin_of(
    sites: Sequence[Any], campaigns: Sequence[Any], named: Named, policy: str = "use_default"
) -> Origin:
    """The site by id, else by address, else by descriptor, else by a campaign that one site alone
    has, else the default one; a guess is said. The campaign is one of that site.

    Raises: Problem(invalid) for an unknown id, or that of a site that is retired; with the policy
    `refuse` also for another site, and for a campaign, that nobody has made.
    """
    sites = [site for site in sites if site.retired_at is None]
    site, warnings = _site(sites, campaigns, named, policy)
    if not named.campaign:
        return Origin(site, None, warnings)
    key = named.campaign.lower()
    for campaign in campaigns:
        if campaign.site_id == site.site_id and campaign.key.lower() == key:
            return Origin(site, campaign, warnings)
    if policy == "refuse":
        message = Sentence(
            "The site {0} has no campaign {1}.", site.name, repr(named.campaign[:KEY_CHARS_MAX])
        )
        cure = Sentence(
            "Make it first: POST /v1/sites/{0}/campaigns; or leave it out.", site.site_id
        )
        raise invalid(message, "Campaign", cure)
    return Origin(site, None, (*warnings, unknown_campaign(site.name)))


def check_key(text: str) -> str:
    """Raises: Problem(invalid) for what cannot be a campaign's key."""
    if len(text) > KEY_CHARS_MAX or not _KEY.fullmatch(text):
        raise invalid(
            "The field Key has characters that a key cannot have, or too many.",
            "Key",
            Sentence("Send at most {0} of A-Z, a-z, 0-9 and . _ : - between them.", KEY_CHARS_MAX),
        )
    return text


def _site(
    sites: Sequence[Any], campaigns: Sequence[Any], named: Named, policy: str
) -> tuple[Any, tuple[str, ...]]:
    if named.site_id is not None:
        for site in sites:
            if site.site_id == named.site_id:
                return site, ()
        raise invalid(
            "The SiteId is not one of this merchant's sites.",
            "SiteId",
            "GET /v1/sites lists them; or send siteUrl instead.",
        )
    if named.url:
        wanted = host_of(named.url)
        for site in sites:
            if wanted and host_of(site.url) == wanted:
                return site, ()
        if policy == "refuse":
            raise invalid(
                "The SiteUrl is not that of one of this merchant's sites.", "SiteUrl", _MAKE
            )
    descriptor = (named.descriptor or "").lower()
    known_site = next(
        (site for site in sites if descriptor and site.descriptor.lower() == descriptor), None
    )
    if known_site is not None:
        return known_site, ((SITE_BY_DESCRIPTOR,) if named.url else ())
    known_site = None if named.url else _by_campaign(sites, campaigns, named.campaign)
    if known_site is not None:
        return known_site, ()
    if named.descriptor and policy == "refuse":
        raise invalid(
            "The order names its site by a descriptor that none of this merchant's sites has.",
            "Transaction.DynamicDescriptor",
            _MAKE,
        )
    default = next((site for site in sites if site.is_default), None)
    if default is None:
        raise invalid("The merchant has no site.", "SiteId", "Make a site first: POST /v1/sites.")
    return default, ((DEFAULT_SITE,) if named.url else ())


def _by_campaign(sites: Sequence[Any], campaigns: Sequence[Any], key: str | None) -> Any | None:
    """The one site that has such a campaign; several have none of them."""
    if not key:
        return None
    of = {campaign.site_id for campaign in campaigns if campaign.key.lower() == key.lower()}
    named_sites = [site for site in sites if site.site_id in of]
    return named_sites[0] if len(named_sites) == 1 else None
