"""What bounds would have brought of the orders of the merchants under them, as `recoup policy` says it."""

from recoup.doors.command.backtest_summary import figures_of
from recoup.flows.backtests.bounds import MERCHANTS_MAX, merchants_within, under_bounds
from recoup.flows.insight.backtest_plain import judgement_plain
from recoup.flows.merchants.policies import Checked, read_standing
from recoup.flows.merchants.policy_scopes import Where
from recoup.flows.world import World
from recoup.kernel.unseen import shown_by_number


async def bounds_tested(world: World, where: Where, checked: Checked) -> list[str]:
    """Nothing for a merchant's policy, for what cannot be saved and for what changes nothing."""
    if not where.is_bound or checked.complaints or not checked.changes:
        return []
    merchants = await merchants_within(world, where)
    if not merchants:
        return ["back-test   no merchant under these bounds has orders of the last days whose decisions are kept"]
    text = []
    if len(merchants) > MERCHANTS_MAX:
        text.append(f"back-test   of the {MERCHANTS_MAX} merchants with the most orders, of {len(merchants):,}")
    number = (await read_standing(world, where)).number + 1
    async for one in under_bounds(world, where, number, checked.terms, merchants):
        report = judgement_plain(one.backtest.judgement)
        text.append(f"back-test   {shown_by_number(one.name)}, of {report['orders']:,} orders of the last days")
        text += figures_of(report)
    return text
