"""The one error of the product, between processes."""

import pickle

from recoup.kernel.problem import Problem
from recoup.networks.card_text import TooManyDigits


def test_an_error_can_leave_the_process_that_met_it() -> None:
    """It ended in `BrokenProcessPool`: the error could not leave the process that met it."""
    met = Problem(
        "wrong_state",
        "It is {stage}.",
        field="amount",
        cure="Wait.",
        stage="paid",
        retry_after_seconds=2,
    )
    again = pickle.loads(pickle.dumps(met))
    assert (type(again), vars(again), str(again)) == (Problem, vars(met), "It is paid.")
    assert again.sentence(stage="done") == "It is done. Wait."


def test_a_kind_of_its_own_stays_one() -> None:
    met = TooManyDigits.__new__(TooManyDigits)
    Problem.__init__(met, "invalid", "Too many digits.")
    assert type(pickle.loads(pickle.dumps(met))) is TooManyDigits
