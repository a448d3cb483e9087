"""What is just enough to be judged by, and what is one short of it."""

from recoup.backtest.rules.enough import DAYS_MIN, EACH_MIN, Closed, missing_of_orders


def test_just_enough_lacks_nothing_and_one_less_is_named() -> None:
    assert missing_of_orders(Closed(2 * EACH_MIN, EACH_MIN, DAYS_MIN)) == []
    short = {
        "rescued": Closed(2 * EACH_MIN, EACH_MIN - 1, DAYS_MIN),
        "not_rescued": Closed(2 * EACH_MIN - 1, EACH_MIN, DAYS_MIN),
        "days": Closed(2 * EACH_MIN, EACH_MIN, DAYS_MIN - 1),
    }
    assert {
        name: [one.what for one in missing_of_orders(closed)] for name, closed in short.items()
    } == {name: [name] for name in short}
