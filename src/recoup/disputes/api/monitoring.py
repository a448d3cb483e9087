"""GET /v1/monitoring: where a merchant stands in the card networks' monitoring programmes."""

from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta

from recoup.disputes.store.monitoring import counted_at, kept_months
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.wire import Moment, Shape, iso_or_null
from recoup.networks.monitoring import standings

MONTHS: Final = timedelta(days=190)


class ProgramShown(Shape):
    """A merchant number at an acquirer, in one month of one programme."""

    program: Annotated[str, Meta(examples=["VAMP"])]
    level: Annotated[str, Meta(examples=["excessive"])]
    network: str
    acceptor_id: str
    """The merchant number at the acquirer."""
    month: Annotated[str, Meta(examples=["2026-11"])]
    cases: int
    """Disputes and reports of fraud that the programme counts."""
    sales: int
    """Approved sends that cases are divided by."""
    basis_points: float | None
    """Null without sales."""
    cases_min: int
    """Of the threshold; 0: the programme counts amounts."""
    basis_points_min: int
    """Of the threshold."""
    share: float
    """Of the threshold: 1 when all of its criteria are met."""
    state: str
    """`below`, `half` or `over`."""
    certain: bool
    """False: sources disagree, and nobody is notified."""
    document: str
    """Where the threshold is published."""


class MonitoringShown(Shape):
    """Standings by month, the newest first."""

    counted_at: Moment | None
    """Null: there was nothing to count."""
    programs: list[ProgramShown]


api: Final = Api(group="Reports", scope="reports")


@api("GET /v1/monitoring")
async def get_monitoring(call: Call) -> MonitoringShown:
    """Monitoring programmes. Where your merchant numbers stand in Visa's VAMP and in Mastercard's
    programmes for chargebacks and fraud, in the last months, from the payments that Recoup charged.
    Counted every three hours."""
    world = call.services.world
    merchant = (await call.services.merchants.get(call.scope.merchant_id)).merchant
    since = merchant.business(world.clocks.wall()) - MONTHS
    rows = await kept_months(world.db.reader, merchant.merchant_id, since.date())
    return MonitoringShown(
        counted_at=iso_or_null(await counted_at(world.db.reader, merchant.merchant_id)),
        programs=[
            ProgramShown.of(
                standing,
                standing.of,
                month=f"{standing.month:%Y-%m}",
                basis_points_min=standing.of.basis_points,
            )
            for standing in standings(rows, merchant.region)
        ],
    )
