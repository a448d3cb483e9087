"""Merchants with their sites, and the keys by which they are known. Every change raises the
merchant's version."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import convert

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx, columns_of
from recoup.db.table import insert_of, stored
from recoup.kernel.filled import filled
from recoup.kernel.frozen import frozen
from recoup.merchants.rules.merchant import Merchant
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.stored import Version, holding, part_of
from recoup.policies.rules.terms import ScopeKind
from recoup.policies.store.policies import AROUND
from recoup.terms.rules.arm_terms import Left, Terms, narrowed
from recoup.terms.rules.fees import FeeTerm
from recoup.terms.rules.terms import RiskTerms
from recoup.terms.store import risk_settings
from recoup.terms.store.arms import NEWEST
from recoup.terms.store.fee_rows import fee_terms_of


@frozen
class Site:
    """`retired_at`: it takes no orders any more."""

    site_id: UUID
    url: str
    name: str
    descriptor: str
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    is_default: bool
    created_at: datetime
    retired_at: datetime | None = None
    support: str = ""


@frozen
class Campaign:
    """`descriptor` empty: the site's."""

    campaign_id: UUID
    site_id: UUID
    key: str
    name: str
    descriptor: str
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    created_at: datetime


@frozen
class MerchantSettings:
    """A merchant's settings as of one `version`, with its sites, and the campaigns that take
    orders. `blocked`: whom it sells no more to, subject -> kind. `arms`: who decides about new
    orders, by site; None for the merchant's own line. `risk`: how the risk is judged where a
    customer waits. `engine_bounds`: of the retry policies around its orders that say something of
    the engine, what they say."""

    merchant: Merchant
    sites: tuple[Site, ...]
    fee_terms: tuple[FeeTerm, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    blocked: Mapping[UUID, str] = field(default_factory=dict)
    arms: Mapping[UUID | None, Terms] = field(default_factory=dict)
    risk: RiskTerms = field(default_factory=RiskTerms)
    engine_bounds: tuple[Version, ...] = ()

    def arms_left(
        self, now: datetime, site_id: UUID | None, campaign_id: UUID | None = None
    ) -> Left:
        """Terms left of the site's own line, or else the merchant's, for new orders; off where
        neither was ever set."""
        own = self.arms.get(site_id)
        of = own if own is not None and own.mode != "inherit" else self.arms.get(None, Terms(0))
        return Left(narrowed(of, self.within(now, site_id, campaign_id)), of)

    def within(
        self, now: datetime, site_id: UUID | None = None, campaign_id: UUID | None = None
    ) -> InForce | None:
        """Bounds on the engine for new orders, by business time; None: nothing does."""
        inside = {"site": str(site_id), "campaign": str(campaign_id)}
        parts = holding(
            [
                bound
                for bound in self.engine_bounds
                if bound.part.subject == inside.get(bound.part.scope, bound.part.subject)
            ],
            now,
        )
        return InForce(parts) if parts else None


@frozen
class ApiKey:
    """A merchant's key, or with `partner_id` a partner's. `ended_at`: when it was revoked or
    retired, or will be."""

    app_key: str
    key_id: UUID
    merchant_id: UUID | None
    secret_hash: bytes
    scopes: tuple[str, ...]
    partner_id: UUID | None = None
    ended_at: datetime | None = None


class MerchantName(Row):
    merchant_id: UUID
    name: str


@MERCHANT.statement("SELECT merchant_id, name FROM merchants ORDER BY merchant_id LIMIT $1")
async def merchant_names(db: Read, limit: int) -> list[MerchantName]:
    """Some merchants of this installation."""


@MERCHANT.statement("SELECT EXISTS (SELECT FROM order_heads WHERE merchant_id = $1)")
async def has_orders(db: Read, merchant_id: UUID) -> bool: ...


@MERCHANT.statement("""
SELECT merchant_id, name FROM merchants m
WHERE EXISTS (SELECT FROM order_heads o WHERE o.merchant_id = m.merchant_id) ORDER BY merchant_id
  LIMIT $1
""")
async def merchants_with_orders(db: Read, limit: int) -> list[MerchantName]:
    """Some merchants of this installation that have orders."""


class Located(Row):
    """Merchants of a cell, and how many of them have a country."""

    merchants: int
    with_country: int


@MERCHANT.statement("SELECT count(*) AS merchants, count(country) AS with_country FROM merchants")
async def located(db: Read) -> Located: ...


@MERCHANT.statement("SELECT killed FROM merchants WHERE merchant_id = $1")
async def is_killed(db: Read, merchant_id: UUID) -> bool:
    """True when the merchant is killed as it stands now, not as it is known."""


class _Bounding(Row):
    scope: ScopeKind
    subject_id: UUID
    number: int
    from_at: datetime
    content: dict[str, Any]


@frozen
class _Loaded(Merchant):
    """`fee_terms`, `arms`: rows as JSON. `blocked`: subject -> kind."""

    fee_terms: object = None
    blocked: object = None
    arms: list[object] | None = None
    risk: RiskTerms = field(default_factory=RiskTerms)
    engine_bounds: list[_Bounding] | None = None


class _OfSite(Row):
    site_id: UUID | None


@MERCHANT.statement(f"""
SELECT {columns_of(Merchant, "m")},
  (SELECT jsonb_agg(to_jsonb(f)) FROM fee_terms f WHERE f.merchant_id = m.merchant_id) AS fee_terms,
  (SELECT jsonb_object_agg(b.subject_id, b.kind) FROM blocks b
    WHERE b.merchant_id = m.merchant_id AND b.lifted_at IS NULL) AS blocked,
  (SELECT jsonb_agg(to_jsonb(s)) FROM ({NEWEST.format(merchant="m.merchant_id")}) s) AS arms,
  coalesce((SELECT to_jsonb(s) FROM ({risk_settings.NEWEST.format(merchant="m.merchant_id")}) s),
    '{{}}') AS risk,
  (SELECT jsonb_agg(to_jsonb(p) - 'content' || jsonb_build_object('content',
      jsonb_build_object('engine', p.content -> 'engine')))
    FROM (SELECT v.*, bool_or(v.content ? 'engine') OVER (PARTITION BY scope, subject_id) AS bounds
      FROM ({AROUND}) v) p
    WHERE p.bounds) AS engine_bounds
FROM merchants m WHERE merchant_id = $1
""")
async def _load(db: Read, merchant_id: UUID) -> _Loaded | None: ...


@MERCHANT.statement("""
SELECT site_id, url, name, descriptor, cit_web, cit_callcenter, mit, is_default, created_at,
  retired_at, support
FROM sites WHERE merchant_id = $1 ORDER BY created_at, site_id
""")
async def _sites(db: Read, merchant_id: UUID) -> list[Site]: ...


@MERCHANT.statement("""
SELECT campaign_id, site_id, key, name, descriptor, cit_web, cit_callcenter, mit, created_at
  FROM campaigns
WHERE merchant_id = $1 AND retired_at IS NULL ORDER BY created_at, campaign_id
""")
async def _campaigns(db: Read, merchant_id: UUID) -> list[Campaign]: ...


async def load_merchant(db: Read, merchant_id: UUID) -> MerchantSettings | None:
    loaded = await _load(db, merchant_id)
    if loaded is None:
        return None
    sites, campaigns = await _sites(db, merchant_id), await _campaigns(db, merchant_id)
    return MerchantSettings(
        filled(Merchant, loaded),
        tuple(sites),
        fee_terms_of(loaded.fee_terms),
        tuple(campaigns),
        convert(loaded.blocked or {}, dict[UUID, str]),
        {convert(line, _OfSite).site_id: convert(line, Terms) for line in loaded.arms or ()},
        loaded.risk,
        tuple(
            Version(
                part_of(bound.scope, str(bound.subject_id), bound.number, bound.content),
                bound.from_at,
            )
            for bound in loaded.engine_bounds or ()
        ),
    )


@MERCHANT.statement("SELECT offset_us FROM merchants WHERE merchant_id = $1")
async def offset_of(db: Read, merchant_id: UUID) -> int | None:
    """Microseconds from wall to business time."""


@DIRECTORY.statement("SELECT made_by FROM api_keys WHERE app_key = $1")
async def maker_of_key(db: Read, app_key: str) -> str | None:
    """The maker of a key, as `Actor.text` writes them."""


@DIRECTORY.statement("""
SELECT app_key, key_id, merchant_id, secret_hash, scopes, NULL::uuid AS partner_id,
  least(revoked_at, retires_at) AS ended_at FROM api_keys WHERE app_key = $1
""")
async def find_api_key(db: Read, app_key: str) -> ApiKey | None:
    """Finds an API key; None for an unknown one; one that has ended says so."""


@DIRECTORY.statement("""
SELECT merchant_id FROM tokenization_keys
WHERE environment_key = $1 AND revoked_at IS NULL AND (retires_at IS NULL OR retires_at > $2)
""")
async def find_tokenization_merchant(db: Read, environment_key: str, at: datetime) -> UUID | None:
    """Merchant of a tokenization key; None for an unknown key, and for one that has ended `at` that
    wall time."""


@MERCHANT.statement("""
SELECT m.merchant_id FROM unnest($1::uuid[]) AS m (merchant_id)
CROSS JOIN LATERAL (SELECT order_id FROM order_heads h WHERE h.merchant_id = m.merchant_id
  ORDER BY h.placed_at DESC LIMIT 1) h
ORDER BY h.order_id DESC LIMIT 1
""")
async def newest_of(db: Read, merchant_ids: Sequence[UUID]) -> UUID | None:
    """The merchant of these whose newest order is the newest; None when none has an order."""


@MERCHANT.statement("""
UPDATE merchants m SET mit_mode = i.mit_mode, cit_unresolved = i.cit_unresolved,
  capture_window_minutes = i.capture_window_minutes, unknown_sites = i.unknown_sites,
    region = i.region,
  country = i.country
FROM jsonb_populate_record(NULL::merchants, $1) i WHERE m.merchant_id = i.merchant_id
""")
async def copy_settings(db: Tx, merchant: Merchant) -> None:
    """Copies what a merchant chose in one world into another where it was just made."""


@MERCHANT.statement("""
UPDATE merchants SET offset_us = $2, version = version + 1 WHERE merchant_id = $1 AND offset_us < $2
""")
async def move_clock(db: Tx, merchant_id: UUID, offset_us: int) -> None:
    """Forward only."""


@stored("merchants")
class NewMerchant(Row):
    merchant_id: UUID
    partner_id: UUID | None
    name: str
    offset_us: int
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    region: str
    country: str | None
    acceptor_id: str
    created_at: datetime


@stored("sites")
class SiteRow(Row):
    merchant_id: UUID
    site_id: UUID
    url: str
    name: str
    descriptor: str
    is_default: bool
    created_at: datetime
    support: str


@MERCHANT.statement(f"{insert_of(NewMerchant, single=True)} ON CONFLICT DO NOTHING")
async def _add_merchant(db: Tx, merchant: NewMerchant) -> None: ...


@MERCHANT.statement(f"{insert_of(SiteRow, single=True)} ON CONFLICT DO NOTHING")
async def _add_site(db: Tx, site: SiteRow) -> None: ...


@MERCHANT.statement("UPDATE merchants SET version = version + 1 WHERE merchant_id = $1")
async def _raise_version(db: Tx, merchant_id: UUID) -> None: ...


async def add_merchant(db: Tx, merchant: NewMerchant, site: SiteRow) -> None:
    """A merchant with its default site and its closer."""
    await _add_merchant(db, merchant)
    await open_feed(db, merchant.merchant_id)
    await _add_site(db, site)


async def add_site(db: Tx, site: SiteRow) -> None:
    await _add_site(db, site)
    await _raise_version(db, site.merchant_id)


@MERCHANT.statement("""
UPDATE merchants SET name = coalesce($2, name), state = coalesce($3, state), version = version + 1
WHERE merchant_id = $1
""")
async def change_merchant(
    db: Tx, merchant_id: UUID, *, name: str | None, state: str | None
) -> None:
    """Changes a merchant; what is None stays."""


async def set_webhook_key(db: Tx, merchant_id: UUID, sealed: bytes) -> None:
    """Sets the webhook key instead of each that signs."""
    await end_overlap(db, merchant_id, "rescue")
    await _set_webhook_key(db, merchant_id, sealed)


@MERCHANT.statement(
    "UPDATE merchants SET webhook_key = $2, version = version + 1 WHERE merchant_id = $1"
)
async def _set_webhook_key(db: Tx, merchant_id: UUID, sealed: bytes) -> None: ...


@MERCHANT.statement(
    "UPDATE merchants SET stablecoin_webhook_key = $2, version = version + 1 WHERE merchant_id = $1"
)
async def set_stablecoin_webhook_key(db: Tx, merchant_id: UUID, sealed: bytes) -> None: ...


# Orders are looked up for terms only where their merchant may be advanced at all.
@MERCHANT.statement("""
UPDATE merchants m SET cit_unresolved = x.wanted, version = version + 1
FROM (SELECT CASE WHEN EXISTS (SELECT FROM exposure_limits WHERE merchant_id = $1
  AND limit_units > 0)
  THEN 'advance' ELSE 'decline_and_reverse' END AS wanted) x
WHERE m.merchant_id = $1 AND m.cit_unresolved <> x.wanted
""")
async def set_unresolved(db: Tx, merchant_id: UUID) -> None:
    """Sets how unresolved CIT orders end, as the terms say."""


@MERCHANT.statement("""
UPDATE merchants SET webhook_key = CASE WHEN $3 = 'stablecoin' THEN webhook_key ELSE $2 END,
  stablecoin_webhook_key = CASE WHEN $3 = 'stablecoin' THEN $2
    ELSE stablecoin_webhook_key END, version = version + 1
WHERE merchant_id = $1
""")
async def save_shared_key(db: Tx, merchant_id: UUID, sealed: bytes, door: str) -> None:
    """A new version of the merchant's settings."""


@MERCHANT.statement("DELETE FROM webhook_key_overlaps WHERE merchant_id = $1 AND door = $2")
async def end_overlap(db: Tx, merchant_id: UUID, door: str) -> None:
    """The key before holds no more."""


@MERCHANT.statement("""
UPDATE merchants SET sight = sight || jsonb_build_object($2::text, $3::text), version = version + 1
WHERE merchant_id = $1
""")
async def set_pii_access(db: Tx, merchant_id: UUID, role: str, pii_access: str) -> None:
    """Sets how a role sees customers' data."""


@MERCHANT.statement("SELECT coalesce(max(feed_no), 0) FROM closers")
async def highest_feed(db: Read) -> int: ...


@MERCHANT.statement(
    "UPDATE closers SET feed_no = greatest(feed_no, $1), number = greatest(number, $1)"
)
async def skip_feed(db: Tx, until: int) -> None:
    """Skips feed numbers that a receiver may have seen, so that none is given to another event: who
    asks for those after it misses none."""


@MERCHANT.statement("INSERT INTO closers (merchant_id) VALUES ($1) ON CONFLICT DO NOTHING")
async def open_feed(db: Tx, merchant_id: UUID) -> None:
    """Opens the feed, so that events from before there is a merchant are numbered too."""


@MERCHANT.statement("""
INSERT INTO webhook_key_overlaps (merchant_id, previous_key, previous_until, rotated_at, door)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, door) DO UPDATE SET previous_key = EXCLUDED.previous_key,
  previous_until = EXCLUDED.previous_until, rotated_at = EXCLUDED.rotated_at
""")
async def keep_overlap(
    db: Tx, merchant_id: UUID, previous: bytes, until: datetime, at: datetime, door: str
) -> None:
    """The key before holds until then."""
