"""/partner/policy: what a partner bounds the retry policies of its merchants by, as versions.
Source: decision 0077."""

from typing import Any, Final
from uuid import UUID

from recoup.backtest.api.backtests import shown as backtest_shown
from recoup.backtest.api.backtests_shapes import BacktestReport, BacktestShown
from recoup.backtest.flows.before_saving import try_policy
from recoup.backtest.flows.bounds import AtMerchant, AtMerchants
from recoup.desk.api.policy import checked, listed, shown
from recoup.keys.api.v1_resource import PARTNER, Api, Call
from recoup.kit.api.body import read_whole
from recoup.kit.api.wire import Counted, Moment, Shape
from recoup.partners.api.partner import GROUP
from recoup.partners.api.partner_caller import only_partner, partner_scope
from recoup.policy_versions.api import (
    PolicyBoundsBackBody,
    PolicyBoundsBody,
    PolicyBoundsCheckBody,
    PolicyBoundsVersionsQuery,
    RetryPolicyChecked,
    RetryPolicyShown,
    RetryPolicyVersions,
    named_as_here,
)
from recoup.policy_versions.flows import policies
from recoup.policy_versions.flows.policy_scopes import Where, where_of


class PolicyBoundsAtMerchant(Shape):
    """What the orders of one merchant would have brought of the last 90 days, inside its own
    policies."""

    mid: UUID
    name: str
    made_at: Moment | None
    """Null: the figures are being made, or several back-tests of bounds wait for theirs. The same
    check has them some minutes later."""
    failed: str | None
    """Why there are no figures."""
    report: BacktestReport | None


class PolicyBoundsChecked(RetryPolicyChecked):
    """Whether they could be saved, what they would change and would have brought."""

    merchants: list[PolicyBoundsAtMerchant]
    """Those with the most orders, at most 5. Empty where the bounds change nothing."""
    merchants_in_all: Counted
    """How many have orders whose decisions are kept."""


_NIGHTS: Final = {"policy": {"when": {"hours": ["07:00-22:00"]}}, "reason": "no sends at night"}
api: Final = Api(group=GROUP, credential=PARTNER, scope=PARTNER)


@api("GET /v1/partner/policy")
async def read(call: Call) -> RetryPolicyShown:
    """Bounds of retry policies. What your merchants' retry policies may say at most: the newest
    version, the one that holds, and the operator's bounds that it lies in."""
    return await shown(call, await _where(call))


@api("GET /v1/partner/policy/versions", query=PolicyBoundsVersionsQuery)
async def versions(call: Call) -> RetryPolicyVersions:
    """Versions of the bounds. Each with its author, its reason and the time from which it holds;
    the newest first."""
    where = await _where(call)
    return await listed(call, where, call.parameters(PolicyBoundsVersionsQuery))


@api("PUT /v1/partner/policy", body=PolicyBoundsBody, problems=("conflict", "wrong_state"))
@api.example("no sends at night", _NIGHTS)
async def change(call: Call) -> RetryPolicyShown:
    """Set the bounds of retry policies. Saves the bounds as a new version, for all your merchants.
    A bound changes nothing for a merchant that stays under it; a policy that is wider is cut to it
    from the next decision of each order. Refused as a merchant's policy is, and where it is wider
    than the operator's bounds."""
    where, body = await _where(call, writes=True), read_whole(call.body, PolicyBoundsBody)
    with named_as_here():
        await policies.save_policy(
            call.services.world,
            partner_scope(call),
            where,
            body.policy,
            body.reason,
            seen=body.version,
            from_at=body.starts_at,
        )
    return await shown(call, where)


@api("POST /v1/partner/policy/check", body=PolicyBoundsCheckBody, intake=True)
@api.example("too many tries", {"policy": {"tries": {"all": 19}}})
async def check(call: Call) -> PolicyBoundsChecked:
    """Check bounds of retry policies. Whether they could be saved, what they would change, the
    nearest that could, and what the orders of the last 90 days of your merchants would have
    brought. No bounds are saved."""
    where, body = await _where(call, writes=True), read_whole(call.body, PolicyBoundsCheckBody)
    tried = await try_policy(call.services.world, partner_scope(call), where, body.policy)
    bounds = tried.bounds or AtMerchants([], 0)
    each = [_at_merchant(merchant) for merchant in bounds.tried]
    return PolicyBoundsChecked(**checked(tried.checked), merchants=each, merchants_in_all=bounds.of)


def _at_merchant(merchant: AtMerchant) -> PolicyBoundsAtMerchant:
    made = backtest_shown(BacktestShown, merchant.row) if merchant.row is not None else None
    figures: dict[str, Any] = {
        name: getattr(made, name, None) for name in ("made_at", "failed", "report")
    }
    return PolicyBoundsAtMerchant(mid=merchant.merchant_id, name=merchant.name, **figures)


@api(
    "POST /v1/partner/policy/back",
    body=PolicyBoundsBackBody,
    problems=("not_found", "conflict", "wrong_state"),
)
@api.example("the one before", {"reason": "too narrow"})
async def back(call: Call) -> RetryPolicyShown:
    """Return to earlier bounds. The content of the version before the newest, or of the one named,
    as a new version."""
    where, body = await _where(call, writes=True), read_whole(call.body, PolicyBoundsBackBody)
    with named_as_here():
        await policies.go_back(
            call.services.world,
            partner_scope(call),
            where,
            body.reason,
            to=body.to,
            seen=body.version,
        )
    return await shown(call, where)


async def _where(call: Call, *, writes: bool = False) -> Where:
    """Raises: Problem(forbidden) for a merchant's key; for a paused partner and `writes`."""
    partner = await only_partner(call, writes=writes)
    return await where_of(call.services.world, partner_id=partner.partner_id)
