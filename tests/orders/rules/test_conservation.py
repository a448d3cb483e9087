"""Whatever walk an order takes through its lifecycle, its money is where the chart of accounts
says.

Walks are drawn from the rows that are possible at each stage; every row that books something is
known to the model. At the end customer_due, refund_due and reversal_due are 0, or exactly what
stands on a desk.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.chains.moves import overpaid
from recoup.disputes.moves.case import dispute_fee, dispute_won, disputed
from recoup.disputes.moves.disputed import reversal_netted, reversal_owed_again
from recoup.orders.rules import ledger
from recoup.orders.rules.ledger import Posting
from recoup.orders.rules.lifecycle import FACTS, STEPS, Stage, possible, step
from recoup.stablecoin.moves.late_payment import by_hand
from recoup.stablecoin.moves.sweep import settled

ROUTE = "route"
LENGTH_MAX = 60


@dataclass
class Walk:
    """`due`: advanced and not collected; `owed`: refunds on their way; `desk`: amounts that a
    person looks at."""

    dice: Random
    units: int
    stage: Stage = Stage.NEW
    paid: str = ""  # charged, advanced, uncollected, netted
    due: int = 0
    left: int = 0
    owed: list[int] = field(default_factory=list)
    late: str = ""  # owed, gone (by a dispute), done
    disputed: list[tuple[int, str]] = field(default_factory=list)
    desk: Counter[str] = field(default_factory=Counter)
    book: Counter[str] = field(default_factory=Counter)
    loss: int = 0
    parts: int = 0  # captured of what is held
    taken: int = 0  # collected in parts, while the rest is waited for
    gone: list[int] = field(default_factory=list)  # refunds that were made
    walked: list[str] = field(default_factory=list)

    def post(self, *postings: Posting) -> None:
        for posting in postings:
            for entry in posting.entries:
                self.book[entry.account] += entry.units

    def pick(self) -> int:
        return self.owed.pop(self.dice.randrange(len(self.owed)))


def _collected(w: Walk) -> None:
    fee = w.dice.choice((0, w.units // 10, w.units))
    short = w.dice.choice((0, (w.units - w.taken) // 20))
    w.paid, w.left = "charged", w.units
    w.post(*ledger.collected(w.units - w.taken, ROUTE, fee, short=short))


def _part_collected(w: Walk) -> None:
    part = w.dice.randint(1, w.units - w.taken - 1)
    w.taken += part
    w.post(*ledger.collected(part, ROUTE, 0))


def _parts_kept(w: Walk) -> None:
    w.paid, w.left, w.units = "charged", w.taken, w.taken
    w.post(ledger.fee(1))


def _part_owed_back(w: Walk) -> None:
    w.late, w.units, w.taken = "owed", w.taken, 0
    w.post(ledger.part_owed_back(w.units))


def _captured(w: Walk) -> None:
    fee, last = w.dice.choice((0, w.units // 10)), w.dice.randint(1, w.units - w.parts)
    w.paid, w.left = "charged", w.parts + last
    w.post(*ledger.collected(last, ROUTE, fee))
    w.units = w.left


def _part_captured(w: Walk) -> None:
    part = w.dice.randint(1, w.units - w.parts - 1)
    w.parts += part
    w.post(*ledger.collected(part, ROUTE, 0))


def _capture_ended(w: Walk) -> None:
    w.paid, w.left, w.units = "charged", w.parts, w.parts
    w.post(ledger.fee(1))


def _refund_done(w: Walk) -> None:
    w.gone.append(w.pick())
    w.post(ledger.refund_done(w.gone[-1], ROUTE))


def _refund_failed(w: Walk) -> None:
    piece = w.gone.pop()
    w.desk["refund_due"] -= piece
    w.post(ledger.refund_failed(piece, ROUTE))


def _advanced(w: Walk) -> None:
    w.paid, w.left, w.due = "advanced", w.units, w.units
    w.post(*ledger.advanced(w.units, w.units // 20))


def _charged(w: Walk) -> None:
    w.post(ledger.charge(w.due, ROUTE))
    w.paid, w.due = "charged", 0


def _uncollected(w: Walk) -> None:
    w.post(ledger.uncollected(w.due))
    w.paid, w.due = "uncollected", 0


def _refund_owed(w: Walk) -> None:
    piece = w.dice.randint(1, w.left)
    w.left -= piece
    w.owed.append(piece)
    w.post(ledger.refund_owed(piece))


def _refund_netted(w: Walk) -> None:
    piece = w.pick()
    w.due -= piece
    w.paid = w.paid if w.due else "netted"
    w.post(ledger.refund_netted(piece))


def _refund_refused(w: Walk) -> None:
    piece = w.pick()
    w.left += piece
    w.post(ledger.refund_refused(piece))


def _refund_stuck(w: Walk) -> None:
    w.desk["refund_due"] -= w.pick()


def _late(w: Walk) -> None:
    w.late = "owed"
    w.post(ledger.late_approval(w.units, ROUTE))


def _paid_late(w: Walk) -> None:
    w.late = "desk"
    w.desk["reversal_due"] -= w.units
    w.post(ledger.late_approval(w.units, ROUTE))


def _by_hand(w: Walk) -> None:
    w.late = "done"
    w.desk["reversal_due"] += w.units
    w.post(by_hand(w.units, ROUTE))


def _reversed(w: Walk) -> None:
    w.late = "done"
    w.post(ledger.reversed_(w.units, ROUTE))


def _reversal_failed(w: Walk) -> None:
    w.late = "desk"
    w.desk["reversal_due"] -= w.units
    w.post(ledger.reversal_failed(w.units, ROUTE))


def _dispute(w: Walk) -> None:
    liable = w.dice.choice(("operator", "merchant")) if w.stage is Stage.COMPLETED else "operator"
    units = w.units if w.stage is not Stage.COMPLETED else w.dice.randint(1, w.units)
    w.disputed.append((units, liable))
    w.post(disputed(units, ROUTE, liable), dispute_fee(1500, ROUTE))


def _dispute_won(w: Walk) -> None:
    w.post(dispute_won(w.disputed[-1][0], ROUTE, w.disputed.pop()[1]))


def _netted(w: Walk) -> None:
    w.late = "gone"
    w.post(reversal_netted(w.units))


def _owed_again(w: Walk) -> None:
    w.late = "owed"
    w.post(reversal_owed_again(w.units))


Deed = tuple[Callable[[Walk], bool], Callable[[Walk], None]]
# happening -> when it can happen beside its stage, and what it books
MONEY: dict[str, Deed] = {
    "collected": (lambda w: True, _collected),
    "part_collected": (lambda w: w.units - w.taken > 1, _part_collected),
    "parts_kept": (lambda w: w.taken > 0, _parts_kept),
    "part_owed_back": (lambda w: w.taken > 0 and not w.late, _part_owed_back),
    "authorised": (lambda w: not w.taken, lambda w: None),
    "captured": (lambda w: w.parts < w.units, _captured),
    "part_captured": (lambda w: w.units - w.parts > 1, _part_captured),
    "capture_ended": (lambda w: w.parts > 0, _capture_ended),
    "capture_window_ended": (lambda w: not w.parts, lambda w: None),
    "paid_elsewhere": (lambda w: not w.parts, lambda w: None),
    "cancelled": (lambda w: not w.parts, lambda w: None),
    "advanced": (lambda w: not w.taken, _advanced),
    "charged": (lambda w: w.due > 0, _charged),
    "uncollected": (lambda w: w.due > 0, _uncollected),
    "refund_owed": (lambda w: w.left > 0, _refund_owed),
    "refund_netted": (lambda w: w.paid == "advanced" and bool(w.owed), _refund_netted),
    "refund_of_bad_debt": (
        lambda w: w.paid == "uncollected" and bool(w.owed),
        lambda w: w.post(ledger.refund_of_bad_debt(w.pick())),
    ),
    "refund_done": (lambda w: w.paid == "charged" and bool(w.owed), _refund_done),
    "refund_failed": (lambda w: bool(w.gone), _refund_failed),
    "refund_refused": (lambda w: bool(w.owed) and w.paid != "netted", _refund_refused),
    "refund_stuck": (lambda w: w.paid == "charged" and bool(w.owed), _refund_stuck),
    "approved_late": (lambda w: not w.late, _late),
    "paid_late": (lambda w: not w.late and not w.paid, _paid_late),
    "settled_by_hand": (lambda w: w.late == "desk", _by_hand),
    "reversed": (lambda w: w.late == "owed" and not w.disputed, _reversed),
    "reversal_failed": (
        lambda w: w.late == "done" and w.book["reversal_due"] == 0 and "reversed" in w.walked[-1:],
        _reversal_failed,
    ),
    "dispute_opened": (
        lambda w: w.paid == "charged" or w.late == "owed" and not w.disputed,
        _dispute,
    ),
    "dispute_won": (lambda w: bool(w.disputed) and w.late in ("", "owed"), _dispute_won),
    "reversal_netted": (lambda w: w.late == "owed" and bool(w.disputed), _netted),
    "reversal_owed_again": (
        lambda w: w.late == "gone" and bool(w.disputed),
        lambda w: (_owed_again(w), _dispute_won(w))[0],
    ),
    "overpaid": (lambda w: False, lambda w: None),
    "settled": (lambda w: False, lambda w: None),  # direct stablecoin money: the next test
}


def test_every_row_that_books_is_in_the_model() -> None:
    booking = {row.happening for row in (*STEPS, *FACTS.values()) if row.books}
    assert booking <= MONEY.keys(), f"say what these book: {sorted(booking - MONEY.keys())}"


@given(seed=st.integers(0, 2**48), units=st.integers(1, 10**9))
def test_every_walk_ends_with_nothing_due_or_on_a_desk(seed: int, units: int) -> None:
    walk = Walk(Random(seed), units)
    for _ in range(LENGTH_MAX):
        can = [h for h in possible(walk.stage) if h not in MONEY or MONEY[h][0](walk)]
        if not can:
            break
        _walk(walk, walk.dice.choice(can))
        _so_far(walk)
    for happening in (
        "charged",
        "refund_done",
        "refund_of_bad_debt",
        "reversed",
        "reversal_netted",
    ):
        while MONEY[happening][0](walk):
            MONEY[happening][1](walk)
    told = " ".join(walk.walked)
    assert not walk.owed, told
    for account in ("customer_due", "refund_due", "reversal_due"):
        assert walk.book[account] == walk.desk[account], f"{account}: {told}"
    assert sum(walk.book.values()) == 0, told


def _walk(walk: Walk, happening: str) -> None:
    walk.walked.append(happening)
    if any(row.happening == happening and row.src is walk.stage for row in STEPS):
        walk.stage = step(walk.stage, happening).dst
    if happening in MONEY:
        MONEY[happening][1](walk)


def _so_far(walk: Walk) -> None:
    """At any moment: what the accounts show is what is on its way."""
    late = walk.units if walk.late in ("owed", "desk") else 0
    told = " ".join(walk.walked)
    assert sum(walk.book.values()) == 0, told
    assert walk.book["customer_due"] == walk.due, told
    assert walk.book["refund_due"] == -sum(walk.owed) + walk.desk["refund_due"], told
    assert walk.book["reversal_due"] == -late, told


@pytest.mark.parametrize("fee", [0, 1, 99])
def test_direct_money_leaves_nothing_but_the_fee(fee: int) -> None:
    walk = Walk(Random(1), 100)
    walk.post(
        *ledger.collected(100, "mock_direct", fee, ledger.WALLET), settled(100 - fee, "mock_direct")
    )
    assert +walk.book == Counter({"clearing": fee}) if fee else not +walk.book
    assert walk.book["merchant_payable"] == 0


@pytest.mark.parametrize("short", [1, 2, 3, 50])
def test_a_shortfall_that_is_accepted_is_the_merchants_until_it_is_made_up(short: int) -> None:
    """The contract pays the merchant first: the fee is owed in the book as far as the treasury got
    less."""
    walk, fee, came = Walk(Random(1), 100), 2, 100 - short
    walk.post(*ledger.collected(100, "usdc_base", fee, ledger.WALLET, short))
    walk.post(settled(min(came, 100 - fee), "usdc_base"))
    assert walk.book["customer_due"] == 0
    assert walk.book["merchant_payable"] == min(short, fee)
    assert walk.book["clearing"] == max(fee - short, 0)
    walk.post(overpaid(short, "usdc_base"))
    if came < 100 - fee:
        walk.post(settled(100 - fee - came, "usdc_base"))
    assert +walk.book == Counter({"clearing": fee})
    assert walk.book["merchant_payable"] == 0
