"""/roles: what each role may do here, what its people may refund, and whether they see customers'
data."""

from typing import Annotated, Final, TypeAlias

from recoup.kernel.money import EXPONENTS, shown
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit import typed_amounts
from recoup.kit.personal import USUAL, pii_access_of
from recoup.kit.rights import MAY
from recoup.orders.rules.refund_limits import NONE, Limits
from recoup.people.flows.personal_data import change_pii_access
from recoup.people.page.endpoint import redirect
from recoup.people.page.form_shape import Text, read_again
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, member
from recoup.people.page.permissions import AT_MERCHANT, in_words
from recoup.people.page.portal_visit import Visit
from recoup.people.page.rights import role
from recoup.refunds.flows.limits import change_limits, read_limits
from recoup.settlement.store.settlement import payable_assets

PLACE: Final = "/roles"
CHANGE: Final = role("limits", "set role permissions")
# field of the form -> the limit
FIELDS: Final = {
    "refund_max": "Maximum per refund", "day_max": "Maximum per person and day",
    "second_from": "Second person from",
}  # fmt: skip
PII_ACCESS: Final = {
    "shown": "always shown", "reveal": "masked; shown per order or customer on request, which is "
                                       "logged",
    "masked": "always masked",
}  # fmt: skip
BRIEFLY: Final = {
    "shown": "customers shown",
    "reveal": "customers on request",
    "masked": "customers masked",
}


_Amount: TypeAlias = Annotated[str, Text(40, strip=True)]


@member.page(PLACE, "desk/roles.html", menu=Entry("Settings", 7, "Roles and limits", "shield"))
async def roles_page(visit: Visit, *, role: str) -> Values:
    """Open is the role that a form was about, else the one that the address names, else one's
    own."""
    limits = await read_limits(visit.world, visit.merchant_id)
    assets = await payable_assets(visit.world.db.reader, visit.merchant_id)
    known = visit.known.merchant.sight
    roles = [
        dict(
            name=name,
            may=in_words(name),
            pii_access=pii_access_of(name, known),
            usual=USUAL[name],
            rows=_rows(name, limits) if "refund" in may else None,
        )
        for name, may in MAY.items()
    ]
    mine = visit.session.merchant.role if visit.session.merchant is not None else ""
    typed = read_again(post_limits, visit.typed) if visit.typed else None
    wanted = typed.role if typed else role
    return dict(
        roles=roles,
        opened=wanted if wanted in MAY else mine,
        may=visit.session.may("limits"),
        mine=mine,
        actions=AT_MERCHANT,
        assets=sorted({*assets, "USD"}),
        typed=typed,
    )


@roles_page.post("/roles/limits", may=CHANGE)
async def post_limits(
    visit: Visit,
    *,
    role: Annotated[str, Text(40)],
    currency: Annotated[str, Text(40)],
    refund_max: _Amount,
    day_max: _Amount,
    second_from: _Amount,
) -> Answer:
    """Sets a role's limits in one currency: amounts as typed, empty for no limit."""
    asset, typed = currency.strip().upper()[:8], (refund_max, day_max, second_from)
    if "refund" not in MAY.get(role, frozenset()):
        raise invalid(
            "This role does not refund: it needs no limit.", "role", "Choose owner or operations."
        )
    if asset not in EXPONENTS:
        raise invalid("This currency is not known.", "currency", "Write it like USD.")
    limits = Limits(*(_units(text, name, asset) for text, name in zip(typed, FIELDS, strict=True)))
    await change_limits(visit.world, visit.scope, role, asset, limits)
    return redirect(f"{PLACE}?role={role}#{role}")


@roles_page.post("/roles/sight", may=CHANGE)
async def post_pii_access(visit: Visit, *, role: str, sight: str) -> Answer:
    """`sight`: of `PII_ACCESS`."""
    await change_pii_access(visit.world, visit.scope, role, sight)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect(f"{PLACE}?role={role}#{role}")


def _units(typed: str, name: str, asset: str) -> int | None:
    """Reads a typed amount into units; None where nothing is typed. Raises: Problem(invalid)."""
    if not typed:
        return None
    try:
        return typed_amounts.units(typed, asset, name)
    except Problem as problem:
        raise invalid(
            Sentence("{0}: not an amount in {1}.", FIELDS[name], asset),
            name,
            problem.cure or "Write it like 100.00, or leave it empty.",
        ) from None


def _rows(role: str, limits: dict[tuple[str, str], Limits]) -> list[Values]:
    """A role's limits by currency as the form shows them: texts, empty for no limit."""
    return [
        dict(
            asset=asset,
            texts={name: _text(getattr(limit, f"{name}_units"), asset) for name in FIELDS},
        )
        for (of, asset), limit in limits.items()
        if of == role and limit != NONE
    ]


def _text(units: int | None, asset: str) -> str:
    return "" if units is None else shown(units, asset)
