"""How long an authorisation lives, as its sources say on each day."""

from datetime import date, timedelta

from tests.rings import each

from recoup.networks.limits import Initiator
from recoup.networks.lives import LIVES, life_of
from recoup.networks.tables import LIMITS, REGIONS

NOW = date(2026, 11, 30)


@each(
    ("scheme", "initiator", "on", "days"),
    [
        ("visa", "merchant", NOW, 5),
        ("visa", "customer", NOW, 10),
        ("visa", "merchant", date(2024, 4, 12), 7),
        ("visa", "customer", date(2024, 4, 13), 10),
        ("mastercard", "merchant", NOW, 7),
        ("amex", "customer", NOW, 7),
        ("a network that is not known", "merchant", NOW, 7),
    ],
)
def test_a_hold_of_each_network(scheme: str, initiator: Initiator, on: date, days: int) -> None:
    for region in REGIONS:
        assert life_of(scheme, initiator, region, on) == timedelta(days=days)


def test_every_network_has_a_life_for_both_kinds() -> None:
    networks = {row.scheme for row in LIMITS}
    assert {(row.scheme, row.kind) for row in LIVES} == {
        (one, kind) for one in networks for kind in ("mit", "cit")
    }
