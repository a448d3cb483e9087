"""/policy: retry policies of the merchant, its sites and campaigns, as versions. Source: decision
0077.

A partner's bounds (`partner_policy`) are read and shown in the same way.
"""

from typing import Any, Final, Literal
from uuid import UUID

from recoup.backtest.flows.before_saving import go_back_tried, save_tried, try_policy
from recoup.kernel.time import iso
from recoup.keys.api.v1_resource import Api, Call
from recoup.policies.rules.diff import diff
from recoup.policies.store.policies import PolicyVersion
from recoup.policy_versions.api import (
    PolicyBoundsVersionsQuery,
    RetryPolicyBackBody,
    RetryPolicyBody,
    RetryPolicyBound,
    RetryPolicyChange,
    RetryPolicyCheckBody,
    RetryPolicyChecked,
    RetryPolicyClip,
    RetryPolicyComplaint,
    RetryPolicyQuery,
    RetryPolicyShown,
    RetryPolicyVersions,
    RetryPolicyVersionShown,
    RetryPolicyVersionsQuery,
    named_as_here,
)
from recoup.policy_versions.flows import policies
from recoup.policy_versions.flows.policies import Checked, Standing
from recoup.policy_versions.flows.policy_scopes import Where, where_of
from recoup.rescue.api.payment import read_own

_NIGHTS: Final = {"policy": {"when": {"hours": ["07:00-22:00"]}}, "reason": "no sends at night"}
api: Final = Api(group="Settings", scope="merchants")


@api("GET /v1/policy", query=RetryPolicyQuery, problems=("not_found",))
async def read(call: Call) -> RetryPolicyShown:
    """Retry policy. When declined payments may be tried again: the newest version of the merchant,
    a site or a campaign, the one that holds, and the policies that it lies in."""
    query = call.parameters(RetryPolicyQuery)
    return await shown(call, await _where(call, query.site_id, query.campaign_id))


@api("GET /v1/policy/versions", query=RetryPolicyVersionsQuery, problems=("not_found",))
async def versions(call: Call) -> RetryPolicyVersions:
    """Versions of the retry policy. Each with its author, its reason and the time from which it
    holds; the newest first."""
    query = call.parameters(RetryPolicyVersionsQuery, "siteId", "campaignId")
    return await listed(call, await _where(call, query.site_id, query.campaign_id), query)


async def listed(call: Call, where: Where, query: PolicyBoundsVersionsQuery) -> RetryPolicyVersions:
    """Its versions."""
    versions = await policies.read_versions(call.services.world, where, query.below, query.limit)
    has_more = bool(versions) and versions[-1].number > 1
    data, following = (
        [_version(version) for version in versions],
        versions[-1].number if has_more else None,
    )
    return RetryPolicyVersions(data=data, has_more=has_more, next=following)


@api("PUT /v1/policy", body=RetryPolicyBody, problems=("not_found", "conflict", "wrong_state"))
@api.example("no sends at night", _NIGHTS)
async def change(call: Call) -> RetryPolicyShown:
    """Set the retry policy. Saves the whole policy as a new version. Refused, with the line, the
    reason and the nearest that could be saved, if it could pass a limit of a card network, never
    ends, plans past the expiry, contradicts its bounds, or names what does not exist. Open orders
    keep their plan until the next decision."""
    body = read_own(call, RetryPolicyBody)
    where = await _where(call, body.site_id, body.campaign_id)
    with named_as_here():
        await save_tried(
            call.services.world,
            call.scope,
            where,
            body.policy,
            body.reason,
            seen=body.version,
            from_at=body.starts_at,
        )
    call.services.merchants.forget(call.scope.merchant_id)
    return await shown(call, where)


@api("POST /v1/policy/check", body=RetryPolicyCheckBody, intake=True, problems=("not_found",))
@api.example("too many tries", {"policy": {"tries": {"all": 19}}})
async def check(call: Call) -> RetryPolicyChecked:
    """Check a retry policy. Whether it could be saved, what it would change, and what it would have
    rescued of the last 90 days. Nothing is saved."""
    body = read_own(call, RetryPolicyCheckBody)
    where = await _where(call, body.site_id, body.campaign_id)
    tried = await try_policy(call.services.world, call.scope, where, body.policy)
    backtest_id = tried.backtest.backtest_id if tried.backtest is not None else None
    return RetryPolicyChecked(**checked(tried.checked), backtest_id=backtest_id)


@api(
    "POST /v1/policy/back",
    body=RetryPolicyBackBody,
    problems=("not_found", "conflict", "wrong_state"),
)
@api.example("the one before", {"reason": "off was wrong"})
async def back(call: Call) -> RetryPolicyShown:
    """Return to an earlier retry policy. The content of the version before the newest, or of the
    one named, as a new version."""
    body = read_own(call, RetryPolicyBackBody)
    where = await _where(call, body.site_id, body.campaign_id)
    with named_as_here():
        await go_back_tried(
            call.services.world, call.scope, where, body.reason, to=body.to, seen=body.version
        )
    call.services.merchants.forget(call.scope.merchant_id)
    return await shown(call, where)


def checked(check: Checked) -> dict[str, Any]:
    """Members of `RetryPolicyChecked`."""
    return {
        "can_be_saved": not check.complaints,
        "complaints": [
            RetryPolicyComplaint(line=complaint.line, why=complaint.why)
            for complaint in check.complaints
        ],
        "nearest": check.nearest.to_plain(),
        "changes": [
            RetryPolicyChange(line=change.line, before=change.before, after=change.after)
            for change in check.changes
        ],
    }


async def _where(call: Call, site_id: UUID | None, campaign_id: UUID | None) -> Where:
    return await where_of(
        call.services.world, call.scope.merchant_id, site_id=site_id, campaign_id=campaign_id
    )


async def shown(call: Call, where: Where) -> RetryPolicyShown:
    """Shows how the policy stands there."""
    standing = await policies.read_standing(call.services.world, where)
    return RetryPolicyShown(
        scope=_scope(where),
        version=standing.number,
        in_force=standing.in_force.number if standing.in_force is not None else None,
        newest=_version(standing.newest) if standing.newest is not None else None,
        bounds=_bounds(standing),
        clipped=_clips(standing),
    )


def _scope(where: Where) -> Literal["partner", "merchant", "site", "campaign"]:
    assert where.scope != "operator", "no call is about the operator's bounds"
    return where.scope


def _bounds(standing: Standing) -> list[RetryPolicyBound]:
    parts = standing.wider.parts if standing.wider is not None else ()
    return [RetryPolicyBound(name=part.name, policy=part.terms.to_plain()) for part in parts]


def _clips(standing: Standing) -> list[RetryPolicyClip]:
    left, by = standing.clipped
    return [
        RetryPolicyClip(
            line=change.line,
            set=change.before,
            holds=change.after,
            by=[scope for scope in by[change.line] if scope != "campaign"],
        )
        for change in diff(standing.terms, left)
    ]


def _version(version: PolicyVersion) -> RetryPolicyVersionShown:
    return RetryPolicyVersionShown.of(
        version, policy=version.content, starts_at=iso(version.from_at)
    )
