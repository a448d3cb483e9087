"""Retry policies as versions. Source: decision 0077."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Meta

from recoup.kernel.problem import Problem
from recoup.kit.api.body import rule
from recoup.kit.api.field_rules import Limits, Wrong
from recoup.kit.api.wire import Instant, Moment, Shape, Text, UnusedMid
from recoup.policies.rules.terms import PolicyTerms
from recoup.policy_versions.flows.policies import PAGE_MAX

LINES_MAX = 100
_NAMES: Final = {"from": "StartsAt"}


def _object(value: Any, limits: Limits) -> dict[str, Any] | Wrong:
    """Its lines are read by the one reader of policies."""
    return value if isinstance(value, dict) else Wrong("must be an object in braces: {…}")


Lines = Annotated[
    dict[str, Any],
    Meta(
        max_length=LINES_MAX,
        description="The lines of the policy, nested as in its file: `off`, `link`, `tries`, "
        "`when`, `amounts`, "
        "`codes`, `routes`, `budget`, `cost`, `engine`. A line that is missing is not set.",
        examples=[{"tries": {"soft": 3}, "when": {"hours": ["07:00-22:00"], "gap": "6h"}}],
        extra=rule(_object),
    ),
]
Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Site = Annotated[
    UUID | None, Meta(description="Of one site. Without it and `campaignId`: of the merchant.")
]
Campaign = Annotated[UUID | None, Meta(description="Of one campaign.")]
Reason = Annotated[Text, Meta(min_length=1, description="Kept with the version.")]
Seen = Annotated[
    Number | None,
    Meta(
        description="The version that you have seen last; 0: none. If another one was saved since, "
        "the response is 409 "
        "and says what was changed."
    ),
]


class PolicyBoundsVersionsQuery(Shape):
    """How many versions."""

    below: Number | None = None
    """Only versions with a lower number."""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 10


class PolicyBoundsBody(Shape):
    """The whole policy, as a new version."""

    policy: Lines
    reason: Reason
    version: Seen = None
    starts_at: Instant | None = None
    """Business time from which it holds. Without it: at once."""


class PolicyBoundsCheckBody(Shape):
    """A policy that is not saved."""

    policy: Lines


class PolicyBoundsBackBody(Shape):
    """Which version becomes a new one."""

    reason: Reason
    to: Number | None = None
    """Without it: the one before the newest."""
    version: Seen = None


class RetryPolicyQuery(Shape):
    """Whose policy."""

    site_id: Site = None
    campaign_id: Campaign = None


class RetryPolicyVersionsQuery(PolicyBoundsVersionsQuery):
    """Whose versions, and how many."""

    site_id: Site = None
    campaign_id: Campaign = None


class RetryPolicyBody(PolicyBoundsBody):
    """The whole policy, as a new version."""

    site_id: Site = None
    campaign_id: Campaign = None
    mid: UnusedMid = None


class RetryPolicyCheckBody(PolicyBoundsCheckBody):
    """A policy that is not saved."""

    site_id: Site = None
    campaign_id: Campaign = None
    mid: UnusedMid = None


class RetryPolicyBackBody(PolicyBoundsBackBody):
    """Which version becomes a new one."""

    site_id: Site = None
    campaign_id: Campaign = None
    mid: UnusedMid = None


class RetryPolicyVersionShown(Shape):
    """One version."""

    number: int
    policy: dict[str, Any]
    """The lines that are set."""
    reason: str
    author: Annotated[str, Meta(examples=["api:pk_test_1"])]
    """`api`, `user`, `partner` or `operator`, with an id."""
    starts_at: Moment
    saved_at: Moment


class RetryPolicyBound(Shape):
    """A wider policy that this one lies in."""

    name: Annotated[str, Meta(examples=["operator/3"])]
    """Scope and version."""
    policy: dict[str, Any]


class RetryPolicyClip(Shape):
    """A line that is wider than a policy that it lies in; the wider scope wins."""

    line: Annotated[str, Meta(examples=["tries.all"])]
    set: Annotated[str | None, Meta(examples=["8"])]
    """What the newest version says."""
    holds: Annotated[str | None, Meta(examples=["4"])]
    """What is left of it. Null: nothing."""
    by: list[Literal["operator", "partner", "merchant", "site"]]
    """The scopes that say less, the widest first; what they say stands in `bounds`."""


class RetryPolicyShown(Shape):
    """The newest version of a scope, and what it lies in."""

    scope: Literal["partner", "merchant", "site", "campaign"]
    version: int
    """0: none was saved yet."""
    in_force: int | None
    """The version that holds now. Null: none of this scope."""
    newest: RetryPolicyVersionShown | None
    bounds: list[RetryPolicyBound]
    clipped: list[RetryPolicyClip]
    """Lines of the newest version that became wider than a policy in `bounds`."""
    success: bool = True


class RetryPolicyVersions(Shape):
    """The newest first."""

    data: list[RetryPolicyVersionShown]
    next: int | None
    """Send it as `below`; null on the last page."""
    has_more: bool
    success: bool = True


class RetryPolicyComplaint(Shape):
    """Why the policy cannot be saved."""

    line: Annotated[str, Meta(examples=["tries.all"])]
    why: str


class RetryPolicyChange(Shape):
    """A line that differs from the newest version. Null: it is not set."""

    line: str
    before: str | None
    after: str | None


class RetryPolicyChecked(Shape):
    """Whether it could be saved, and what it would change."""

    can_be_saved: bool
    complaints: list[RetryPolicyComplaint]
    nearest: dict[str, Any]
    """The nearest policy that could be saved."""
    changes: list[RetryPolicyChange]
    backtest_id: UUID | None = None
    """What it would have rescued of the last 90 days: GET /v1/backtests/{id}. Null: it could not be
    saved, several back-tests wait for their figures already, or it bounds several merchants."""
    success: bool = True


@contextmanager
def named_as_here() -> Iterator[None]:
    """A line is named with the field that holds it: `Policy.Tries.All`; what could be saved stands
    in the hint."""
    try:
        yield
    except Problem as problem:
        lines = {complaint.line for complaint in problem.facts.get("complaints", ())}
        named: dict[str, list[str]] = {}
        for name, texts in problem.fields.items():
            here = (
                _line_name(name) if name in lines else _NAMES.get(name, name[:1].upper() + name[1:])
            )
            named[here] = named.get(here) or texts[:1]  # one message a field, as everywhere
        problem.fields = named
        nearest = problem.facts.get("nearest")
        if isinstance(nearest, PolicyTerms):
            could = json.dumps(nearest.to_plain(), separators=(",", ":"))
            problem.facts["hints"] = {"Policy": f"could be {could}"}
        raise


def _line_name(line: str) -> str:
    """`Policy.Tries.All`; of a line that is none, `Policy`."""
    parts = line.split(".")
    known = all(part.isascii() and part.isalpha() for part in parts) and line != "policy"
    return (
        ".".join(("Policy", *(part[:1].upper() + part[1:] for part in parts)))
        if known
        else "Policy"
    )
