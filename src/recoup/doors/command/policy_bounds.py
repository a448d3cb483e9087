"""What bounds would have brought of the orders of the merchants under them, as `recoup policy` says it."""

from recoup.doors.command.backtest_summary import summary
from recoup.flows.backtests.bounds import AtMerchants
from recoup.kernel.unseen import shown_by_number


def summary_of_bounds(found: AtMerchants) -> list[str]:
    """Merchant by merchant."""
    if not found.tried:
        return ["back-test   no merchant under these bounds has orders of the last days whose decisions are kept"]
    text = []
    if len(found.tried) < found.of:
        text.append(f"back-test   of the {len(found.tried)} merchants with the most orders, of {found.of:,}")
    for one in found.tried:
        text.append(f"merchant    {shown_by_number(one.name)}")
        text += summary(one.row) if one.row is not None else ["back-test   several wait for their figures already"]
    return text
